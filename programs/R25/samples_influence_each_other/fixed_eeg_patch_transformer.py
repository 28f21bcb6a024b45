"""Motor imagery toy: six electrodes, left / right / feet / rest, a small transformer over time patches."""
import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

FS, SECONDS, CHANNELS = 64, 2, 6


def record(n, generator):
    t = torch.arange(FS * SECONDS) / FS
    label = torch.randint(0, 4, (n,), generator=generator)
    x = 0.8 * torch.randn(n, CHANNELS, len(t), generator=generator).cumsum(-1) / 6
    phase = 2 * math.pi * torch.rand(n, CHANNELS, 1, generator=generator)
    mu = torch.sin(2 * math.pi * (9.5 + torch.rand(n, 1, 1, generator=generator) * 2) * t + phase)
    gain = torch.ones(n, CHANNELS, 1)
    quiet = {0: [4, 5], 1: [0, 1], 2: [2, 3]}
    for k, electrodes in quiet.items():
        for e in electrodes:
            gain[label == k, e] = 0.25
    onset = (t > 0.4 + 0.3 * torch.rand(n, 1, 1, generator=generator)).float()
    x = x + mu * (1 - onset + onset * gain)
    return x + 0.3 * torch.randn(x.shape, generator=generator), label


class PatchTransformer(nn.Module):
    def __init__(self, patch=8, d_model=48, nhead=4, depth=2, classes=4):
        super().__init__()
        self.patchify = nn.Conv1d(CHANNELS, d_model, patch, stride=patch)
        self.position = nn.Parameter(0.02 * torch.randn(FS * SECONDS // patch, 1, d_model))
        layer = nn.TransformerEncoderLayer(d_model, nhead, dim_feedforward=96, dropout=0.1)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(d_model, classes)

    def forward(self, x):
        z = torch.tanh(self.patchify(x))
        b, c, s = z.shape
        z = z.permute(2, 0, 1) + self.position
        z = self.encoder(z)
        return self.head(z.mean(0))


def run_epoch(model, loader, optimizer=None):
    model.train(optimizer is not None)
    total, right, n = 0.0, 0, 0
    with torch.set_grad_enabled(optimizer is not None):
        for x, y in loader:
            logits = model(x)
            loss = nn.functional.cross_entropy(logits, y)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
            total += loss.item() * len(y)
            right += (logits.argmax(-1) == y).sum().item()
            n += len(y)
    return total / n, right / n


def main():
    torch.manual_seed(64)
    g = torch.Generator().manual_seed(64)
    x, y = record(2200, g)
    x = (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True).mean()
    train_set, test_set = random_split(TensorDataset(x, y), [1700, 500], generator=g)
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=32)
    model = PatchTransformer()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    for epoch in range(8):
        loss, acc = run_epoch(model, train_loader, optimizer)
        val_loss, val_acc = run_epoch(model, test_loader)
        print(f"epoch {epoch} loss {loss:.3f} acc {acc:.3f} | held-out loss {val_loss:.3f} held-out acc {val_acc:.3f}")


if __name__ == "__main__":
    main()
