import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Backbone(nn.Module):
    def __init__(self, dim=12):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.stage = nn.Sequential(nn.Conv2d(8, dim, 3, 2, 1), nn.BatchNorm2d(dim), nn.ReLU())

    def forward(self, x):
        return self.stage(self.stem(x))


class Classifier(nn.Module):
    def __init__(self, classes=10, dim=12):
        super().__init__()
        self.backbone = Backbone(dim)
        self.neck = nn.AdaptiveAvgPool2d(2)
        self.fc = nn.Linear(4 * dim, classes)

    @torch.no_grad()
    def embed(self, images):
        """Also used to search for similar images."""
        return self.neck(self.backbone(images)).flatten(1)

    def forward(self, images):
        return self.fc(self.embed(images))


@torch.no_grad()
def nearest(model, query, bank):
    model.eval()
    a, b = (nn.functional.normalize(model.embed(part), dim=1) for part in (query, bank))
    return (a @ b.t()).argmax(1)


def run(epochs=8):
    torch.manual_seed(8)
    data = load_digits()
    images = (torch.tensor(data.images, dtype=torch.float32)[:, None] - 4.9) / 6.0
    train, val = random_split(TensorDataset(images, torch.tensor(data.target)), (0.8, 0.2))
    model = Classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [5, 7], gamma=0.3)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    for epoch in range(epochs):
        model.train()
        for x, y in DataLoader(train, 32, shuffle=True):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=False):
                loss = nn.functional.cross_entropy(model(x), y)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            hits = [(model(x).argmax(1) == y).float().sum().item() for x, y in DataLoader(val, 120)]
        print(f"Epoch {epoch + 1}/{epochs} - loss: {loss.item():.4f} - val acc: {sum(hits) / len(val):.4f}")


run()
