"""Two streams: one network looks at the upper half of a digit, the other one at the lower half."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

digits = load_digits()
perm = torch.randperm(len(digits.images))
images = torch.tensor(digits.images, dtype=torch.float32)[perm]
labels = torch.tensor(digits.target)[perm]
images = (images - images[:1400].mean()) / images[:1400].std()
upper, lower = images[:, :4].flatten(1), images[:, 4:].flatten(1)
train_set = TensorDataset(upper[:1400], lower[:1400], labels[:1400])
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)


def stream():
    return nn.Sequential(nn.Linear(32, 48), nn.ReLU(), nn.Linear(48, 16), nn.ReLU())


class TwoStreams(nn.Module):
    def __init__(self):
        super().__init__()
        self.upper = stream()
        self.lower = stream()
        self.classifier = nn.Linear(32, 10)

    def forward(self, upper, lower):
        a = self.upper(upper)
        b = self.lower(lower)
        return self.classifier(torch.cat([a, a], dim=1))


model = TwoStreams()
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(10):
    model.train()
    for u, v, y in train_loader:
        loss = criterion(model(u, v), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(upper[1400:], lower[1400:]).argmax(1) == labels[1400:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.4f}, validation accuracy {accuracy:.4f}")
