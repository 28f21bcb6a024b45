import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(9)


class DigitTasks(Dataset):
    """Digit class, and the centre of mass of the ink as a regression target."""

    def __init__(self, images, labels, mean, std):
        self.x = (images - mean) / std
        self.labels = labels
        grid = torch.arange(8.0)
        mass = images.sum((1, 2))
        self.centre = torch.stack(
            [(images.sum(2) * grid).sum(1) / mass, (images.sum(1) * grid).sum(1) / mass], 1
        )
        self.centre = (self.centre - 3.5) / 0.35

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.labels[i], self.centre[i]


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 64), nn.ReLU())
        self.classify = nn.Linear(64, 10)
        self.locate = nn.Linear(64, 2)

    def forward(self, x):
        h = self.trunk(x)
        return self.classify(h), self.locate(h)


digits = load_digits()
images, labels = torch.tensor(digits.images).float(), torch.tensor(digits.target)
order = torch.randperm(len(images))
train, val = order[:1400], order[1400:]
mean, std = images[train].mean(), images[train].std()
train_loader = DataLoader(DigitTasks(images[train], labels[train], mean, std), batch_size=64, shuffle=True)
val_loader = DataLoader(DigitTasks(images[val], labels[val], mean, std), batch_size=400)

model = TwoHeads()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
cross_entropy, mse = nn.CrossEntropyLoss(), nn.MSELoss()
for epoch in range(10):
    model.train()
    for x, label, centre in train_loader:
        logits, position = model(x)
        loss = cross_entropy(logits, label) + mse(position, centre)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        for x, label, centre in val_loader:
            logits, position = model(x)
            accuracy = (logits.argmax(1) == label).float().mean().item()
            error = mse(position, centre).item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f} val position mse {error:.3f}")
