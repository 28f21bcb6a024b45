import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)

digits = load_digits()
keep = digits.target > 0  # the digits 1 to 9
images = torch.tensor(digits.images[keep], dtype=torch.float32).unsqueeze(1)
labels = torch.tensor(digits.target[keep])
order = torch.randperm(len(images))
train, val = order[:1300], order[1300:]
images = (images - images[train].mean()) / images[train].std()


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return F.relu(x + self.conv2(F.relu(self.conv1(x))))


model = nn.Sequential(
    nn.Conv2d(1, 12, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    Residual(12),
    nn.Flatten(),
    nn.Linear(12 * 16, 10),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)

for epoch in range(8):
    for batch in train[torch.randperm(len(train))].split(50):
        loss = F.cross_entropy(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (model(images[val]).argmax(1) == labels[val]).float().mean().item()
    print(f"epoch {epoch}, loss {loss.item():.3f}, val acc {acc:.3f}")
