import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.nn.utils.parametrizations import spectral_norm
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
d = load_digits()
x, y = torch.tensor(d.data).float() / 8 - 1, torch.tensor(d.target)
loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True, drop_last=True)


class G(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(10, 8)
        self.net = nn.Sequential(nn.Linear(24, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 64), nn.Tanh())

    def forward(self, z, c):
        return self.net(torch.cat([z, self.emb(c)], 1))


class D(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(spectral_norm(nn.Linear(64, 96)), nn.LeakyReLU(0.1), spectral_norm(nn.Linear(96, 96)), nn.LeakyReLU(0.1))
        self.out, self.emb = nn.Linear(96, 1), nn.Embedding(10, 96)

    def forward(self, v, c):
        h = self.body(v)
        return self.out(h).squeeze(1) + (h * self.emb(c)).sum(1) / 10


g, dis = G(), D()
og = torch.optim.Adam(g.parameters(), 1e-3, betas=(0.0, 0.99))
od = torch.optim.Adam(dis.parameters(), 1e-3, betas=(0.0, 0.99))
means = torch.stack([x[y == k].mean(0) for k in range(10)])
for epoch in range(15):
    for xb, yb in loader:
        fake = g(torch.randn(64, 16), yb)
        d_loss = F.relu(1 - dis(xb, yb)).mean() + F.relu(1 + dis(fake.detach(), yb)).mean()
        od.zero_grad()
        d_loss.backward()
        od.step()
        g_loss = -dis(g(torch.randn(64, 16), yb), yb).mean()
        og.zero_grad()
        g_loss.backward()
        og.step()
    with torch.no_grad():
        c = torch.arange(10).repeat_interleave(40)
        made = g(torch.randn(400, 16), c).view(10, 40, 64).mean(1)
    print(f"epoch {epoch} d {d_loss.item():.3f} g {g_loss.item():.3f} distance of class means {(made - means).norm(dim=1).mean().item():.3f}")
