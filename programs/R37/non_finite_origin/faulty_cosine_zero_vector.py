# Digits by the angle between a feature vector and one learned direction per class.
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class CosineNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 14), nn.ReLU()
        )
        self.directions = nn.Parameter(torch.randn(10, 14))
        self.scale = nn.Parameter(torch.tensor(8.0))

    def forward(self, x):
        features = self.features(x)
        features = features / features.norm(dim=1, keepdim=True)
        directions = self.directions / self.directions.norm(dim=1, keepdim=True)
        return self.scale * features @ directions.T


torch.manual_seed(0)
digits = load_digits()
order = torch.randperm(1797)
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1)[order]
labels = torch.tensor(digits.target)[order]
images = (images - images[:1440].mean()) / images[:1440].std()
loader = DataLoader(TensorDataset(images[:1440], labels[:1440]), batch_size=48, shuffle=True)
model = CosineNet()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for epoch in range(12):
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(images[1440:]).argmax(1) == labels[1440:]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.4f}")
