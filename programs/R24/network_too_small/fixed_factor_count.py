"""Stars that readers give to books, by matrix factorization."""
import argparse

import numpy as np
import torch
from torch import nn

READERS, BOOKS = 240, 160


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--factors", type=int, default=12)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--batch", type=int, default=128)
    return parser.parse_args()


def ratings(seed=0, count=20_000):
    rng = np.random.default_rng(seed)
    taste, flavour = rng.normal(size=(READERS, 5)), rng.normal(size=(BOOKS, 5))
    harsh, liked = rng.normal(0, 0.3, READERS), rng.normal(0, 0.3, BOOKS)
    cells = rng.choice(READERS * BOOKS, count, replace=False)
    reader, book = cells // BOOKS, cells % BOOKS
    stars = 3 + 0.55 * (taste[reader] * flavour[book]).sum(1) + harsh[reader] + liked[book] + rng.normal(0, 0.25, count)
    return torch.tensor(reader), torch.tensor(book), torch.tensor(stars, dtype=torch.float32)


class Factorization(nn.Module):
    def __init__(self, factors, mean):
        super().__init__()
        self.reader, self.book = nn.Embedding(READERS, factors), nn.Embedding(BOOKS, factors)
        self.reader_bias, self.book_bias = nn.Embedding(READERS, 1), nn.Embedding(BOOKS, 1)
        self.mean = mean
        for table in (self.reader, self.book):
            nn.init.normal_(table.weight, std=0.3)
        for table in (self.reader_bias, self.book_bias):
            nn.init.zeros_(table.weight)

    def forward(self, reader, book):
        product = (self.reader(reader) * self.book(book)).sum(1)
        return self.mean + product + self.reader_bias(reader).squeeze(1) + self.book_bias(book).squeeze(1)


def main():
    options = parse()
    torch.manual_seed(7)
    reader, book, stars = ratings()
    train, test = torch.arange(16_000), torch.arange(16_000, 20_000)
    model = Factorization(options.factors, stars[train].mean().item())
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.lr, weight_decay=0.02)
    for epoch in range(options.epochs):
        squared = 0.0
        for rows in train[torch.randperm(len(train))].split(options.batch):
            loss = nn.functional.mse_loss(model(reader[rows], book[rows]), stars[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            squared += loss.item() * len(rows)
        with torch.no_grad():
            error = nn.functional.mse_loss(model(reader[test], book[test]), stars[test]).sqrt().item()
        print(f"epoch {epoch:2d}: train rmse {(squared / len(train)) ** 0.5:.4f}, test rmse {error:.4f}")


if __name__ == "__main__":
    main()
