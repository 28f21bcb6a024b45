"""Predict the noise that was added to a digit, as in a diffusion model."""

import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(6)
x = torch.tensor(load_digits().data).float() / 8 - 1
x = x[torch.randperm(len(x))]
train, val = x[:1500], x[1500:]
levels = 50
alpha_bar = torch.cumprod(1 - torch.linspace(1e-3, 0.1, levels), dim=0)


class Denoiser(nn.Module):
    def __init__(self, width=192):
        super().__init__()
        self.level = nn.Embedding(levels, width)
        self.enter = nn.Linear(64, width)
        self.hidden = nn.Sequential(nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.leave = nn.Linear(width, 64)

    def forward(self, noisy, t):
        return self.leave(self.hidden(self.enter(noisy) + self.level(t)))


def diffusion_loss(model, clean):
    t = torch.randint(levels, (len(clean),))
    noise = torch.randn_like(clean)
    a = alpha_bar[t].unsqueeze(1)
    return nn.functional.mse_loss(model(a.sqrt() * clean + (1 - a).sqrt() * noise, t), noise)


model = Denoiser()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for epoch in range(15):
    model.train()
    losses = []
    for batch in train[torch.randperm(len(train))].split(60):
        loss = diffusion_loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        val_loss = diffusion_loss(model, val).item()
    print(f"epoch {epoch}: train {sum(losses) / len(losses):.3f} val {val_loss:.3f}")
