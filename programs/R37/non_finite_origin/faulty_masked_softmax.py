"""Attention pooling over the inked rows of a digit."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class AttentionPool(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.token = nn.Sequential(nn.Linear(16, width), nn.ReLU())
        self.score = nn.Linear(width, 4)
        self.head = nn.Linear(4 * width, 10)

    def forward(self, rows, present):
        position = torch.eye(8).expand(len(rows), 8, 8)
        tokens = self.token(torch.cat([rows, position], dim=2))
        score = self.score(tokens).masked_fill(~present.unsqueeze(-1), float("-inf"))
        attention = torch.softmax(score, dim=1)
        return self.head(torch.einsum("btw,bth->bhw", tokens, attention).flatten(1))


torch.manual_seed(0)
digits = load_digits()
images, labels = torch.tensor(digits.images, dtype=torch.float32), torch.tensor(digits.target)
order = torch.randperm(1797)
images, labels = images[order], labels[order]
present = images.amax(dim=2) > 15
images = (images - images[:1440].mean()) / images[:1440].std()
train = DataLoader(TensorDataset(images[:1440], present[:1440], labels[:1440]), batch_size=48, shuffle=True)
model = AttentionPool()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(10):
    model.train()
    for rows, mask, target in train:
        loss = nn.functional.cross_entropy(model(rows, mask), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(images[1440:], present[1440:])
    accuracy = (logits.argmax(1) == labels[1440:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.4f}")
