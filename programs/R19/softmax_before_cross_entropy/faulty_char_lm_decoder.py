import math
import random

import torch
from torch import nn
import torch.nn.functional as F

random.seed(1)
torch.manual_seed(1)
SUBJ = ["the miller", "a young fox", "my sister", "the old captain", "every baker"]
VERB = ["watches", "carries", "paints", "forgets", "repairs"]
OBJ = ["a red boat", "the clock", "two apples", "his broken chair", "the north wall"]
TAIL = ["in the morning", "before noon", "when it rains", "without a word"]


def corpus(n):
    return " ".join(f"{random.choice(SUBJ)} {random.choice(VERB)} {random.choice(OBJ)} {random.choice(TAIL)}." for _ in range(n))


text = corpus(1500)
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
ids = torch.tensor([stoi[c] for c in text])
split = int(0.9 * len(ids))
train_ids, val_ids = ids[:split], ids[split:]
BLOCK, DIM, BATCH = 32, 48, 32


class DecoderLM(nn.Module):
    def __init__(self, vocab, layers=2, heads=4):
        super().__init__()
        self.tok = nn.Embedding(vocab, DIM)
        self.pos = nn.Embedding(BLOCK, DIM)
        layer = nn.TransformerEncoderLayer(DIM, heads, 4 * DIM, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(DIM)
        self.lm_head = nn.Linear(DIM, vocab)

    def forward(self, x):
        t = x.size(1)
        mask = nn.Transformer.generate_square_subsequent_mask(t)
        h = self.tok(x) + self.pos(torch.arange(t))
        h = self.norm(self.blocks(h, mask=mask, is_causal=True))
        return F.softmax(self.lm_head(h), dim=-1)


def get_batch(source):
    ix = torch.randint(len(source) - BLOCK - 1, (BATCH,))
    return torch.stack([source[i:i + BLOCK] for i in ix]), torch.stack([source[i + 1:i + BLOCK + 1] for i in ix])


@torch.no_grad()
def evaluate(model):
    model.eval()
    acc, losses = [], []
    for _ in range(10):
        x, y = get_batch(val_ids)
        out = model(x)
        losses.append(F.cross_entropy(out.flatten(0, 1), y.flatten()).item())
        acc.append((out.argmax(-1) == y).float().mean().item())
    model.train()
    return sum(losses) / len(losses), sum(acc) / len(acc)


model = DecoderLM(len(chars))
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.95))
STEPS, WARM = 500, 40
lr_at = lambda s: min(1.0, (s + 1) / WARM) * 0.5 * (1 + math.cos(math.pi * min(1, s / STEPS)))
sched = torch.optim.lr_scheduler.LambdaLR(opt, lr_at)
for step in range(STEPS):
    x, y = get_batch(train_ids)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    sched.step()
    if (step + 1) % 50 == 0:
        vl, va = evaluate(model)
        print(f"step {step + 1} train {loss.item():.4f} val {vl:.4f} next_char_acc {va:.4f}")
