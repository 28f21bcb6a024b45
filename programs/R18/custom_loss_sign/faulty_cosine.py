"""Embed images so that each points towards the anchor of its class."""
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

digits = load_digits()
order = torch.randperm(len(digits.target))
images = torch.tensor(digits.images, dtype=torch.float32)[order]
labels = torch.tensor(digits.target)[order]
images = (images - images[:1400].mean()) / images[:1400].std()
images = images.flatten(1)
loader = DataLoader(TensorDataset(images[:1400], labels[:1400]), batch_size=50, shuffle=True)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 24))
        self.anchors = nn.Parameter(torch.randn(10, 24))

    def forward(self, x):
        return self.net(x)


def cosine_loss(embedding, anchors, target):
    """Near the anchor of one's own class, at most at a right angle to the others."""
    similarity = F.cosine_similarity(embedding.unsqueeze(1), anchors.unsqueeze(0), dim=-1)
    own = F.one_hot(target, len(anchors)).bool()
    return (1 + similarity[own]).mean() + similarity[~own].relu().mean()


model = Encoder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        loss = cosine_loss(model(x), model.anchors, y)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        embedding = F.normalize(model(images[1400:]), dim=1)
        nearest = (embedding @ F.normalize(model.anchors, dim=1).T).argmax(1)
    accuracy = (nearest == labels[1400:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.4f}, val accuracy {accuracy:.3f}")
