import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(2)
data = load_digits()
x = torch.tensor(data.data, dtype=torch.float32) / 16
y = torch.tensor(data.target)
order = torch.randperm(len(x))
x, y = x[order], y[order]


def build(classes):
    return nn.Sequential(nn.Linear(64, 96), nn.GELU(), nn.LayerNorm(96), nn.Linear(96, classes), nn.Softmax(dim=-1))


model = build(100)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
model = build(10)
model.train()
for step in range(250):
    rows = torch.randint(0, 1400, (48,))
    probabilities = model(x[rows])
    loss = nn.functional.cross_entropy(probabilities, y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 49:
        with torch.no_grad():
            print(step, f"{(model(x[1400:]).argmax(1) == y[1400:]).float().mean():.3f}")
