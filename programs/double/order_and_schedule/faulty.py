"""Digits from a memory map, through a loader, with a decaying learning rate."""
import argparse
import os
import tempfile

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset


class MemoryMap(Dataset):
    def __init__(self, path, shape):
        self.rows = np.memmap(path, dtype=np.float32, mode="r", shape=shape)

    def __len__(self):
        return self.rows.shape[0]

    def __getitem__(self, number):
        row = torch.from_numpy(np.array(self.rows[number]))
        return row[:-1], row[-1].long()


def write(path, rows, labels):
    order = np.argsort(labels, kind="stable")
    table = np.column_stack([rows[order] / 8 - 1, labels[order]]).astype(np.float32)
    out = np.memmap(path, dtype=np.float32, mode="w+", shape=table.shape)
    out[:] = table
    out.flush()
    return table.shape


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--gamma", type=float, default=0.85)
    args = parser.parse_args()
    torch.manual_seed(33)
    rows, labels = load_digits(return_X_y=True)
    chosen = np.random.default_rng(33).permutation(len(labels))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "train.bin")
        shape = write(path, rows[chosen[:1300]], labels[chosen[:1300]])
        loader = DataLoader(MemoryMap(path, shape), batch_size=26)
        model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        optimizer = optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
        scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=args.gamma)
        x_test = torch.tensor(rows[chosen[1300:]] / 8 - 1, dtype=torch.float32)
        y_test = torch.tensor(labels[chosen[1300:]])
        for epoch in range(args.epochs):
            for x, y in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                scheduler.step()
            with torch.no_grad():
                accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
            print(f"epoch {epoch} loss {loss.item():.4f} rate {scheduler.get_last_lr()[0]:.2e} accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
