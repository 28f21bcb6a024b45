import collections

import torch
import torch.nn as nn
import torch.nn.functional as F

Ratings = collections.namedtuple("Ratings", "user item stars")


def simulate_ratings(users=300, items=180, n=16000, seed=0):
    g = torch.Generator().manual_seed(seed)
    taste, style = torch.randn(users, 4, generator=g), torch.randn(items, 4, generator=g)
    generous, popular = 0.5 * torch.randn(users, generator=g), 0.6 * torch.randn(items, generator=g)
    cells = torch.randperm(users * items, generator=g)[:n]
    u, i = cells // items, cells % items
    stars = 3.2 + generous[u] + popular[i] + 0.45 * (taste[u] * style[i]).sum(1) + 0.3 * torch.randn(n, generator=g)
    return Ratings(u, i, stars.clamp(0.5, 5.0))


class NeuMF(nn.Module):
    """generalized matrix factorization beside an MLP"""

    def __init__(self, users, items, factors=8, layers=(32, 16)):
        super().__init__()
        self.user_mf, self.item_mf = nn.Embedding(users, factors), nn.Embedding(items, factors)
        self.user_mlp, self.item_mlp = nn.Embedding(users, layers[0] // 2), nn.Embedding(items, layers[0] // 2)
        self.user_bias, self.item_bias = nn.Embedding(users, 1), nn.Embedding(items, 1)
        for table in (self.user_mf, self.item_mf, self.user_mlp, self.item_mlp):
            nn.init.normal_(table.weight, std=0.1)
        for table in (self.user_bias, self.item_bias):
            nn.init.zeros_(table.weight)
        self.mlp = nn.Sequential(nn.Linear(layers[0], layers[1]), nn.ReLU())
        self.predict = nn.Linear(factors + layers[1], 1)

    def forward(self, user, item):
        mf = self.user_mf(user) * self.item_mf(item)
        mlp = self.mlp(torch.cat([self.user_mlp(user), self.item_mlp(item)], 1))
        bias = self.user_bias(user) + self.item_bias(item)
        return (self.predict(torch.cat([mf, mlp], 1)) + bias).squeeze(1)


def rmse(model, part, mean):
    model.eval()
    with torch.no_grad():
        return (model(part.user, part.item) + mean - part.stars).pow(2).mean().sqrt().item()


def main(epochs=10, batch=256):
    torch.manual_seed(0)
    full = simulate_ratings()
    take = lambda a, b: Ratings(*(t[a:b] for t in full))
    train, test = take(0, 13000), take(13000, None)
    mean = train.stars.mean()
    model = NeuMF(300, 180)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-5)
    print(f"always the mean: RMSE={(test.stars - mean).pow(2).mean().sqrt():.4f}")
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(train.user))
        total = 0.0
        for rows in order.split(batch):
            loss = F.mse_loss(model(train.user[rows], train.item[rows]), train.stars[rows] - mean)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        print(f"epoch={epoch} train MSE={total / len(order):.4f} test RMSE={rmse(model, test, mean):.4f}")


if __name__ == "__main__":
    main()
