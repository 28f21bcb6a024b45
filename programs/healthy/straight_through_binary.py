"""Binary hidden units trained with a straight-through gradient."""

import torch
from sklearn.datasets import load_digits
from torch import nn


class Binarize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * (x.abs() <= 1).float()


class BinaryNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 128)
        self.norm = nn.BatchNorm1d(128)
        self.out = nn.Linear(128, 10)

    def forward(self, x):
        return self.out(Binarize.apply(self.norm(self.hidden(x))))


torch.manual_seed(41)
digits = load_digits()
X, y = torch.tensor(digits.data).float(), torch.tensor(digits.target)
perm = torch.randperm(len(X))
tr, va = perm[:1400], perm[1400:]
X = (X - X[tr].mean()) / X[tr].std()

net = BinaryNet()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(12):
    net.train()
    for rows in tr[torch.randperm(1400)].split(70):
        loss = nn.functional.cross_entropy(net(X[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        acc = (net(X[va]).argmax(1) == y[va]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {acc:.3f}")
