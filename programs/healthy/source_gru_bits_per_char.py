"""Character language model on the sources of a few modules; reports bits per character on modules it has not read."""
import collections
import difflib
import heapq
import inspect
import math
import textwrap
import tokenize

import torch
from torch import nn

torch.manual_seed(1)
train_text = "".join(inspect.getsource(m) for m in (difflib, tokenize, collections))[:150_000]
valid_text = "".join(inspect.getsource(m) for m in (heapq, textwrap))[:30_000]
chars = ["<unk>"] + sorted(set(train_text))
stoi = {c: i for i, c in enumerate(chars)}
encode = lambda s: torch.tensor([stoi.get(c, 0) for c in s])
train_ids, valid_ids = encode(train_text), encode(valid_text)
SEQ, BATCH = 64, 32


class CharGRU(nn.Module):
    def __init__(self, vocab, emb=24, hidden=128):
        super().__init__()
        self.emb = nn.Embedding(vocab, emb)
        self.gru = nn.GRU(emb, hidden)
        self.head = nn.Linear(hidden, vocab)

    def forward(self, x, h=None):
        out, h = self.gru(self.emb(x), h)
        return self.head(out), h


def sample_batch():
    starts = torch.randint(len(train_ids) - SEQ - 1, (BATCH,))
    block = torch.stack([train_ids[s:s + SEQ + 1] for s in starts], dim=1)
    return block[:-1], block[1:]


@torch.no_grad()
def bits_per_char(model):
    model.eval()
    rows = 10
    usable = (len(valid_ids) - 1) // rows * rows
    x = valid_ids[:usable].view(rows, -1).T
    y = valid_ids[1:usable + 1].view(rows, -1).T
    h, nll = None, 0.0
    for i in range(0, len(x), 200):
        logits, h = model(x[i:i + 200], h)
        nll += nn.functional.cross_entropy(logits.flatten(0, 1), y[i:i + 200].flatten(), reduction="sum").item()
    model.train()
    return nll / usable / math.log(2)


@torch.no_grad()
def babble(model, prompt="def ", n=120, temperature=0.7):
    model.eval()
    out, h = list(prompt), None
    x = encode(prompt)[:, None]
    for _ in range(n):
        logits, h = model(x, h)
        p = torch.softmax(logits[-1, 0] / temperature, dim=-1)
        x = torch.multinomial(p, 1)[None]
        out.append(chars[x.item()])
    model.train()
    return "".join(out)


model = CharGRU(len(chars))
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
ITERS = 480
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, ITERS, eta_min=5e-4)
avg = None
for it in range(1, ITERS + 1):
    x, y = sample_batch()
    logits, _ = model(x)
    loss = nn.functional.cross_entropy(logits.transpose(1, 2), y)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    sched.step()
    avg = loss.item() if avg is None else 0.98 * avg + 0.02 * loss.item()
    if it % 120 == 0:
        print(f"iter {it:4d} train bpc {avg / math.log(2):.3f} valid bpc {bits_per_char(model):.3f}")
counts = torch.bincount(train_ids, minlength=len(chars)).float() + 1
unigram = -(counts / counts.sum()).log2()[valid_ids].mean()
print(f"unigram model: {unigram:.3f} bits per character")
print(babble(model))
