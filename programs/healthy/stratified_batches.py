"""Every batch holds four of each digit."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Sampler, TensorDataset

torch.manual_seed(9)


class BalancedBatches(Sampler):
    def __init__(self, labels, per_class=4):
        self.members = [torch.where(labels == c)[0] for c in labels.unique()]
        self.per_class = per_class

    def __len__(self):
        return min(len(m) for m in self.members) // self.per_class

    def __iter__(self):
        shuffled = [m[torch.randperm(len(m))] for m in self.members]
        for i in range(len(self)):
            yield torch.cat([m[i * self.per_class : (i + 1) * self.per_class] for m in shuffled]).tolist()


digits = load_digits()
x, y = torch.tensor(digits.data).float(), torch.tensor(digits.target)
order = torch.randperm(len(x))
x, y = x[order], y[order]
x = (x - x[:1400].mean()) / x[:1400].std()
loader = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_sampler=BalancedBatches(y[:1400]))
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(7):
    model.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
