import numpy as np
import torch
from skimage import data
from torch import nn

torch.manual_seed(17)


class FocalLoss(nn.Module):
    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, logits, target):
        log_p = nn.functional.log_softmax(logits, dim=1).gather(1, target.unsqueeze(1)).squeeze(1)
        return (-((1 - log_p.exp()) ** self.gamma) * log_p).mean()


def tiles(image, count):
    cut = image.reshape(32, 16, 32, 16).transpose(0, 2, 1, 3).reshape(-1, 1, 16, 16)
    return cut[np.random.default_rng(0).permutation(len(cut))[:count]]


classes = [tiles(data.grass(), 600), tiles(data.gravel(), 150), tiles(data.brick(), 250)]
x = torch.tensor(np.concatenate(classes), dtype=torch.float32)
y = torch.cat([torch.full((len(c),), k) for k, c in enumerate(classes)])
order = torch.randperm(len(x))
train, val = order[:750], order[750:]
x = (x - x[train].mean()) / x[train].std()

model = nn.Sequential(
    nn.Conv2d(1, 16, 5, stride=2, padding=2),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2, padding=1),
    nn.BatchNorm2d(32),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Dropout(0.1),
    nn.Linear(32, 3),
)
criterion = FocalLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(10):
    model.train()
    shuffled = train[torch.randperm(len(train))]
    for rows in shuffled.split(32):
        optimizer.zero_grad()
        loss = criterion(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        logits = model(x[val])
        print(
            f"epoch {epoch}: val focal loss {criterion(logits, y[val]).item():.4f}, "
            f"val accuracy {(logits.argmax(1) == y[val]).float().mean().item():.3f}"
        )
