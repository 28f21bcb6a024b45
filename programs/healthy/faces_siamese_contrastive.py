"""Embed face and non-face crops so that crops of the same kind lie close together."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from skimage.data import lfw_subset

torch.manual_seed(0)
crops = torch.tensor(lfw_subset(), dtype=torch.float32).unsqueeze(1)
kind = (torch.arange(200) < 100).long()
perm = torch.randperm(200)
train, val = perm[:150], perm[150:]
crops = (crops - crops[train].mean()) / crops[train].std()


class Embedder(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 5, stride=2), nn.ReLU(), nn.Conv2d(12, 24, 3, stride=2), nn.ReLU(), nn.Flatten()
        )
        self.project = nn.Linear(24 * 25, dim)

    def forward(self, x):
        return self.project(self.features(x))


def contrastive_loss(a, b, same, margin=2.0):
    distance = F.pairwise_distance(a, b)
    return (same * distance.pow(2) + (1 - same) * F.relu(margin - distance).pow(2)).mean()


def retrieval_accuracy(model):
    model.eval()
    with torch.no_grad():
        gallery, queries = model(crops[train]), model(crops[val])
    nearest = torch.cdist(queries, gallery).topk(5, largest=False).indices
    votes = kind[train][nearest].float().mean(1).round().long()
    return (votes == kind[val]).float().mean().item()


model = Embedder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(1, 151):
    model.train()
    left = train[torch.randint(len(train), (32,))]
    right = train[torch.randint(len(train), (32,))]
    same = (kind[left] == kind[right]).float()
    loss = contrastive_loss(model(crops[left]), model(crops[right]), same)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 30 == 0:
        print(f"step {step}: loss {loss.item():.3f}, 5-nn accuracy {retrieval_accuracy(model):.3f}")
