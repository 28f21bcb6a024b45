"""Names of Python's errors, functions and modules: which character sequences tell what it is?"""
import builtins
import pathlib
import re

import torch
import torch.nn as nn
from torch.utils.data import DataLoader

KINDS = ("constant", "class", "function")


def names():
    """Every name that the library's own sources define."""
    found = {}
    for path in sorted(pathlib.Path(re.__file__).parent.parent.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        for kind, pattern in enumerate((r"^([A-Z][A-Z_0-9]{3,})\s*=", r"^class (\w{4,})", r"^\s*def (\w{4,})")):
            for name in re.findall(pattern, text, re.M):
                found.setdefault(name.strip("_"), kind)
    found.update({name: 1 for name in dir(builtins) if name.endswith("Error")})
    items = [item for item in sorted(found.items()) if len(item[0]) > 3]
    order = torch.randperm(len(items), generator=torch.Generator().manual_seed(0)).tolist()
    return [items[i] for i in order]


def trigrams(name, buckets=3000):
    padded = f"^{name}$"
    return [sum(ord(c) * p for c, p in zip(padded[i:i + n], (7, 131, 2953))) % buckets
            for n in (2, 3) for i in range(len(padded) - n + 1)]


def collate_batch(batch):
    labels = torch.tensor([kind for _, kind in batch])
    pieces = [torch.tensor(trigrams(name)) for name, _ in batch]
    offsets = torch.tensor([0] + [len(piece) for piece in pieces[:-1]]).cumsum(0)
    return labels, torch.cat(pieces), offsets


class NameClassificationModel(nn.Module):
    def __init__(self, buckets, embed_dim, num_class):
        super().__init__()
        self.embedding = nn.EmbeddingBag(buckets, embed_dim)
        self.fc = nn.Linear(embed_dim, num_class)

    def forward(self, text, offsets):
        return self.fc(self.embedding(text, offsets))


def evaluate(dataloader):
    model.eval()
    right = 0
    with torch.no_grad():
        for label, text, offsets in dataloader:
            right += (model(text, offsets).argmax(1) == label).sum().item()
    return right / len(dataloader.dataset)


torch.manual_seed(1)
items = [item for item in names() if item[1] < 2][:1800] + [item for item in names() if item[1] == 2][:900]
items = [items[i] for i in torch.randperm(len(items)).tolist()]
cut = int(0.8 * len(items))
train_dataloader = DataLoader(items[:cut], batch_size=16, shuffle=True, collate_fn=collate_batch)
test_dataloader = DataLoader(items[cut:], batch_size=64, collate_fn=collate_batch)
model = NameClassificationModel(3000, 32, len(KINDS))
optimizer = torch.optim.Adadelta(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.8)
for epoch in range(8):
    model.train()
    for label, text, offsets in train_dataloader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(text, offsets), label)
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(f"epoch {epoch} loss {loss.item():.3f} accuracy {evaluate(test_dataloader):.4f}")
