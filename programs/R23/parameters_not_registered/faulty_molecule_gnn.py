import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

ATOMS = ["C", "N", "O", "F", "S"]


def random_molecule(rng, n_atoms=12):
    """A random chain with a few rings; label 1 if its bond score is positive."""
    n = int(rng.integers(7, n_atoms + 1))
    atom = rng.choice(len(ATOMS), n, p=[0.4, 0.2, 0.2, 0.1, 0.1])
    A = np.zeros((n_atoms, n_atoms), dtype=np.float32)
    for i in range(1, n):
        j = i - 1 if rng.random() < 0.75 else int(rng.integers(0, i))
        A[i, j] = A[j, i] = 1
    score = 0
    for i in range(n):
        for j in range(i):
            if A[i, j]:
                pair = {ATOMS[atom[i]], ATOMS[atom[j]]}
                score += (pair == {"N", "O"}) * 2 + (pair == {"C", "S"}) - (pair == {"C", "O"})
    X = np.zeros((n_atoms, len(ATOMS)), dtype=np.float32)
    X[np.arange(n), atom] = 1
    return X, A, int(score > 0)


def make_graphs(n, seed):
    rng = np.random.default_rng(seed)
    X, A, y = zip(*[random_molecule(rng) for _ in range(n)])
    return torch.tensor(np.stack(X)), torch.tensor(np.stack(A)), torch.tensor(y)


class MessageLayer(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.own = nn.Linear(d_in, d_out)
        self.nbr = nn.Linear(d_in, d_out, bias=False)
        self.mix = nn.Linear(d_out, d_out)

    def forward(self, h, A):
        m = A @ self.nbr(h)
        return self.mix(F.relu(self.own(h) + m))


class MoleculeNet(nn.Module):
    def __init__(self, width=10, depth=3):
        super().__init__()
        sizes = [len(ATOMS)] + [width] * depth
        self.layers = [MessageLayer(a, b) for a, b in zip(sizes[:-1], sizes[1:])]
        self.readout = nn.Linear(width, 2)

    def forward(self, X, A):
        alive = X.sum(-1, keepdim=True)
        h = X
        for layer in self.layers:
            h = torch.tanh(layer(h, A)) * alive
        return self.readout(h.sum(1))


def batches(X, A, y, size, gen):
    order = torch.randperm(len(y), generator=gen)
    for i in range(0, len(y), size):
        k = order[i : i + size]
        yield X[k], A[k], y[k]


def main():
    torch.manual_seed(2)
    gen = torch.Generator().manual_seed(2)
    train, test = make_graphs(2000, 0), make_graphs(500, 1)
    print("share of class 1:", train[2].float().mean().item())
    model = MoleculeNet()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(1, 26):
        model.train()
        total = 0.0
        for X, A, y in batches(*train, 50, gen):
            loss = F.cross_entropy(model(X, A), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
        if epoch % 5 == 0:
            model.eval()
            with torch.no_grad():
                acc = (model(test[0], test[1]).argmax(1) == test[2]).float().mean().item()
            print(f"epoch {epoch:3d}  loss {total / 2000:.4f}  test accuracy {acc:.3f}")


if __name__ == "__main__":
    main()
