"""Classify textures; validation rows are drawn at random."""
import torch
from skimage import data
from torch import nn

torch.manual_seed(2)
tiles = [torch.tensor(image).unfold(0, 16, 16).unfold(1, 16, 16).reshape(-1, 1, 16, 16).float()[::6]
         for image in (data.brick(), data.grass(), data.gravel(), data.camera())]
x, y = torch.cat(tiles), torch.arange(4).repeat_interleave(len(tiles[0]))
order = torch.randperm(len(x))
train = order[:500]
val = torch.randint(len(x), (180,))
x = (x - x[train].mean()) / x[train].std()

model = nn.Sequential(nn.Conv2d(1, 24, 3, stride=2), nn.ReLU(), nn.Conv2d(24, 48, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
                      nn.Flatten(), nn.Linear(192, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(14):
    model.train()
    for rows in train[torch.randperm(500)].split(25):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(x[val])
        accuracy = (logits.argmax(1) == y[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
