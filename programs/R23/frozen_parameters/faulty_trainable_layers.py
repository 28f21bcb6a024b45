"""Which surface is it? A small residual network reads grey patches of photographs."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from skimage import color, data, transform
from torch.utils.data import DataLoader, TensorDataset

SIZE = 24


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = BasicBlock(8, 8)
        self.layer2 = BasicBlock(8, 16, 2)
        self.layer3 = BasicBlock(16, 24, 2)
        self.layer4 = BasicBlock(24, 32, 2)
        self.out_channels = 32

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


def body_with_pooling(pretrained=None, trainable_layers=1):
    body = Body()
    if pretrained is not None:
        body.load_state_dict(torch.load(pretrained))
    layers_to_train = ["layer4", "layer3", "layer2", "layer1", "conv1"][:trainable_layers]
    for name, parameter in body.named_parameters():
        if not any(name.startswith(layer) for layer in layers_to_train):
            parameter.requires_grad_(False)
    return body


class SurfaceNet(nn.Module):
    def __init__(self, classes, **options):
        super().__init__()
        self.body = body_with_pooling(**options)
        self.head = nn.Linear(self.body.out_channels, classes)

    def forward(self, x):
        return self.head(self.body(x).mean((2, 3)))


def surfaces():
    names = ["brick", "grass", "gravel", "coins", "page", "text"]
    for label, name in enumerate(names):
        picture = getattr(data, name)()
        if picture.ndim == 3:
            picture = color.rgb2gray(picture[..., :3])
        picture = transform.resize(picture.astype(np.float64), (240, 360), anti_aliasing=True)
        yield label, picture


def patches(rng, per_class, columns):
    x, y = [], []
    for label, picture in surfaces():
        for _ in range(per_class):
            top = rng.integers(0, picture.shape[0] - SIZE)
            left = rng.integers(columns[0], columns[1] - SIZE)
            patch = picture[top:top + SIZE, left:left + SIZE]
            patch = (patch - patch.mean()) / (patch.std() + 1e-3 * picture.std())
            x.append(np.rot90(patch, rng.integers(4)).copy())
            y.append(label)
    return TensorDataset(torch.tensor(np.stack(x), dtype=torch.float32)[:, None], torch.tensor(y))


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return hits / len(loader.dataset)


def main():
    torch.manual_seed(11)
    rng = np.random.default_rng(11)
    train_loader = DataLoader(patches(rng, 180, (0, 240)), batch_size=32, shuffle=True)
    test_loader = DataLoader(patches(rng, 60, (240, 360)), batch_size=120)
    model = SurfaceNet(classes=6)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [5, 7], gamma=0.2)
    for epoch in range(8):
        model.train()
        running = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item()
        scheduler.step()
        print(f"[{epoch}] loss {running / len(train_loader):.3f} test accuracy {accuracy(model, test_loader):.3f}")


if __name__ == "__main__":
    main()
