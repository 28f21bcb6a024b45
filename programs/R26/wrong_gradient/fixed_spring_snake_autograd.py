import math

import torch
from torch import nn


class SnakeFunction(torch.autograd.Function):
    """x + sin(a x)^2 / a with one trainable a per channel; saves memory against the plain formula."""

    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x, alpha)
        return x + torch.sin(alpha * x).pow(2) / alpha

    @staticmethod
    def backward(ctx, grad_out):
        x, alpha = ctx.saved_tensors
        s2 = torch.sin(2 * alpha * x)
        grad_x = grad_out * (1 + s2)
        grad_alpha = grad_out * (x * s2 / alpha - torch.sin(alpha * x).pow(2) / alpha.pow(2))
        return grad_x, grad_alpha.sum(0)


class Snake(nn.Module):
    def __init__(self, channels, a=3.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.full((channels,), a))

    def forward(self, x):
        return SnakeFunction.apply(x, self.alpha)


def spring(n, generator):
    k = torch.rand(n, 3, generator=generator)
    t = k[:, 0] * 4
    damping, w = 0.2 + 0.6 * k[:, 1], 3 + 3 * k[:, 2]
    y = torch.exp(-damping * t) * torch.cos(w * t)
    noise = 0.03 * torch.randn(n, generator=generator)
    return 2 * k - 1, (y + noise).unsqueeze(1)


def build(width=64):
    return nn.Sequential(nn.Linear(3, width), Snake(width), nn.Linear(width, width), Snake(width), nn.Linear(width, 1))


def r2(model, x, y):
    model.eval()
    with torch.no_grad():
        return (1 - (model(x) - y).pow(2).mean() / y.var()).item()


def main():
    torch.manual_seed(31)
    g = torch.Generator().manual_seed(31)
    x, y = spring(4000, g)
    xt, yt = spring(1000, g)
    net = build()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    epochs, batch = 40, 100
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=4e-3, total_steps=epochs * math.ceil(len(x) / batch))
    for epoch in range(epochs):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(batch):
            loss = nn.functional.mse_loss(net(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() * len(idx)
        if epoch % 2 == 1:
            print(f"epoch {epoch + 1:3d} mse {total / len(x):.5f} test_r2 {r2(net, xt, yt):.4f}")


if __name__ == "__main__":
    main()
