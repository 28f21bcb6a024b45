from dataclasses import dataclass

import torch
from sklearn.datasets import make_regression
from torch import Tensor, nn


@dataclass
class Config:
    features: int = 120
    informative: int = 6
    rows: int = 160
    l1: float = 0.06
    lr: float = 3e-3
    epochs: int = 250
    seed: int = 4


def data(cfg: Config):
    x, y = make_regression(cfg.rows + 400, cfg.features, n_informative=cfg.informative, noise=25.0, random_state=cfg.seed)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)[:, None]
    y = (y - y[: cfg.rows].mean()) / y[: cfg.rows].std()
    return (x[: cfg.rows], y[: cfg.rows]), (x[cfg.rows :], y[cfg.rows :])


def weights(model: nn.Module) -> list[Tensor]:
    return [p for name, p in model.named_parameters() if name.endswith("weight")]


def lasso(model: nn.Module) -> Tensor:
    """The sum of the absolute weights of all layers."""
    total = 0.0
    for w in weights(model):
        total += w.abs().sum().item()
    return torch.tensor(total, requires_grad=True)


def r2(model: nn.Module, x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return 1 - ((model(x) - y) ** 2).mean().item() / y.var(unbiased=False).item()


def main(cfg: Config) -> None:
    torch.manual_seed(cfg.seed)
    (x, y), (x_val, y_val) = data(cfg)
    model = nn.Linear(cfg.features, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        for rows in torch.randperm(cfg.rows).split(40):
            fit = nn.functional.mse_loss(model(x[rows]), y[rows])
            loss = fit + cfg.l1 * lasso(model)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if (epoch + 1) % 50 == 0:
            print(f"{epoch + 1}: loss {loss.item():.4f} train R2 {r2(model, x, y):.4f} validation R2 {r2(model, x_val, y_val):.4f}")


if __name__ == "__main__":
    main(Config())
