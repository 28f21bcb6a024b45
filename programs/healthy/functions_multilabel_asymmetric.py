"""Tag functions of the standard library by what their body does (loops, raises, returns a value, ...) from its names, docstring and calls alone."""
import ast
import pathlib
import random
import re
import sysconfig

import numpy as np
import torch
from sklearn.metrics import average_precision_score, f1_score
from torch import nn

TAGS = {
    "init": lambda f, b: f.name.startswith("__") and f.name.endswith("__"),
    "raises": lambda f, b: any(isinstance(n, ast.Raise) for n in b),
    "loops": lambda f, b: any(isinstance(n, (ast.For, ast.While)) for n in b),
    "returns": lambda f, b: any(isinstance(n, ast.Return) and n.value is not None for n in b),
    "compares": lambda f, b: any(isinstance(n, ast.Compare) for n in b),
    "assigns self": lambda f, b: any(isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store) for n in b),
}


def functions():
    root = pathlib.Path(sysconfig.get_paths()["stdlib"])
    files = sorted(root.glob("*.py")) + sorted(root.glob("asyncio/*.py")) + sorted(root.glob("email/*.py")) + sorted(root.glob("unittest/*.py"))
    for file in files:
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for f in ast.walk(tree):
            if isinstance(f, ast.FunctionDef):
                body = [n for part in f.body for n in ast.walk(part)]
                called = [n.func.attr if isinstance(n.func, ast.Attribute) else getattr(n.func, "id", "")
                          for n in body if isinstance(n, ast.Call)]
                text = f"{f.name} {' '.join(a.arg for a in f.args.args)} {ast.get_docstring(f) or ''} {' '.join(called)}"
                yield file.name, text, [float(test(f, body)) for test in TAGS.values()]


def tokenize(text):
    words = re.findall(r"[A-Za-z]+|__", text)[:60]
    parts = [p.lower() for w in words for p in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|__", w)]
    return parts[:60] or ["nothing"]


random.seed(15)
torch.manual_seed(15)
items = list(functions())
names = sorted({i[0] for i in items})
random.shuffle(names)
held_out = set(names[: len(names) // 4])
train = [i for i in items if i[0] not in held_out][:6000]
test = [i for i in items if i[0] in held_out][:2000]
count = {}
for _, text, _ in train:
    for w in set(tokenize(text)):
        count[w] = count.get(w, 0) + 1
vocab = {w: i + 2 for i, w in enumerate(sorted(w for w, c in count.items() if c > 2))}


def encode(rows):
    ids = torch.zeros(len(rows), 60, dtype=torch.long)
    for k, (_, text, _) in enumerate(rows):
        t = torch.tensor([vocab.get(w, 1) for w in tokenize(text)])
        ids[k, :len(t)] = t
    return ids, torch.tensor([y for _, _, y in rows])


class Tagger(nn.Module):
    def __init__(self, words, dim=48):
        super().__init__()
        self.emb = nn.Embedding(words, dim, padding_idx=0)
        self.conv = nn.Conv1d(dim, 64, 3, padding=1)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(64 + dim, len(TAGS))

    def forward(self, ids):
        e = self.drop(self.emb(ids))
        known = (ids > 0).unsqueeze(-1)
        c = torch.relu(self.conv(e.transpose(1, 2))).transpose(1, 2).masked_fill(~known, 0.0).amax(1)
        mean = (e * known).sum(1) / known.sum(1)
        return self.out(torch.cat([c, mean], 1))


def asymmetric(logits, y, gamma_neg=2.0):
    p = torch.sigmoid(logits)
    pos = y * nn.functional.logsigmoid(logits)
    neg = (1 - y) * p.pow(gamma_neg) * nn.functional.logsigmoid(-logits)
    return -(pos + neg).sum(1).mean()


x, y = encode(train)
x_test, y_test = encode(test)
model = Tagger(len(vocab) + 2)
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
for epoch in range(6):
    model.train()
    total = 0.0
    for b in torch.randperm(len(x)).split(64):
        loss = asymmetric(model(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(b)
    model.eval()
    with torch.no_grad():
        p = torch.cat([model(c) for c in x_test.split(500)]).sigmoid().numpy()
    ap = average_precision_score(y_test.numpy(), p, average=None)
    print(f"epoch {epoch + 1} loss {total / len(x):.4f} mAP {ap.mean():.4f}")
share = y_test.mean(0).numpy()
for k, tag in enumerate(TAGS):
    print(f"{tag:13s} share {share[k]:.3f} AP {ap[k]:.3f} F1 {f1_score(y_test[:, k], p[:, k] > 0.6):.3f}")
