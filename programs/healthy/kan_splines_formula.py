"""Kolmogorov-Arnold network: learnable splines on the edges, fitted to a physics formula with L-BFGS after Adam."""
import torch
from torch import nn


class SplineEdges(nn.Module):
    """y_j = sum_i (a_ij silu(x_i) + sum_k c_ijk B_k(x_i)); cubic B-splines on a uniform grid."""

    def __init__(self, n_in, n_out, grid=8, order=3, low=-1.5, high=1.5):
        super().__init__()
        step = (high - low) / grid
        knots = low + step * torch.arange(-order, grid + order + 1)
        self.register_buffer("knots", knots)
        self.order = order
        self.coefficients = nn.Parameter(0.1 * torch.randn(n_in, grid + order, n_out) / n_in**0.5)
        self.base = nn.Parameter(torch.randn(n_in, n_out) / n_in**0.5)

    def basis(self, x):
        x = x.unsqueeze(-1)
        t = self.knots
        b = ((x >= t[:-1]) & (x < t[1:])).to(x.dtype)
        for k in range(1, self.order + 1):
            left = (x - t[: -k - 1]) / (t[k:-1] - t[: -k - 1]) * b[..., :-1]
            right = (t[k + 1 :] - x) / (t[k + 1 :] - t[1:-k]) * b[..., 1:]
            b = left + right
        return b

    def forward(self, x):
        spline = torch.einsum("nik,iko->no", self.basis(x), self.coefficients)
        return nn.functional.silu(x) @ self.base + spline


class KAN(nn.Module):
    def __init__(self, *sizes):
        super().__init__()
        self.layers = nn.ModuleList(SplineEdges(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = layer(x if i == 0 else 1.4 * torch.tanh(x))
        return x


def gravity_like(x):
    """A formula with a product, a root and a sine, on the cube [-1, 1]^4."""
    a, b, c, d = x.unbind(1)
    return ((a + 1.5) * (b + 1.5) / torch.sqrt((c - d) ** 2 + 0.3) + torch.sin(3 * c * d)).unsqueeze(1)


def main():
    torch.manual_seed(27)
    x = 2 * torch.rand(2600, 4) - 1
    y = gravity_like(x) + 0.02 * torch.randn(2600, 1)
    mean, std = y[:2000].mean(), y[:2000].std()
    x_train, y_train = x[:2000], (y[:2000] - mean) / std
    x_val, y_val = x[2000:], (y[2000:] - mean) / std
    x_test = 2 * torch.rand(2000, 4) - 1
    y_test = (gravity_like(x_test) - mean) / std
    model = KAN(4, 8, 1)
    print(f"{sum(p.numel() for p in model.parameters())} parameters")

    adam = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(15):
        for rows in torch.randperm(2000).split(100):
            adam.zero_grad()
            loss = nn.functional.mse_loss(model(x_train[rows]), y_train[rows])
            loss.backward()
            adam.step()
        if epoch % 5 == 4:
            with torch.no_grad():
                print(f"Adam epoch {epoch + 1}: train {loss.item():.5f} val {nn.functional.mse_loss(model(x_val), y_val):.5f}")

    lbfgs = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=20, history_size=20, line_search_fn="strong_wolfe")

    def closure():
        lbfgs.zero_grad()
        smooth = sum((layer.coefficients.diff(n=2, dim=1) ** 2).mean() for layer in model.layers)
        loss = nn.functional.mse_loss(model(x_train), y_train) + 1e-3 * smooth
        loss.backward()
        return loss

    for sweep in range(4):
        loss = lbfgs.step(closure)
        with torch.no_grad():
            print(f"L-BFGS sweep {sweep + 1}: {loss.item():.5f} val {nn.functional.mse_loss(model(x_val), y_val):.5f}")
    with torch.no_grad():
        rmse = nn.functional.mse_loss(model(x_test), y_test).sqrt()
    print(f"test RMSE {rmse:.4f} (target has unit variance)")


if __name__ == "__main__":
    main()
