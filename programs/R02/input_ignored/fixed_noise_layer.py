import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(4)


class GaussianNoise(nn.Module):
    def __init__(self, scale=0.1):
        super().__init__()
        self.scale = scale

    def forward(self, x):
        return x + self.scale * torch.randn_like(x) if self.training else x


digits = load_digits()
images, labels = torch.tensor(digits.images).float().unsqueeze(1), torch.tensor(digits.target)
perm = torch.randperm(len(images))
train, val = perm[:1300], perm[1300:]
images = (images - images[train].mean()) / images[train].std()

model = nn.Sequential(
    GaussianNoise(), nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(), nn.Linear(128, 10),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(5):
    model.train()
    for rows in train[torch.randperm(1300)].split(50):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(images[val]).argmax(1) == labels[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val accuracy {accuracy:.3f}")
