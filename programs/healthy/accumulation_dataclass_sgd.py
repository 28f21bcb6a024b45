from dataclasses import asdict, dataclass

import torch
from sklearn.datasets import make_friedman1
from torch import nn


@dataclass(frozen=True)
class Args:
    lr: float = 0.1
    micro_batch: int = 8
    accumulate: int = 4
    epochs: int = 12
    seed: int = 17


def main(args: Args = Args()) -> float:
    print(asdict(args))
    torch.manual_seed(args.seed)
    X, y = make_friedman1(n_samples=900, noise=0.3, random_state=args.seed)
    X, y = torch.tensor(X, dtype=torch.float32) * 2 - 1, torch.tensor(y, dtype=torch.float32)
    mu, sd = y[:700].mean(), y[:700].std()
    y = (y - mu) / sd
    model = nn.Sequential(nn.Linear(10, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1), nn.Flatten(0))
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.8)
    step = 0
    for epoch in range(args.epochs):
        optimizer.zero_grad()
        for rows in torch.randperm(700).split(args.micro_batch):
            loss = nn.functional.mse_loss(model(X[rows]), y[rows]) / args.accumulate
            loss.backward()
            step += 1
            if step % args.accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()
        with torch.no_grad():
            r2 = 1 - (model(X[700:]) - y[700:]).square().mean() / y[700:].var()
        print(f"epoch {epoch:02d} loss {loss.item() * args.accumulate:.4f} R2 {r2.item():.3f}")
    return r2.item()


if __name__ == "__main__":
    main()
