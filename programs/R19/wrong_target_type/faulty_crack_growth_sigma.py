# heteroscedastic regression: fatigue life of notched specimens, mean and sigma heads
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

g = torch.Generator().manual_seed(8)
torch.manual_seed(8)


def specimens(n):
    stress = torch.rand(n, generator=g) * 200 + 150
    notch = torch.rand(n, generator=g)
    humid = torch.rand(n, generator=g)
    life = 6.5 - 0.012 * (stress - 150) - 0.9 * notch**2 - 0.4 * humid * (stress > 250)
    sigma = 0.06 + 0.5 * torch.sigmoid((250 - stress) / 20) * (0.3 + notch)
    y = life + sigma * torch.randn(n, generator=g)
    x = torch.stack([(stress - 250) / 58, (notch - 0.5) / 0.29, (humid - 0.5) / 0.29], dim=1)
    return x, y.unsqueeze(1)


class MeanSigmaNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(3, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh())
        self.mean = nn.Linear(40, 1)
        self.scale = nn.Linear(40, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.mean(h), F.softplus(self.scale(h)) + 1e-3


x_train, y_train = specimens(3000)
x_test, y_test = specimens(1500)
shift, spread = y_train.mean(), y_train.std()
y_train, y_test = (y_train - shift) / spread, (y_test - shift) / spread

model = MeanSigmaNet()
nll = nn.GaussianNLLLoss()
optim = torch.optim.Adam(model.parameters(), lr=3e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(optim, T_max=40)
loader = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(x_train, y_train), batch_size=100, shuffle=True, num_workers=0
)
for epoch in range(40):
    model.train()
    total = 0.0
    for xb, yb in loader:
        mu, sigma = model(xb)
        loss = nll(mu, yb, sigma)
        optim.zero_grad()
        loss.backward()
        optim.step()
        total += loss.item()
    sched.step()
    if epoch % 8 == 7:
        print(f"epoch {epoch + 1:3d}  loss {total / len(loader):.4f}")

model.eval()
with torch.no_grad():
    mu, sigma = model(x_test)
    z = (y_test - mu) / sigma
    score = (0.5 * z**2 + sigma.log() + 0.5 * math.log(2 * math.pi)).mean()
    print(f"test rmse {(y_test - mu).pow(2).mean().sqrt():.4f}")
    print(f"within one sigma {(z.abs() < 1).float().mean():.3f}, within two {(z.abs() < 2).float().mean():.3f}")
    print(f"test NLL {score:.4f}")
