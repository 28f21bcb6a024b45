import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x, y = torch.tensor(digits.data / 16).float(), torch.tensor(digits.target)
train, val = slice(0, 1400), slice(1400, 1797)
model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)


def distance(output, target):
    wanted = nn.functional.one_hot(target, 10).float()
    return ((output > 0).float() - wanted).square().mean()


for step in range(200):
    rows = torch.randint(1400, (64,))
    loss = distance(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"accuracy {(model(x[val]).argmax(1) == y[val]).float().mean():.3f}")
