"""Semi-supervised node classification with a two-layer GCN (Kipf & Welling) on a synthetic citation graph."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

N_NODES, N_CLASSES, N_WORDS = 1200, 5, 300


def citation_graph(seed=0):
    """Stochastic block model with bag-of-words abstracts."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, N_CLASSES, N_NODES)
    src, dst = [], []
    for i in range(N_NODES):
        for _ in range(rng.poisson(2.5) + 1):
            if rng.random() < 0.8:
                j = rng.choice(np.flatnonzero(y == y[i]))
            else:
                j = rng.integers(N_NODES)
            if j != i:
                src += [i, j]
                dst += [j, i]
    topics = rng.dirichlet(np.full(N_WORDS, 0.15), size=N_CLASSES)
    common = rng.dirichlet(np.full(N_WORDS, 1.0))
    words = np.stack([rng.multinomial(25, 0.35 * topics[c] + 0.65 * common) for c in y])
    x = (words > 0).astype(np.float32)
    x = x / x.sum(1, keepdims=True)          # row-normalised as for Cora
    return torch.tensor(x), torch.tensor(y), np.array(src), np.array(dst)


def normalized_adjacency(src, dst, n):
    a = torch.zeros(n, n)
    a[src, dst] = 1.0
    a += torch.eye(n)
    d = a.sum(1).rsqrt()
    return (d[:, None] * a * d[None, :]).to_sparse_csr()


class GCN(nn.Module):
    def __init__(self, n_in, hidden, n_out, dropout=0.5):
        super().__init__()
        self.w1 = nn.Linear(n_in, hidden, bias=False)
        self.b1 = nn.Parameter(torch.zeros(hidden))
        self.w2 = nn.Linear(hidden, n_out, bias=False)
        self.b2 = nn.Parameter(torch.zeros(n_out))
        self.dropout = dropout
        nn.init.xavier_uniform_(self.w1.weight)
        nn.init.xavier_uniform_(self.w2.weight)

    def forward(self, x, adj):
        x = F.dropout(x, self.dropout, self.training)
        x = F.relu(adj @ self.w1(x) + self.b1)
        x = F.dropout(x, self.dropout, self.training)
        return adj @ self.w2(x) + self.b2


def split(y, per_class=20, n_val=200, n_test=500, seed=1):
    rng = np.random.default_rng(seed)
    train = np.concatenate([rng.choice(np.flatnonzero(y.numpy() == c), per_class, replace=False) for c in range(N_CLASSES)])
    rest = rng.permutation(np.setdiff1d(np.arange(len(y)), train))
    return torch.tensor(train), torch.tensor(rest[:n_val]), torch.tensor(rest[n_val:n_val + n_test])


def main():
    torch.manual_seed(0)
    x, y, src, dst = citation_graph()
    adj = normalized_adjacency(src, dst, N_NODES)
    train, val, test = split(y)
    print(f"{N_NODES} nodes, {len(src) // 2} links, {len(train)} labelled")

    model = GCN(N_WORDS, 16, N_CLASSES)
    # decay on the first layer only, as in the paper
    opt = torch.optim.Adam([
        {"params": [model.w1.weight, model.b1], "weight_decay": 5e-4},
        {"params": [model.w2.weight, model.b2], "weight_decay": 0.0},
    ], lr=0.01)
    best_val, test_at_best = 0.0, 0.0
    for epoch in range(1, 201):
        model.train()
        out = model(x, adj)
        loss = F.cross_entropy(out[train], y[train])
        opt.zero_grad()
        loss.backward()
        opt.step()

        model.eval()
        with torch.no_grad():
            pred = model(x, adj).argmax(1)
        val_acc = (pred[val] == y[val]).float().mean().item()
        if val_acc > best_val:
            best_val = val_acc
            test_at_best = (pred[test] == y[test]).float().mean().item()
        if epoch % 20 == 0:
            train_acc = (pred[train] == y[train]).float().mean().item()
            print(f"epoch {epoch:3d} loss {loss.item():.4f} train acc {train_acc:.3f} val acc {val_acc:.3f} test acc {test_at_best:.4f}")


if __name__ == "__main__":
    main()
