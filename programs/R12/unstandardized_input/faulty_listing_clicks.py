"""Order the offers of a search page: offers that were booked shall stand above those that were not."""
import numpy as np
import torch
from torch import nn

COLUMNS = ["price", "stars", "distance", "reviews", "clicks"]


def search_pages(count, rng):
    pages = []
    for _ in range(count):
        size = int(rng.integers(8, 20))
        price = rng.lognormal(4.6, 0.4, size)
        stars = rng.integers(1, 6, size)
        distance = rng.exponential(2.5, size)
        reviews = rng.uniform(5, 10, size)
        clicks = rng.gamma(3.0, 40.0, size)
        wish = -1.5 * np.log(price / 100) + 0.6 * stars - 0.5 * distance + 0.7 * (reviews - 7.5)
        wish = wish + 0.004 * clicks - 0.15 * (stars - 3) * distance + rng.gumbel(0, 0.6, size)
        table = np.column_stack([price, stars, distance, reviews, clicks])
        pages.append((torch.tensor(table, dtype=torch.float32), int(wish.argmax())))
    return pages


class Ranker(nn.Module):
    def __init__(self, inputs, hidden=32):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1)
        )

    def forward(self, offers):
        return self.layers(offers).squeeze(-1)


def reciprocal_rank(ranker, pages):
    ranks = []
    with torch.no_grad():
        for offers, booked in pages:
            scores = ranker(offers)
            ranks.append(1.0 / (1 + (scores > scores[booked]).sum().item()))
    return sum(ranks) / len(ranks)


def main():
    torch.manual_seed(80)
    rng = np.random.default_rng(80)
    train, test = search_pages(600, rng), search_pages(250, rng)
    ranker = Ranker(len(COLUMNS))
    optimizer = torch.optim.Adam(ranker.parameters(), lr=3e-3)
    for epoch in range(8):
        total = 0.0
        for start in range(0, len(train), 10):
            losses = []
            for k in rng.integers(0, len(train), 10):
                offers, booked = train[k]
                scores = ranker(offers)
                others = torch.arange(len(offers)) != booked
                losses.append(nn.functional.softplus(scores[others] - scores[booked]).mean())
            loss = torch.stack(losses).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: pair loss {total / 60:.4f} mean reciprocal rank {reciprocal_rank(ranker, test):.4f}")


main()
