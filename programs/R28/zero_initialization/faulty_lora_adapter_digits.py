"""
Parameter-efficient adaptation. A base MLP is trained on scanned digits; a second
scanner delivers inverted, mirrored and contrast-changed pictures. Only LoRA adapters
are trained for it, the base stays as it is (it is shared between the sites).
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

RANK = 8
ALPHA = 16


class LoRALinear(nn.Module):
    """Frozen linear layer with a trainable low-rank update."""

    def __init__(self, base: nn.Linear, rank=RANK, alpha=ALPHA):
        super().__init__()
        self.base = base
        for p in self.base.parameters():
            p.requires_grad = False
        self.lora_A = nn.Parameter(torch.zeros(rank, base.in_features))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))
        self.scaling = alpha / rank

    def forward(self, x):
        update = F.linear(F.linear(x, self.lora_A), self.lora_B)
        return self.base(x) + self.scaling * update


class MLP(nn.Module):
    def __init__(self, width=128):
        super().__init__()
        self.fc1 = nn.Linear(64, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = nn.Linear(width, 10)

    def forward(self, x):
        x = F.gelu(self.fc1(x.flatten(1)))
        x = F.gelu(self.fc2(x))
        return self.fc3(x)


def add_lora(model):
    for name, child in list(model.named_children()):
        if isinstance(child, nn.Linear):
            setattr(model, name, LoRALinear(child))
    return model


def second_scanner(x, generator):
    """inverted, mirrored, lower contrast, sensor noise"""
    x = 1.0 - torch.flip(x, dims=[2])
    x = 0.6 * x + 0.1
    return x + 0.04 * torch.randn(x.shape, generator=generator)


def fit(model, x, y, epochs, lr, tag, x_val, y_val):
    params = [p for p in model.parameters() if p.requires_grad]
    print(f"{tag}: {sum(p.numel() for p in params)} trainable parameters")
    opt = torch.optim.AdamW(params, lr=lr, weight_decay=0.01)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(64):
            loss = F.cross_entropy(model(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(idx)
        if (epoch + 1) % 5 == 0:
            print(f"{tag} epoch {epoch + 1:2d} loss {total / len(x):.4f} {tag} acc {score(model, x_val, y_val):.4f}")


@torch.no_grad()
def score(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(9)
    gen = torch.Generator().manual_seed(9)
    digits = load_digits()
    x = torch.tensor(digits.images, dtype=torch.float32) / 16.0
    y = torch.tensor(digits.target)
    ids = torch.arange(len(x))
    base_ids, site_ids = train_test_split(ids, test_size=0.5, stratify=digits.target, random_state=1)
    site_train, site_test = train_test_split(site_ids, test_size=0.4, stratify=y[site_ids], random_state=1)

    model = MLP()
    fit(model, x[base_ids], y[base_ids], epochs=20, lr=2e-3, tag="base", x_val=x[site_test], y_val=y[site_test])

    x_site = second_scanner(x, gen)
    print(f"second scanner before adaptation: {score(model, x_site[site_test], y[site_test]):.4f}")
    model = add_lora(model)
    fit(model, x_site[site_train], y[site_train], epochs=40, lr=1e-2, tag="adapted",
        x_val=x_site[site_test], y_val=y[site_test])


if __name__ == "__main__":
    main()
