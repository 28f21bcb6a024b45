import torch
import torch.nn as nn
import torch.nn.functional as F

# vibration spectra of pumps (raw counts), four wear states; the model runs in float16, the optimizer keeps float32 copies
torch.manual_seed(30)


def spectra(n):
    f = torch.arange(64.0)
    state = torch.randint(0, 4, (n,))
    base = 300 * torch.exp(-f / 25)
    shaft = 8 + 2 * torch.rand(n, 1)
    peaks = torch.zeros(n, 64)
    for order in range(1, 6):
        height = torch.tensor([[1.0, 0.2, 0.1, 0.1, 0.1], [0.8, 0.8, 0.1, 0.1, 0.1], [0.8, 0.2, 0.7, 0.1, 0.5], [0.5, 0.4, 0.4, 0.6, 0.4]])
        h = height[state, order - 1].unsqueeze(1) * (0.7 + 0.6 * torch.rand(n, 1))
        peaks = peaks + 500 * h * torch.exp(-((f - order * shaft) ** 2) / 2)
    return base + peaks + 60 * torch.randn(n, 64).abs(), state


class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x):
        y = x.float()
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.eps)
        return y.to(x.dtype) * self.weight


class GatedBlock(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.norm = RMSNorm(dim)
        self.gate, self.up = nn.Linear(dim, hidden, bias=False), nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        h = self.norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class PumpNet(nn.Module):
    def __init__(self, dim=64, hidden=96, depth=2):
        super().__init__()
        self.input_norm = RMSNorm(dim)
        self.blocks = nn.Sequential(*[GatedBlock(dim, hidden) for _ in range(depth)])
        self.head = nn.Sequential(RMSNorm(dim), nn.Linear(dim, 4))

    def forward(self, x):
        return self.head(self.blocks(self.input_norm(x)))


x, y = spectra(2400)
x_test, y_test = spectra(800)
model = PumpNet().half()
masters = [p.detach().clone().float() for p in model.parameters()]
optimizer = torch.optim.AdamW(masters, lr=1e-3, weight_decay=0.01, eps=1e-6)
SCALE = 128.0
for epoch in range(8):
    total = 0.0
    for rows in torch.randperm(len(x)).split(80):
        logits = model(x[rows].half())
        loss = F.cross_entropy(logits.float(), y[rows])
        (loss * SCALE).backward()
        for master, p in zip(masters, model.parameters()):
            master.grad = p.grad.float() / SCALE
            p.grad = None
        torch.nn.utils.clip_grad_norm_(masters, 1.0)
        optimizer.step()
        with torch.no_grad():
            for master, p in zip(masters, model.parameters()):
                p.copy_(master)
        total += loss.item() * len(rows)
    with torch.no_grad():
        acc = (model(x_test.half()).float().argmax(1) == y_test).float().mean()
    print(f"epoch {epoch + 1} loss {total / len(x):.4f} test accuracy {acc:.4f}")
