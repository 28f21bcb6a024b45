import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class AnnotatedDigits(Dataset):
    """Digits with the labels of annotators, of whom a part answers at random."""

    def __init__(self, careless=0.0, split="train", seed=0):
        d = load_digits()
        s = slice(0, 1300) if split == "train" else slice(1300, None)
        self.x = d.images[s].astype(np.float32) / 16
        self.y = d.target[s].copy()
        rng = np.random.default_rng(seed)
        guess = rng.random(len(self.y)) < careless
        self.y[guess] = rng.integers(0, 10, guess.sum())

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return {"pixel_values": self.x[i][None], "label": self.y[i]}


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 24, 3), nn.GELU(), nn.Conv2d(24, 48, 3, stride=2), nn.GELU(), nn.Flatten())
        self.classifier = nn.Linear(48 * 4, 10)

    def forward(self, pixel_values, label=None):
        logits = self.classifier(self.encoder(pixel_values))
        loss = nn.functional.cross_entropy(logits, label) if label is not None else None
        return {"logits": logits, "loss": loss}


torch.manual_seed(0)
train_set = AnnotatedDigits(careless=0.45)
test_set = AnnotatedDigits(split="test")
loader = DataLoader(train_set, batch_size=32, shuffle=True)
model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(10):
    model.train()
    for batch in loader:
        out = model(**batch)
        out["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        right = sum((model(b["pixel_values"])["logits"].argmax(-1) == b["label"]).sum().item() for b in DataLoader(test_set, 128))
    print(f"epoch {epoch} loss {out['loss'].item():.4f} eval_accuracy {right / len(test_set):.3f}")
