"""Which song comes next on a listener's list? Bayesian personalised ranking with implicit feedback, leave-last-one-out."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

USERS, ITEMS, GENRES = 400, 300, 8
rng = np.random.default_rng(64)
taste = rng.dirichlet([0.15] * GENRES, USERS)
genre = rng.integers(0, GENRES, ITEMS)
popular = rng.pareto(2.0, ITEMS) + 0.3
history = []
for u in range(USERS):
    p = taste[u, genre] * popular
    count = int(min(rng.integers(14, 30), (p > 0).sum() - 1))
    history.append(rng.choice(ITEMS, count, replace=False, p=p / p.sum()))
train = [h[:-2] for h in history]
valid = np.array([h[-2] for h in history])
test = np.array([h[-1] for h in history])
seen = np.zeros((USERS, ITEMS), dtype=bool)
for u, items in enumerate(train):
    seen[u, items] = True
pairs = np.array([(u, i) for u in range(USERS) for i in train[u]])


class Triples(IterableDataset):
    def __iter__(self):
        for k in np.random.permutation(len(pairs)):
            u, i = pairs[k]
            j = np.random.randint(ITEMS)
            while seen[u, j]:
                j = np.random.randint(ITEMS)
            yield int(u), int(i), int(j)


class MF(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.user = nn.Embedding(USERS, dim)
        self.item = nn.Embedding(ITEMS, dim)
        self.bias = nn.Embedding(ITEMS, 1)
        nn.init.normal_(self.user.weight, std=0.05)
        nn.init.normal_(self.item.weight, std=0.05)
        nn.init.zeros_(self.bias.weight)

    def forward(self, u, i):
        return (self.user(u) * self.item(i)).sum(-1) + self.bias(i).squeeze(-1)

    def all_scores(self):
        return self.user.weight @ self.item.weight.T + self.bias.weight.T


def ranks(scores, target):
    scores = scores.copy()
    own = scores[np.arange(USERS), target]
    scores[seen] = -np.inf
    return (scores > own[:, None]).sum(1)


def report(scores, target):
    r = ranks(scores, target)
    return (r < 10).mean(), (1 / np.log2(r + 2) * (r < 10)).mean(), 1 - r.mean() / ITEMS


np.random.seed(0)
torch.manual_seed(0)
model = MF()
opt = torch.optim.Adam(model.parameters(), lr=0.01)
l2 = 2e-3
best, keep = 0.0, None
for epoch in range(1, 14):
    total = n = 0
    for u, i, j in DataLoader(Triples(), batch_size=256):
        diff = model(u, i) - model(u, j)
        reg = model.user(u).pow(2).sum(1) + model.item(i).pow(2).sum(1) + model.item(j).pow(2).sum(1)
        loss = -nn.functional.logsigmoid(diff).mean() + l2 * reg.mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
        n += 1
    hit, ndcg, auc = report(model.all_scores().detach().numpy(), valid)
    if ndcg > best:
        best, keep = ndcg, model.all_scores().detach().numpy().copy()
    if epoch % 4 == 0:
        print(f"epoch {epoch:2d} bpr {total / n:.4f} hit@10 {hit:.3f} ndcg@10 {ndcg:.3f} auc {auc:.3f}")
counts = np.bincount(pairs[:, 1], minlength=ITEMS).astype(float)
print("popularity     hit@10 %.3f ndcg@10 %.3f auc %.3f" % report(np.tile(counts, (USERS, 1)), test))
print("factorization  hit@10 %.3f ndcg@10 %.3f auc %.3f" % report(keep, test))
