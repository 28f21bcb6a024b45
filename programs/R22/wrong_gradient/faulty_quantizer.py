import torch
from sklearn.datasets import make_friedman1
from torch import nn


class ScaledSwish(torch.autograd.Function):
    """x * sigmoid(b * x) with a memory-saving backward."""

    @staticmethod
    def forward(ctx, x, b):
        ctx.save_for_backward(x, b)
        return x * torch.sigmoid(b * x)

    @staticmethod
    def backward(ctx, grad_output):
        x, b = ctx.saved_tensors
        s = torch.sigmoid(b * x)
        grad_x = grad_output * (s - b * x * (1 - s))
        grad_b = (grad_output * x * x * s * (1 - s)).sum()
        return grad_x, grad_b


class Swish(nn.Module):
    def __init__(self):
        super().__init__()
        self.beta = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        return ScaledSwish.apply(x, self.beta)


class Net(nn.Module):
    def __init__(self, n_in, n_hidden=32):
        super().__init__()
        self.fc1, self.fc2, self.out = nn.Linear(n_in, n_hidden), nn.Linear(n_hidden, n_hidden), nn.Linear(n_hidden, 1)
        self.act1, self.act2 = Swish(), Swish()

    def forward(self, x):
        return self.out(self.act2(self.fc2(self.act1(self.fc1(x))))).squeeze(-1)


def standardize(a, reference):
    return (a - reference.mean(0)) / reference.std(0)


torch.manual_seed(2)
X, y = (torch.tensor(a, dtype=torch.float32) for a in make_friedman1(1000, 10, noise=0.3, random_state=0))
perm = torch.randperm(len(X))
X, y = X[perm], y[perm]
X_tr, X_va = standardize(X[:750], X[:750]), standardize(X[750:], X[:750])
y_tr, y_va = standardize(y[:750], y[:750]), standardize(y[750:], y[:750])
net = Net(10)
optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)
for epoch in range(1, 21):
    for rows in torch.randperm(750).split(25):
        optimizer.zero_grad()
        loss = (net(X_tr[rows]) - y_tr[rows]).square().mean()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        with torch.no_grad():
            print(f"epoch {epoch}: validation mse {(net(X_va) - y_va).square().mean():.3f}")
