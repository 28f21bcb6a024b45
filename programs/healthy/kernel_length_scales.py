"""A Gaussian process whose length scales and noise come from the marginal likelihood, by L-BFGS over all points."""
import math

import torch

torch.manual_seed(4)
torch.set_default_dtype(torch.float64)
x = torch.rand(260, 4) * 4 - 2
truth = torch.sin(2.5 * x[:, 0]) + 0.5 * x[:, 1] ** 2 - 0.7 * x[:, 1]
y = truth + 0.2 * torch.randn(260)
x_train, y_train, x_test, f_test = x[:180], y[:180], x[180:], truth[180:]
mean = y_train.mean()

log_scales = torch.zeros(4, requires_grad=True)
log_signal = torch.zeros((), requires_grad=True)
log_noise = torch.tensor(-1.0, requires_grad=True)


def kernel(a, b):
    a, b = a / log_scales.exp(), b / log_scales.exp()
    squares = (a[:, None] - b[None]).square().sum(-1)
    return log_signal.exp().square() * torch.exp(-0.5 * squares)


def factor():
    k = kernel(x_train, x_train) + (log_noise.exp().square() + 1e-6) * torch.eye(len(x_train))
    return torch.linalg.cholesky(k)


def negative_evidence():
    chol = factor()
    alpha = torch.cholesky_solve((y_train - mean)[:, None], chol)
    fit = 0.5 * ((y_train - mean)[:, None] * alpha).sum()
    return (fit + chol.diagonal().log().sum()) / len(x_train) + 0.5 * math.log(2 * math.pi)


optimizer = torch.optim.LBFGS([log_scales, log_signal, log_noise], max_iter=10, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = negative_evidence()
    loss.backward()
    return loss


for round_number in range(6):
    loss = optimizer.step(closure)
    with torch.no_grad():
        alpha = torch.cholesky_solve((y_train - mean)[:, None], factor())
        predicted = mean + (kernel(x_test, x_train) @ alpha).squeeze(1)
        rmse = (predicted - f_test).square().mean().sqrt().item()
    print(
        f"round {round_number}: evidence {-loss.item():.4f}, noise {log_noise.exp().item():.3f}, "
        f"scales {[round(s, 2) for s in log_scales.exp().tolist()]}, test rmse {rmse:.4f}"
    )
