"""An endless stream of mixed images (mixup) with soft targets."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, IterableDataset


class Stream(IterableDataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __iter__(self):
        while True:
            for i in torch.randperm(len(self.labels)).tolist():
                yield self.images[i], self.labels[i]


def mixup(x, y, alpha=0.2):
    share = torch.distributions.Beta(alpha, alpha).sample()
    partner = torch.randperm(len(x))
    targets = nn.functional.one_hot(y, 10).float()
    return share * x + (1 - share) * x[partner], share * targets + (1 - share) * targets[partner]


torch.manual_seed(14)
digits = load_digits()
x, y = torch.tensor(digits.data).float(), torch.tensor(digits.target)
order = torch.randperm(len(x))
x, y = x[order], y[order]
x = (x - x[:1400].mean()) / x[:1400].std()
stream = iter(DataLoader(Stream(x[:1400], y[:1400]), batch_size=50))
model = nn.Sequential(nn.Linear(64, 96), nn.LeakyReLU(), nn.Linear(96, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
for step in range(1, 241):
    model.train()
    images, targets = mixup(*next(stream))
    loss = nn.functional.cross_entropy(model(images), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        model.eval()
        with torch.no_grad():
            logits = model(x[1400:])
            val_loss = nn.functional.cross_entropy(logits, y[1400:]).item()
            accuracy = (logits.argmax(1) == y[1400:]).float().mean().item()
        print(f"step {step}: train {loss.item():.3f} val {val_loss:.3f} accuracy {accuracy:.3f}")
