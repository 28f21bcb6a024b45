"""Autoencoder on digits; an image is a distribution of ink over the pixels."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(0)
ink = torch.tensor(load_digits().data, dtype=torch.float32)
ink = ink / ink.sum(1, keepdim=True)
ink = ink[torch.randperm(len(ink))]
train, val = ink[:1440], ink[1440:]
mean, std = train.mean(), train.std()


def divergence(target, logits):
    predicted = torch.softmax(logits, dim=1)
    ratio = (target + 1e-8) / (predicted + 1e-8)
    return (target * torch.log(ratio)).sum(1).mean()


model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 64))
optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
for epoch in range(15):
    model.train()
    for batch in DataLoader(train, batch_size=48, shuffle=True):
        optimizer.zero_grad()
        loss = divergence(batch, model((batch - mean) / std))
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        predicted = torch.softmax(model((val - mean) / std), dim=1)
        explained = 1 - (predicted - val).pow(2).mean() / (val - train.mean(0)).pow(2).mean()
    print(f"epoch {epoch} divergence {loss.item():.4f} explained {explained.item():.3f}")
