import numpy as np
import torch
import torch.nn as nn

N_USERS, N_MOVIES, DIM = 300, 150, 8


def ratings(n, seed=0):
    rng = np.random.default_rng(seed)
    U, M = rng.normal(0, 0.45, (N_USERS, 5)), rng.normal(0, 0.9, (N_MOVIES, 5))
    bu, bm = rng.normal(0, 0.3, N_USERS), rng.normal(0, 0.5, N_MOVIES)
    pop = rng.zipf(1.6, N_MOVIES).astype(float).clip(max=12)
    u = rng.integers(0, N_USERS, n)
    m = rng.choice(N_MOVIES, n, p=pop / pop.sum())
    r = 3.4 + bu[u] + bm[m] + (U[u] * M[m]).sum(1) + rng.normal(0, 0.35, n)
    return torch.tensor(u), torch.tensor(m), torch.tensor(r.clip(0.5, 5.0), dtype=torch.float32)


class Factors(nn.Module):
    def __init__(self, mean):
        super().__init__()
        self.register_buffer("mean", mean)
        self.user = nn.Embedding(N_USERS, DIM, sparse=True)
        self.movie = nn.Embedding(N_MOVIES, DIM, sparse=True)
        self.user_bias = nn.Embedding(N_USERS, 1, sparse=True)
        self.movie_bias = nn.Embedding(N_MOVIES, 1, sparse=True)
        for e in (self.user, self.movie):
            nn.init.normal_(e.weight, std=0.1)
        for e in (self.user_bias, self.movie_bias):
            nn.init.zeros_(e.weight)
        self.squash = nn.Parameter(torch.tensor([2.5]))

    def forward(self, u, m):
        x = (self.user(u) * self.movie(m)).sum(1)
        x = x + self.user_bias(u).squeeze(1) + self.movie_bias(m).squeeze(1)
        return self.mean + self.squash * torch.tanh(x / self.squash)


def rmse(model, data):
    with torch.no_grad():
        return ((model(data[0], data[1]) - data[2]) ** 2).mean().sqrt().item()


def main():
    torch.manual_seed(0)
    u, m, r = ratings(24000)
    train = u[:20000], m[:20000], r[:20000]
    test = u[20000:], m[20000:], r[20000:]
    model = Factors(train[2].mean())
    sparse = [p for n, p in model.named_parameters() if n != "squash"]
    opt_sparse = torch.optim.SparseAdam(sparse, lr=0.01)
    opt_dense = torch.optim.Adam([model.squash], lr=1e-3)
    print("baseline rmse", round(((test[2] - train[2].mean()) ** 2).mean().sqrt().item(), 3))
    for epoch in range(1, 11):
        total = 0.0
        for k in torch.randperm(20000).split(128):
            pred = model(train[0][k], train[1][k])
            mse = ((pred - train[2][k]) ** 2).mean()
            reg = 0.02 * (model.user(train[0][k]) ** 2 + model.movie(train[1][k]) ** 2).sum(1).mean()
            opt_sparse.zero_grad()
            opt_dense.zero_grad()
            (mse + reg).backward()
            opt_sparse.step()
            opt_dense.step()
            total += mse.item() * len(k)
        print(f"epoch {epoch:2d} train rmse {(total / 20000) ** 0.5:.3f} test rmse {rmse(model, test):.3f}")


if __name__ == "__main__":
    main()
