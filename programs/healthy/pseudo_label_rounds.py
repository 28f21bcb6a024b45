"""Self-training: eighty labels, then rounds in which a fresh network also learns from what the last one is sure of."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(3)
data = load_digits()
perm = torch.randperm(1797)
x, y = torch.tensor(data.data, dtype=torch.float32)[perm] / 16, torch.tensor(data.target)[perm]
x_test, y_test = x[1397:], y[1397:]
first = torch.cat([(y[:1397] == digit).nonzero().squeeze(1)[:8] for digit in range(10)])
rest = torch.ones(1397, dtype=torch.bool)
rest[first] = False
unlabelled = x[:1397][rest]


def fit(images, labels, weights, steps):
    net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Dropout(0.3), nn.Linear(96, 10))
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
    for _ in range(steps):
        rows = torch.multinomial(weights, 48, replacement=True)
        noisy = images[rows] + 0.1 * torch.randn(48, 64)
        loss = F.cross_entropy(net(noisy), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval(), loss.item()


images, labels, weights = x[first], y[first], torch.ones(len(first))
for turn in range(5):
    net, loss = fit(images, labels, weights, 150 if turn == 0 else 300)
    with torch.no_grad():
        sure, guess = net(unlabelled).softmax(1).max(1)
        accuracy = (net(x_test).argmax(1) == y_test).float().mean().item()
    kept = sure > 0.9
    images = torch.cat([x[first], unlabelled[kept]])
    labels = torch.cat([y[first], guess[kept]])
    weights = torch.cat([torch.full((len(first),), 3.0), torch.ones(int(kept.sum()))])
    print(f"round {turn}: loss {loss:.3f}, pseudo-labels {int(kept.sum())}, test accuracy {accuracy:.4f}")
