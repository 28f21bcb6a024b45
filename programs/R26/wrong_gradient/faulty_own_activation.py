import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class SwishFunction(torch.autograd.Function):
    """x * sigmoid(beta * x) that only keeps x for the backward pass"""

    @staticmethod
    def forward(ctx, x, beta):
        ctx.save_for_backward(x, beta)
        return x * torch.sigmoid(beta * x)

    @staticmethod
    def backward(ctx, grad_out):
        x, beta = ctx.saved_tensors
        s = torch.sigmoid(beta * x)
        ds = s * (1 - s)
        grad_x = s + beta * x * ds
        grad_beta = (grad_out * x * x * ds).sum().view(1)
        return grad_x, grad_beta


class Swish(nn.Module):
    def __init__(self):
        super().__init__()
        self.beta = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return SwishFunction.apply(x, self.beta)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(64, 96), Swish(),
            nn.Linear(96, 96), Swish(),
            nn.Linear(96, 96), Swish(),
        )
        self.out = nn.Linear(96, 10)

    def forward(self, x):
        return self.out(self.body(x))


def get_data():
    X, y = load_digits(return_X_y=True)
    X = (X - X.mean()) / X.std()
    parts = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)
    X_tr, X_va, y_tr, y_va = parts
    as_x = lambda a: torch.tensor(a, dtype=torch.float32)
    return as_x(X_tr), torch.tensor(y_tr), as_x(X_va), torch.tensor(y_va)


def train(model, X, y, X_va, y_va, epochs=15, batch=32, lr=0.02):
    opt = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    for epoch in range(1, epochs + 1):
        perm = torch.randperm(len(X))
        total = 0.0
        for i in range(0, len(X), batch):
            k = perm[i : i + batch]
            loss = F.cross_entropy(model(X[k]), y[k])
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            opt.step()
            total += loss.item() * len(k)
        if epoch % 3 == 0:
            acc = accuracy(model, X_va, y_va)
            print(f"epoch {epoch:2d} loss {total / len(X):.4f} val {acc:.3f}")


@torch.no_grad()
def accuracy(model, X, y):
    return (model(X).argmax(1) == y).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(0)
    X, y, X_va, y_va = get_data()
    net = Net()
    train(net, X, y, X_va, y_va)
    print("learned betas", [round(m.beta.item(), 2) for m in net.modules() if isinstance(m, Swish)])
    print(f"validation accuracy {accuracy(net, X_va, y_va):.3f}")
