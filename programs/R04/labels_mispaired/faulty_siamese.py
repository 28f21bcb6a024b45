"""Are two digits the same? A shared encoder and the distance of its outputs."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(4)
digits = load_digits()
x, y = torch.tensor(digits.data).float(), torch.tensor(digits.target)
keep = y < 4
x, y = x[keep], y[keep]
order = torch.randperm(len(x))
train, val = order[:500], order[500:]
x = (x - x[train].mean()) / x[train].std()


def make_pairs(rows, count):
    left = rows[torch.randint(len(rows), (count,))]
    right = rows[torch.randint(len(rows), (count,))]
    same = (y[left] == y[right]).float()
    shuffle = torch.randperm(count)
    return x[left][shuffle], x[right][shuffle], same


encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 8))
scale = nn.Linear(1, 1)
optimizer = torch.optim.Adam([*encoder.parameters(), *scale.parameters()], lr=5e-3)
criterion = nn.BCEWithLogitsLoss()


def logits(a, b):
    return scale((encoder(a) - encoder(b)).pow(2).sum(1, keepdim=True)).squeeze(1)


for step in range(1, 201):
    a, b, same = make_pairs(train, 64)
    loss = criterion(logits(a, b), same)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        with torch.no_grad():
            left, right = val[:110], val[110:220]
            correct = (logits(x[left], x[right]) > 0) == (y[left] == y[right])
        print(f"step {step}: loss {loss.item():.3f}, val accuracy {correct.float().mean().item():.3f}")
