import numpy as np
import torch
from torch import nn

torch.manual_seed(77)
VOCAB, LEN, CLASSES = 40, 16, 8


class LogEncoder(nn.Module):
    def __init__(self, dim=64, depth=2):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.position = nn.Parameter(torch.zeros(LEN, dim))
        enc = nn.TransformerEncoderLayer(dim, 4, 128, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(enc, depth)
        self.head = nn.Linear(dim, CLASSES)
        nn.init.normal_(self.position, std=0.02)

    def forward(self, tokens):
        return self.head(self.encoder(self.embed(tokens) + self.position).mean(1))


def event_logs(n, seed):
    """The class is the number (0..7) of error tokens in the log."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, n)
    x = rng.integers(4, VOCAB, (n, LEN))
    for i, k in enumerate(y):
        x[i, rng.choice(LEN, k, replace=False)] = rng.integers(0, 4, k)
    return torch.tensor(x), torch.tensor(y)


x, y = event_logs(2000, 0)
xv, yv = event_logs(600, 1)
model = LogEncoder()
config = {"lr": 1e-3, "epochs": 12, "batch": 64}
optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"], weight_decay=0.01)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(config["epochs"]):
    model.train()
    order, total = torch.randperm(len(x)), 0.0
    for i in range(0, len(x), config["batch"]):
        b = order[i:i + config["batch"]]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_fn(model(x[b]), y[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(b)
    model.eval()
    with torch.no_grad():
        acc = (model(xv).argmax(1) == yv).float().mean().item()
    print(f"epoch {epoch + 1:2d}/{config['epochs']} loss {total / len(x):.4f} val acc {acc:.4f}")
