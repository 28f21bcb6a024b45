import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class DropPath(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        keep = torch.rand(x.shape[0], 1, 1, device=x.device) >= self.p
        return x * keep / (1 - self.p)


class MixerBlock(nn.Module):
    def __init__(self, tokens, dim, p):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.tokens = nn.Sequential(nn.Linear(tokens, 32), nn.GELU(), nn.Linear(32, tokens))
        self.channels = nn.Sequential(nn.Linear(dim, 64), nn.GELU(), nn.Linear(64, dim))
        self.path = DropPath(p)

    def forward(self, x):
        x = x + self.path(self.tokens(self.n1(x).transpose(1, 2)).transpose(1, 2))
        return x + self.path(self.channels(self.n2(x)))


class Mixer(nn.Module):
    def __init__(self, dim=32, depth=4):
        super().__init__()
        self.embed = nn.Conv2d(1, dim, 2, 2)
        self.blocks = nn.Sequential(*[MixerBlock(16, dim, 0.1 * i / depth) for i in range(depth)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 10)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.embed(x).flatten(2).transpose(1, 2))).mean(1))


if __name__ == "__main__":
    torch.manual_seed(0)
    d = load_digits()
    x, y = torch.tensor(d.images / 16, dtype=torch.float32)[:, None], torch.tensor(d.target)
    dl = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=70, shuffle=True)
    net = Mixer()
    opt = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=0.05)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=8)
    for epoch in range(8):
        net.train()
        for xb, yb in dl:
            loss = nn.functional.cross_entropy(net(xb), yb, label_smoothing=0.1)
            opt.zero_grad()
            loss.backward()
            opt.step()
        sched.step()
        net.eval()
        with torch.no_grad():
            print(f"epoch {epoch} loss {loss.item():.3f} acc {(net(x[1400:]).argmax(1) == y[1400:]).float().mean().item():.3f}")
