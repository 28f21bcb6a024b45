"""Conditional flow matching on the digits with classifier-free guidance; a separate classifier judges the samples."""
import math

import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class VelocityField(nn.Module):
    def __init__(self, width=256, classes=10):
        super().__init__()
        self.label = nn.Embedding(classes + 1, width)
        self.time = nn.Sequential(nn.Linear(32, width), nn.SiLU(), nn.Linear(width, width))
        self.enter = nn.Linear(64, width)
        self.blocks = nn.ModuleList(nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
                                    for _ in range(3))
        self.leave = nn.Linear(width, 64)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x, t, label):
        frequency = torch.exp(torch.arange(16, device=x.device) * (-math.log(1000) / 16))
        angles = 100 * t[:, None] * frequency
        condition = self.time(torch.cat([angles.sin(), angles.cos()], 1)) + self.label(label)
        h = self.enter(x)
        for block in self.blocks:
            h = h + block(h + condition)
        return self.leave(h)


@torch.no_grad()
def sample(model, labels, steps=20, guidance=1.5):
    x = torch.randn(len(labels), 64, device=device)
    nothing = torch.full_like(labels, 10)
    for i in range(steps):
        t = torch.full((len(labels),), i / steps, device=device)
        with_label, without = model(x, t, labels), model(x, t, nothing)
        x = x + (without + guidance * (with_label - without)) / steps
    return x


images, targets = load_digits(return_X_y=True)
judge = LogisticRegression(max_iter=2000).fit(images / 8 - 1, targets)
data = TensorDataset(torch.tensor(images / 8 - 1, dtype=torch.float32), torch.tensor(targets))
loader = DataLoader(data, batch_size=128, shuffle=True, drop_last=True)
model = VelocityField().to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
ema = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99))
for epoch in range(80):
    for x1, label in loader:
        x1, label = x1.to(device), label.to(device)
        x0, t = torch.randn_like(x1), torch.rand(len(x1), device=device)
        label = torch.where(torch.rand(len(x1), device=device) < 0.1, 10, label)
        xt = (1 - t[:, None]) * x0 + t[:, None] * x1
        loss = (model(xt, t, label) - (x1 - x0)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ema.update_parameters(model)
    if epoch % 20 == 19:
        wanted = torch.arange(10, device=device).repeat(30)
        made = sample(ema.module, wanted).cpu().numpy()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, samples recognized {(judge.predict(made) == wanted.cpu().numpy()).mean():.3f}")
