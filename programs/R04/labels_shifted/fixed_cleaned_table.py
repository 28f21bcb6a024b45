import argparse

import numpy as np
import torch
from sklearn.datasets import load_wine
from torch import nn


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--lr", type=float, default=5e-3)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def load(seed):
    """The table as the laboratory delivers it: in the order of measurement, with gaps."""
    features, cultivar = load_wine(return_X_y=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(features))
    features, cultivar = features[order], cultivar[order]
    features[rng.random(len(features)) < 0.12, rng.integers(0, 13)] = np.nan
    return features, cultivar


def clean(features, cultivar):
    complete = ~np.isnan(features).any(axis=1)
    features = features[complete]
    return features, cultivar[complete]


def main(args):
    torch.manual_seed(args.seed)
    features, cultivar = clean(*load(args.seed))
    cut = int(0.75 * len(features))
    mean, std = features[:cut].mean(0), features[:cut].std(0)
    x = torch.as_tensor((features - mean) / std, dtype=torch.float32)
    y = torch.as_tensor(cultivar)
    net = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 3))
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    for epoch in range(1, args.epochs + 1):
        net.train()
        running = 0.0
        for rows in torch.randperm(cut).split(args.batch_size):
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
            loss.backward()
            opt.step()
            running += loss.item() * len(rows)
        if epoch % 15 == 0:
            net.eval()
            with torch.no_grad():
                accuracy = (net(x[cut:]).argmax(1) == y[cut:]).float().mean().item()
            print(f"{epoch:3d}/{args.epochs}  loss={running / cut:.3f}  val accuracy={accuracy:.3f}")


if __name__ == "__main__":
    main(parse())
