import argparse

import torch
from torch import nn

MASK, IGNORE = 1, -100


def sequences(n, length, generator):
    """Counter readings: start anywhere, go round a dial of 20 marks with a stride of 1 to 3, from time to time one noisy reading."""
    start = torch.randint(20, (n, 1), generator=generator)
    stride = torch.randint(1, 4, (n, 1), generator=generator)
    x = (start + stride * torch.arange(length)) % 20
    noisy = torch.rand(x.shape, generator=generator) < 0.03
    return 2 + torch.where(noisy, torch.randint(20, x.shape, generator=generator), x)


def mask_tokens(x, prob, generator=None):
    hide = torch.rand(x.shape, generator=generator) < prob
    labels = x.masked_fill(~hide, IGNORE)
    return x.masked_fill(hide, MASK), labels


class MaskedModel(nn.Module):
    def __init__(self, vocab=22, dim=48, length=16, depth=2):
        super().__init__()
        self.emb = nn.Embedding(vocab, dim)
        self.pos = nn.Parameter(torch.randn(length, dim) * 0.3)
        nn.init.normal_(self.emb.weight, std=0.3)
        layer = nn.TransformerEncoderLayer(dim, 4, 96, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.ln = nn.LayerNorm(dim)
        self.bias = nn.Parameter(torch.zeros(vocab))

    def forward(self, x):
        h = self.ln(self.enc(self.emb(x) + self.pos))
        return h @ self.emb.weight.T + self.bias


def run(steps, lr, batch):
    torch.manual_seed(30)
    g = torch.Generator().manual_seed(30)
    train, test = sequences(4000, 16, g), sequences(500, 16, g)
    test_x, test_y = mask_tokens(test, 0.15, g)
    model = MaskedModel()
    opt = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, lr, total_steps=steps, pct_start=0.15)
    avg = None
    for step in range(1, steps + 1):
        x, y = mask_tokens(train[torch.randint(len(train), (batch,))], 0.15)
        loss = nn.functional.cross_entropy(model(x).transpose(1, 2), y, ignore_index=IGNORE)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        avg = loss.item() if avg is None else 0.95 * avg + 0.05 * loss.item()
        if step % 100 == 0:
            model.eval()
            with torch.no_grad():
                hit = model(test_x).argmax(-1) == test_y
            model.train()
            print(f"step {step} loss {avg:.4f} masked_accuracy {hit[test_y != IGNORE].float().mean().item():.4f}")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=800)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--batch", type=int, default=64)
    a = p.parse_args()
    run(a.steps, a.lr, a.batch)
