"""From which family of modules of the standard library is this docstring? A bag of hashed n-grams."""
import ast
import pathlib
import random
import re
import sysconfig
import zlib
from collections import Counter

import torch
import torch.nn as nn
import torch.nn.functional as F

FAMILIES = {
    "network": ["http", "urllib", "email", "smtplib", "ftplib", "imaplib", "socketserver", "ssl", "socket", "poplib"],
    "numbers": ["statistics", "fractions", "decimal", "_pydecimal", "numbers", "random", "_pylong", "colorsys", "datetime", "calendar"],
    "files": ["shutil", "pathlib", "tarfile", "zipfile", "tempfile", "glob", "gzip", "lzma", "bz2", "filecmp", "fileinput"],
    "processes": ["asyncio", "multiprocessing", "threading", "subprocess", "concurrent", "queue", "sched", "signal"],
}
BUCKETS = 6000
random.seed(42)
torch.manual_seed(42)


def docstrings(module):
    root = pathlib.Path(sysconfig.get_paths()["stdlib"])
    path = root / module
    files = sorted(path.rglob("*.py")) if path.is_dir() else [root / f"{module}.py"]
    for file in files:
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module, ast.AsyncFunctionDef)):
                doc = ast.get_docstring(node)
                if doc and len(doc) > 60:
                    yield " ".join(doc.split())


texts = {}
for label, modules in enumerate(FAMILIES.values()):
    for m in modules:
        for d in docstrings(m):
            texts.setdefault(d, label)
data = sorted(texts.items())
random.shuffle(data)
cut = int(0.8 * len(data))
print({name: sum(y == i for _, y in data) for i, name in enumerate(FAMILIES)})


def tokens(text):
    words = re.findall(r"[a-z_]+", text.lower())[:120]
    grams = words + [a + " " + b for a, b in zip(words, words[1:])]
    return [zlib.crc32(g.encode()) % BUCKETS for g in grams] or [0]


def collate(batch):
    ids, offsets, labels = [], [], []
    for text, y in batch:
        offsets.append(len(ids))
        ids.extend(tokens(text))
        labels.append(y)
    return torch.tensor(ids), torch.tensor(offsets), torch.tensor(labels)


class Bag(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.emb = nn.EmbeddingBag(BUCKETS, dim, mode="mean", sparse=True)
        self.fc = nn.Linear(dim, len(FAMILIES))
        nn.init.normal_(self.emb.weight, std=0.1)

    def forward(self, ids, offsets):
        return self.fc(F.dropout(self.emb(ids, offsets), 0.3, self.training))


train, valid = data[:cut], data[cut:]
counts = Counter(y for _, y in train)
class_weight = torch.tensor([len(train) / (len(FAMILIES) * counts[i]) for i in range(len(FAMILIES))])
loader = torch.utils.data.DataLoader(train, batch_size=32, shuffle=True, collate_fn=collate)
model = Bag()
sparse = torch.optim.SparseAdam(list(model.emb.parameters()), lr=0.01)
dense = torch.optim.Adam(model.fc.parameters(), lr=0.01)
for epoch in range(1, 6):
    model.train()
    total = 0.0
    for ids, offsets, y in loader:
        loss = F.cross_entropy(model(ids, offsets), y, weight=class_weight)
        sparse.zero_grad()
        dense.zero_grad()
        loss.backward()
        sparse.step()
        dense.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        ids, offsets, y = collate(valid)
        pred = model(ids, offsets).argmax(1)
        recalls = [(pred[y == k] == k).float().mean().item() for k in range(len(FAMILIES))]
    print(f"epoch {epoch} loss {total / len(loader):.4f} valid acc {(pred == y).float().mean():.4f} "
          f"balanced {sum(recalls) / len(recalls):.4f}")
