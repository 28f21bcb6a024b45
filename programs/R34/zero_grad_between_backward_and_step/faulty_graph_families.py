"""Which random process made this graph? GIN on dense adjacency, small device batches with gradient accumulation."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

N = 20
FAMILIES = ("random", "ring", "hub", "community")
MICRO, ACCUM, EPOCHS = 16, 4, 12


def graph(rng, kind):
    a = np.zeros((N, N))
    if kind == 0:
        a = (rng.random((N, N)) < 0.2).astype(float)
    elif kind == 1:
        for i in range(N):
            for k in (1, 2):
                j = (i + k) % N if rng.random() > 0.25 else rng.integers(N)
                a[i, j] = 1
    elif kind == 2:
        deg = np.ones(N)
        for i in range(2, N):
            for j in rng.choice(i, size=2, replace=False, p=deg[:i] / deg[:i].sum()):
                a[i, j] = 1
                deg[j] += 1
                deg[i] += 1
    else:
        g = rng.integers(0, 3, N)
        a = (rng.random((N, N)) < np.where(g[:, None] == g[None], 0.42, 0.07)).astype(float)
    a = np.triu(np.maximum(a, a.T), 1)
    a = a + a.T
    p = rng.permutation(N)
    return a[p][:, p].astype(np.float32)


def make_set(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, n)
    return torch.from_numpy(np.stack([graph(rng, k) for k in y])), torch.from_numpy(y)


class GINLayer(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        self.mlp = nn.Sequential(nn.Linear(i, o), nn.ReLU(), nn.Linear(o, o))
        self.norm = nn.LayerNorm(o)

    def forward(self, h, a):
        return F.relu(self.norm(self.mlp((1 + self.eps) * h + a @ h)))


class GIN(nn.Module):
    def __init__(self, width=32, depth=3):
        super().__init__()
        self.layers = nn.ModuleList([GINLayer(3 if k == 0 else width, width) for k in range(depth)])
        self.head = nn.Linear(2 * width, len(FAMILIES))

    def forward(self, a):
        deg = a.sum(-1, keepdim=True)
        tri = torch.diagonal(a @ a @ a, dim1=1, dim2=2)[..., None] / 2
        h = torch.cat([torch.ones_like(deg), deg / 5, tri / 5], -1)
        for layer in self.layers:
            h = layer(h, a / 4)
        return self.head(torch.cat([h.mean(1), h.amax(1)], -1))


def evaluate(model, a, y):
    model.eval()
    with torch.no_grad():
        return (model(a).argmax(-1) == y).float().mean().item()


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    a_tr, y_tr = make_set(1600, 1)
    a_va, y_va = make_set(500, 2)
    model = GIN()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    n_updates = EPOCHS * len(a_tr) // (MICRO * ACCUM)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=n_updates)

    for epoch in range(EPOCHS):
        model.train()
        epoch_loss = 0.0
        batches = torch.randperm(len(a_tr)).split(MICRO)
        for step, idx in enumerate(batches):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(a_tr[idx]), y_tr[idx])
            (loss / ACCUM).backward()
            epoch_loss += loss.item()
            if (step + 1) % ACCUM == 0:
                optimizer.step()
                scheduler.step()
        print(f"epoch {epoch + 1:2d} loss {epoch_loss / len(batches):.4f} val acc {evaluate(model, a_va, y_va):.4f}")


if __name__ == "__main__":
    main()
