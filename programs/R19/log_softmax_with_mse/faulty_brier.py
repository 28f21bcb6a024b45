import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, Subset


class Digits(Dataset):
    """Images with one-hot labels."""

    def __init__(self):
        digits = load_digits()
        self.images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)
        self.labels = torch.eye(10)[torch.tensor(digits.target)]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


torch.manual_seed(0)
dataset = Digits()
order = torch.randperm(len(dataset)).tolist()
train_set, val_set = Subset(dataset, order[:1440]), Subset(dataset, order[1440:])
dataset.images -= dataset.images[order[:1440]].mean()
dataset.images /= dataset.images[order[:1440]].std()
train_loader = DataLoader(train_set, batch_size=48, shuffle=True)
val_loader = DataLoader(val_set, batch_size=357)

model = nn.Sequential(
    nn.Conv2d(1, 12, 3),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(108, 10),
    nn.LogSoftmax(dim=1),
)
brier_score = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(10):
    for images, targets in train_loader:
        loss = brier_score(model(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        images, targets = next(iter(val_loader))
        output = model(images)
        accuracy = (output.argmax(1) == targets.argmax(1)).float().mean()
        val_score = brier_score(output, targets)
    print(f"epoch {epoch}: train {loss.item():.4f}, accuracy {accuracy:.3f}, validation brier {val_score:.4f}")
