"""Pointer network that visits the convex hull of a set of points in counterclockwise order (after Vinyals et al.)."""
import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial import ConvexHull
from torch import nn


def sample(n, rng, low=5, high=9):
    """Points padded to `high`, hull indices (+1, 0 is the end symbol) padded with -1."""
    points = torch.zeros(n, high, 2)
    present = torch.zeros(n, high, dtype=torch.bool)
    order = torch.full((n, high + 1), -1)
    for i in range(n):
        k = int(rng.integers(low, high + 1))
        p = rng.random((k, 2)).astype(np.float32)
        hull = ConvexHull(p).vertices
        hull = np.roll(hull, -int(np.argmin(p[hull, 0])))
        points[i, :k], present[i, :k] = torch.from_numpy(p), True
        order[i, : len(hull)] = torch.from_numpy(hull.astype(np.int64)) + 1
        order[i, len(hull)] = 0
    return points - 0.5, present, order


class PointerNet(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.embed = nn.Linear(2, dim)
        layer = nn.TransformerEncoderLayer(dim, 4, 128, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.end, self.start = nn.Parameter(torch.randn(dim)), nn.Parameter(torch.randn(dim))
        self.cell = nn.GRUCell(dim, dim)
        self.query, self.key = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)

    def encode(self, points, present):
        memory = self.encoder(self.embed(points), src_key_padding_mask=~present)
        memory = torch.cat([self.end.expand(len(points), 1, -1), memory], 1)
        present = F.pad(present, (1, 0), value=True)
        weights = present.float().unsqueeze(-1)
        return memory, present, (memory * weights).sum(1) / weights.sum(1)

    def scores(self, hidden, memory, present):
        s = torch.bmm(self.key(memory), self.query(hidden).unsqueeze(-1)).squeeze(-1) / math.sqrt(memory.shape[-1])
        return s.masked_fill(~present, float("-inf"))

    def forward(self, points, present, order):
        memory, present, hidden = self.encode(points, present)
        rows, token = torch.arange(len(points)), self.start.expand(len(points), -1)
        logits = []
        for t in range(order.shape[1]):
            hidden = self.cell(token, hidden)
            logits.append(self.scores(hidden, memory, present))
            token = memory[rows, order[:, t].clamp(min=0)]
        return torch.stack(logits, 1)

    @torch.no_grad()
    def decode(self, points, present, steps):
        memory, allowed, hidden = self.encode(points, present)
        rows, token = torch.arange(len(points)), self.start.expand(len(points), -1)
        allowed, picks = allowed.clone(), []
        for _ in range(steps):
            hidden = self.cell(token, hidden)
            pick = self.scores(hidden, memory, allowed).argmax(1)
            picks.append(pick)
            allowed[rows, pick] &= pick == 0
            token = memory[rows, pick]
        return torch.stack(picks, 1)


def hull_overlap(picks, order):
    values, exact = [], 0
    for guess, truth in zip(picks.tolist(), order.tolist()):
        truth = truth[: truth.index(0)]
        guess = guess[: guess.index(0)] if 0 in guess else guess
        values.append(len(set(guess) & set(truth)) / len(set(guess) | set(truth)))
        exact += guess == truth
    return np.mean(values), exact / len(order)


def main():
    torch.manual_seed(8)
    rng = np.random.default_rng(8)
    points, present, order = sample(4500, rng)
    test = sample(500, np.random.default_rng(9))
    model = PointerNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=10 * 45)
    for epoch in range(10):
        model.train()
        total = 0.0
        for rows in torch.randperm(4500).split(100):
            logits = model(points[rows], present[rows], order[rows])
            loss = F.cross_entropy(logits.flatten(0, 1), order[rows].flatten(), ignore_index=-1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item() / 45
        model.eval()
        overlap, exact = hull_overlap(model.decode(test[0], test[1], 10), test[2])
        print(f"epoch {epoch + 1}: loss {total:.3f} exact tour {exact:.3f} set IoU {overlap:.3f}")


if __name__ == "__main__":
    main()
