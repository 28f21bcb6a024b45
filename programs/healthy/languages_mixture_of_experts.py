"""Sparse mixture of experts (top 2 of 6, load-balancing loss) that tells file kinds of the standard library apart by their bytes."""
import json
import pathlib
import sysconfig

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
root = pathlib.Path(sysconfig.get_paths()["stdlib"])
names = ["argparse.py", "datetime.py", "tarfile.py", "turtle.py", "decimal.py", "typing.py"]
names = [name for name in names if (root / name).stat().st_size > 30000]
sources = [(root / name).read_bytes() for name in names] + [json.dumps({str(i): [i * 0.37, {"k": i % 7}] for i in range(8000)}).encode()]
LENGTH = 96


def sample(count, low, high):
    labels = rng.integers(len(sources), size=count)
    rows = []
    for label in labels:
        text = sources[label]
        start = rng.integers(int(low * len(text)), int(high * len(text)) - LENGTH)
        rows.append(np.frombuffer(text[start:start + LENGTH], dtype=np.uint8))
    return torch.from_numpy(np.stack(rows).astype(np.int64)), torch.from_numpy(labels)


class MoE(nn.Module):
    def __init__(self, width, hidden, experts=6, k=2):
        super().__init__()
        self.gate = nn.Linear(width, experts, bias=False)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)) for _ in range(experts))
        self.k = k

    def forward(self, x):
        shape, x = x.shape, x.flatten(0, 1)
        probabilities = self.gate(x).softmax(-1)
        weight, chosen = probabilities.topk(self.k, dim=-1)
        weight = weight / weight.sum(-1, keepdim=True)
        out = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            rows, slot = (chosen == i).nonzero(as_tuple=True)
            if len(rows):
                out.index_add_(0, rows, expert(x[rows]) * weight[rows, slot, None])
        load = F.one_hot(chosen[:, 0], len(self.experts)).float().mean(0)
        balance = len(self.experts) * (load * probabilities.mean(0)).sum()
        return out.view(shape), balance


class Classifier(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embed = nn.Embedding(256, width)
        self.convs = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.moes = nn.ModuleList(MoE(width, 64) for _ in range(2))
        self.out = nn.Linear(2 * width, len(sources))

    def forward(self, x):
        x, balance = self.embed(x), 0.0
        for conv, norm, moe in zip(self.convs, self.norms, self.moes):
            x = x + F.gelu(conv(x.transpose(1, 2))).transpose(1, 2)
            y, aux = moe(norm(x))
            x, balance = x + y, balance + aux
        return self.out(torch.cat([x.mean(1), x.amax(1)], 1)), balance


train = DataLoader(TensorDataset(*sample(3000, 0.0, 0.75)), batch_size=64, shuffle=True)
x_test, y_test = sample(700, 0.78, 1.0)
model = Classifier().to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
for epoch in range(6):
    model.train()
    for x, y in train:
        logits, balance = model(x.to(device))
        task = F.cross_entropy(logits, y.to(device))
        loss = task + 0.01 * balance
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test.to(device))[0].argmax(1).cpu() == y_test).float().mean().item()
    print(f"epoch {epoch + 1}: task loss {task.item():.3f} balance {balance.item():.3f} test accuracy {accuracy:.3f}")
