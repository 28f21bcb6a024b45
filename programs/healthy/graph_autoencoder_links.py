"""Link prediction: a variational graph autoencoder on a spatial network, unknown edges removed from the graph first."""
import networkx as nx
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import nn

SEED = 33


def make_graph(n=400):
    """Towns on a map: near ones are linked, and features are noisy hints of where a town lies."""
    rng = np.random.default_rng(SEED)
    place = rng.random((n, 2))
    distance = np.linalg.norm(place[:, None] - place[None], axis=-1)
    linked = np.triu(rng.random((n, n)) < np.exp(-((distance / 0.07) ** 2)), 1)
    centres = rng.random((24, 2))
    hints = np.exp(-np.linalg.norm(place[:, None] - centres[None], axis=-1) / 0.15) + 0.35 * rng.normal(size=(n, 24))
    graph = nx.from_numpy_array(linked)
    return np.array(graph.edges), hints.astype(np.float32)


def split_edges(edges, n, rng):
    rng.shuffle(edges)
    k = len(edges) // 10
    held = {"val": edges[:k], "test": edges[k : 3 * k]}
    known = {tuple(e) for e in edges}
    negatives = {}
    for name, part in held.items():
        chosen = set()
        while len(chosen) < len(part):
            a, b = sorted(rng.integers(0, n, 2))
            if a != b and (a, b) not in known and (a, b) not in chosen:
                chosen.add((int(a), int(b)))
        negatives[name] = np.array(sorted(chosen))
        known |= chosen
    return edges[3 * k :], held, negatives


def normalized(edges, n):
    index = torch.tensor(np.concatenate([edges, edges[:, ::-1]]).T.copy())
    index = torch.cat([index, torch.arange(n).repeat(2, 1)], 1)
    degree = torch.bincount(index[0], minlength=n).float()
    weight = (degree[index[0]] * degree[index[1]]).rsqrt()
    return torch.sparse_coo_tensor(index, weight, (n, n)).coalesce()


class VGAE(nn.Module):
    def __init__(self, n_features, hidden=32, latent=16):
        super().__init__()
        self.first = nn.Linear(n_features, hidden)
        self.mean = nn.Linear(hidden, latent, bias=False)
        self.log_std = nn.Linear(hidden, latent, bias=False)

    def encode(self, x, adj):
        h = F.relu(torch.sparse.mm(adj, self.first(x)))
        h = torch.sparse.mm(adj, h)
        return self.mean(h), self.log_std(h).clamp(max=5)

    def forward(self, x, adj):
        mean, log_std = self.encode(x, adj)
        z = mean + torch.randn_like(mean) * log_std.exp() if self.training else mean
        return z, mean, log_std


def score(z, pairs):
    return (z[pairs[:, 0]] * z[pairs[:, 1]]).sum(1)


def main():
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED + 1)
    edges, hints = make_graph()
    n = len(hints)
    train_edges, held, negatives = split_edges(edges, n, rng)
    adj, x = normalized(train_edges, n), torch.from_numpy(hints)
    dense = torch.zeros(n, n)
    dense[train_edges[:, 0], train_edges[:, 1]] = dense[train_edges[:, 1], train_edges[:, 0]] = 1
    dense.fill_diagonal_(1)
    unknown = np.concatenate([*held.values(), *negatives.values()])
    counted = torch.ones(n, n)
    counted[unknown[:, 0], unknown[:, 1]] = counted[unknown[:, 1], unknown[:, 0]] = 0
    positive_weight = (counted.sum() - dense.sum()) / dense.sum()
    model = VGAE(x.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def evaluate(name):
        model.eval()
        with torch.no_grad():
            z = model(x, adj)[0]
        pairs = np.concatenate([held[name], negatives[name]])
        truth = np.repeat([1, 0], [len(held[name]), len(negatives[name])])
        scores = score(z, pairs).numpy()
        return roc_auc_score(truth, scores), average_precision_score(truth, scores)

    best, kept = 0.0, None
    for epoch in range(200):
        model.train()
        z, mean, log_std = model(x, adj)
        per_pair = F.binary_cross_entropy_with_logits(z @ z.T, dense, pos_weight=positive_weight, reduction="none")
        reconstruction = (per_pair * counted).sum() / counted.sum()
        divergence = -0.5 * (1 + 2 * log_std - mean**2 - (2 * log_std).exp()).sum(1).mean() / n
        loss = reconstruction + divergence
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        auc, _ = evaluate("val")
        if auc > best:
            best, kept = auc, {k: v.clone() for k, v in model.state_dict().items()}
        if epoch % 40 == 39:
            print(f"epoch {epoch + 1}: loss {loss.item():.4f} val AUC {auc:.4f}")
    model.load_state_dict(kept)
    auc, ap = evaluate("test")
    print(f"test AUC {auc:.4f} AP {ap:.4f}")


if __name__ == "__main__":
    main()
