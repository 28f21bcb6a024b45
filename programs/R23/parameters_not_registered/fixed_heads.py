"""One trunk, two heads: which digit is it, and how far was it turned?"""
import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import rotate
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)

digits = load_digits()
order = torch.randperm(len(digits.images))[:1200]
turns = torch.rand(1200) * 60 - 30
pairs = zip(order.tolist(), turns.tolist())
rotated = [rotate(digits.images[i], angle, reshape=False, order=1) for i, angle in pairs]
images = torch.tensor(np.stack(rotated)).float()
labels = torch.tensor(digits.target)[order]
angles = turns / turns[:1000].std()
images = (images - images[:1000].mean()) / images[:1000].std()


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU())
        self.heads = nn.ModuleDict({
            "digit": nn.Sequential(nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 10)),
            "angle": nn.Sequential(nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 1)),
        })

    def forward(self, x):
        h = self.trunk(x)
        return self.heads["digit"](h), self.heads["angle"](h).squeeze(1)


def losses(model, idx):
    logits, angle = model(images[idx])
    return F.cross_entropy(logits, labels[idx]), F.mse_loss(angle, angles[idx])


model = TwoHeads()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3)
val = torch.arange(1000, 1200)
for epoch in range(15):
    for batch in torch.randperm(1000).split(40):
        optimizer.zero_grad()
        digit_loss, angle_loss = losses(model, batch)
        (digit_loss + angle_loss).backward()
        optimizer.step()
    with torch.no_grad():
        val_digit, val_angle = losses(model, val)
    print(f"{epoch}: train {digit_loss:.3f} {angle_loss:.3f}, val {val_digit:.3f}, angle mse {val_angle:.3f}")
