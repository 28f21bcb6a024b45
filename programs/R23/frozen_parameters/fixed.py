import torch
from skimage.data import lfw_subset
from torch import nn

torch.manual_seed(0)


class FaceNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, stride=2),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32, 8),
            nn.ReLU(),
        )
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.backbone(x))


images = torch.tensor(lfw_subset(), dtype=torch.float32).unsqueeze(1)
labels = torch.arange(200) // 100
order = torch.randperm(200)
train, val = order[:140], order[140:]
images = (images - images[train].mean()) / images[train].std()

model = FaceNet()
optimizer = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=5e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(20):
    losses = []
    for batch in train[torch.randperm(len(train))].split(20):
        loss = criterion(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        acc = (model(images[val]).argmax(1) == labels[val]).float().mean().item()
    print(f"epoch {epoch:2d} loss {sum(losses) / len(losses):.4f} val acc {acc:.3f}")
