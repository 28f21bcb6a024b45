import math

import torch
import torch.nn as nn
from torch.nn.functional import log_softmax

# Annotated-transformer style training on the task "print the sequence backwards"
VOCAB, LENGTH = 12, 8


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=64):
        super().__init__()
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * -(math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe.unsqueeze(0))

    def forward(self, x):
        return x + self.pe[:, : x.size(1)]


class Reverser(nn.Module):
    def __init__(self, d_model=48, heads=4, layers=2):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, d_model)
        self.d_model = d_model
        self.pos = PositionalEncoding(d_model)
        self.transformer = nn.Transformer(
            d_model, heads, layers, layers, dim_feedforward=96, dropout=0.0, batch_first=True, norm_first=True)
        self.generator = nn.Linear(d_model, VOCAB)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.xavier_uniform_(p)

    def forward(self, src, tgt):
        mask = nn.Transformer.generate_square_subsequent_mask(tgt.size(1))
        scale = math.sqrt(self.d_model)
        out = self.transformer(self.pos(self.embed(src) * scale), self.pos(self.embed(tgt) * scale), tgt_mask=mask, tgt_is_causal=True)
        return log_softmax(self.generator(out), dim=-1)


class LabelSmoothing(nn.Module):
    def __init__(self, size, smoothing=0.05):
        super().__init__()
        self.criterion = nn.KLDivLoss(reduction="sum")
        self.size, self.smoothing = size, smoothing

    def forward(self, x, target):
        true_dist = torch.full_like(x, self.smoothing / (self.size - 1))
        true_dist.scatter_(1, target.unsqueeze(1), 1 - self.smoothing)
        return self.criterion(x, true_dist)


def rate(step, model_size, factor=1.0, warmup=150):
    step = max(step, 1)
    return factor * (model_size ** (-0.5) * min(step ** (-0.5), step * warmup ** (-1.5)))


def batch(size):
    src = torch.randint(1, VOCAB, (size, LENGTH))
    flipped = src.flip(1)
    tgt = torch.cat([torch.zeros(size, 1, dtype=torch.long), flipped], 1)
    return src, tgt[:, :-1], tgt[:, 1:]


def greedy(model, src):
    ys = torch.zeros(len(src), 1, dtype=torch.long)
    for _ in range(LENGTH):
        ys = torch.cat([ys, model(src, ys)[:, -1].argmax(-1, keepdim=True)], 1)
    return ys[:, 1:]


def main():
    torch.manual_seed(0)
    model = Reverser()
    criterion = LabelSmoothing(VOCAB)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5, betas=(0.9, 0.98), eps=1e-9)
    lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: rate(s, model.d_model))
    model.train()
    for step in range(400):
        src, tgt_in, tgt_out = batch(64)
        out = model(src, tgt_in)
        loss = criterion(out.flatten(0, 1), tgt_out.flatten()) / tgt_out.numel()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        lr_scheduler.step()
        if step % 50 == 0:
            print(f"Step {step:4d} | Loss {loss.item():.4f} | Learning Rate {optimizer.param_groups[0]['lr']:.2e}")
    model.eval()
    with torch.no_grad():
        src, _, want = batch(300)
        print(f"token accuracy: {(greedy(model, src) == want).float().mean():.4f}")


main()
