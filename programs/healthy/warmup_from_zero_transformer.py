"""A vision transformer whose rate is exactly zero at the first step and then warms up."""
import math

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
d = load_digits()
x = torch.tensor(d.images.reshape(-1, 16, 4), dtype=torch.float32) / 16
y = torch.tensor(d.target)


class Classifier(nn.Module):
    def __init__(self, dim=48):
        super().__init__()
        self.proj, self.pos = nn.Linear(4, dim), nn.Parameter(torch.randn(16, dim) * 0.1)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(dim, 4, 96, dropout=0.1, batch_first=True), 2)
        self.out = nn.Linear(dim, 10)

    def forward(self, patches):
        return self.out(self.encoder(self.proj(patches) + self.pos).mean(1))


model = Classifier()
total, warmup = 28 * 10, 60
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda s: s / warmup if s < warmup else 0.5 * (1 + math.cos(math.pi * (s - warmup) / (total - warmup)))
)
for epoch in range(10):
    model.train()
    for idx in torch.randperm(1400).split(50):
        loss = nn.functional.cross_entropy(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        acc = (model(x[1400:]).argmax(1) == y[1400:]).float().mean().item()
    print(f"epoch {epoch} lr {scheduler.get_last_lr()[0]:.5f} loss {loss.item():.3f} acc {acc:.3f}")
