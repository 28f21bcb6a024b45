"""Face or no face, with a network that is made fit for per-sample gradients first."""
import argparse
import copy

import skimage.data
import torch
from torch import nn, optim


def get_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--lr", type=float, default=0.03)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


class FaceNet(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(2 * width * 36, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, x):
        return self.classifier(self.features(x))


class ModuleFixer:
    """Layers that mix the samples of a batch do not allow per-sample gradients."""

    @classmethod
    def validate(cls, module):
        return [name for name, child in module.named_modules() if isinstance(child, nn.BatchNorm2d)]

    @classmethod
    def fix(cls, module):
        module = copy.deepcopy(module)
        for name in cls.validate(module):
            parent = module.get_submodule(name.rpartition(".")[0])
            old = module.get_submodule(name)
            setattr(parent, name.rpartition(".")[2], nn.GroupNorm(4, old.num_features, affine=old.affine))
        return module


def load(seed):
    images = torch.tensor(skimage.data.lfw_subset(), dtype=torch.float32)[:, None]
    labels = (torch.arange(200) >= 100).long()
    images = (images - images.mean((2, 3), keepdim=True)) / images.std((2, 3), keepdim=True)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(seed))
    return images[order[:140]], labels[order[:140]], images[order[140:]], labels[order[140:]]


def train(model, optimizer, images, labels, batch_size):
    model.train()
    losses = []
    for rows in torch.randperm(len(images)).split(batch_size):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    images, labels, test_images, test_labels = load(args.seed)
    model = FaceNet()
    optimizer = optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    if ModuleFixer.validate(model):
        model = ModuleFixer.fix(model)
    for epoch in range(1, args.epochs + 1):
        loss = train(model, optimizer, images, labels, args.batch_size)
        model.eval()
        with torch.no_grad():
            right = (model(test_images).argmax(1) == test_labels).float().mean().item()
        print(f"Epoch {epoch}: loss {loss:.4f}, test accuracy {right:.4f}")


if __name__ == "__main__":
    main()
