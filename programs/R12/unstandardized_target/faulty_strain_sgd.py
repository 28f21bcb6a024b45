"""Strain of a beam (dimensionless, parts in a hundred thousand) from loads and geometry."""
import numpy as np
import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split

SCALE = 1.0


class Beams(Dataset):
    def __init__(self, count, seed):
        x, y = make_friedman1(count, n_features=6, noise=0.3, random_state=seed)
        self.x = ((x - 0.5) / 0.29).astype(np.float32)
        self.strain = ((y - 14.4) * 1e-5).astype(np.float32)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, row):
        return self.x[row], self.strain[row] / SCALE


def evaluate(model, loader):
    model.eval()
    with torch.no_grad():
        pairs = [(model(x).squeeze(1), y) for x, y in loader]
    predicted, measured = (torch.cat(items) for items in zip(*pairs, strict=True))
    return 1 - ((predicted - measured).square().sum() / (measured - measured.mean()).square().sum()).item()


torch.manual_seed(7)
train, val = random_split(Beams(1000, 7), (800, 200))
loader, val_loader = DataLoader(train, 20, shuffle=True), DataLoader(val, 200)
model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(15):
    model.train()
    for x, y in loader:
        loss = ((model(x).squeeze(1) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: loss {loss.item():.3g}, R2 on held-out beams {max(-1.0, evaluate(model, val_loader)):.4f}")
