"""Pretrain on six digits, then fine-tune everything on four new ones with a small rate for the body."""

import copy

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

digits = load_digits()
images, labels = torch.tensor(digits.images).float().unsqueeze(1), torch.tensor(digits.target)


def make_body():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
    )


def train(model, groups, x, y, epochs, batch_size=30):
    cut = int(0.8 * len(x))
    loader = DataLoader(TensorDataset(x[:cut], y[:cut]), batch_size=batch_size, shuffle=True)
    optimizer = torch.optim.AdamW(groups, lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * len(loader))
    for epoch in range(epochs):
        model.train()
        for xb, yb in loader:
            loss = nn.functional.cross_entropy(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(x[cut:]).argmax(1) == y[cut:]).float().mean().item()
        print(f"  epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")


if __name__ == "__main__":
    torch.manual_seed(19)
    order = torch.randperm(len(labels))
    images, labels = images[order], labels[order]
    old = labels < 6
    cut = int(0.8 * old.sum())
    images = (images - images[old][:cut].mean()) / images[old][:cut].std()
    print("pretraining")
    pretrained = nn.Sequential(make_body(), nn.Linear(128, 6))
    train(pretrained, pretrained.parameters(), images[old], labels[old], epochs=4)
    print("fine-tuning")
    body, head = copy.deepcopy(pretrained[0]), nn.Linear(128, 4)
    groups = [{"params": body.parameters(), "lr": 3e-4}, {"params": head.parameters(), "lr": 5e-3}]
    train(nn.Sequential(body, head), groups, images[~old], labels[~old] - 6, epochs=5)
