"""Keyword spotting on log-mel like patches with a depthwise-separable CNN, bf16 autocast."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

KEYWORDS = ["yes", "no", "stop", "go", "up", "down"]
FRAMES, BANDS = 32, 20
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def formant_track(word, rng):
    """start/end band of two formants per word, plus duration"""
    table = {
        "yes": ((15, 17), (4, 8), 0.7), "no": ((6, 4), (9, 6), 0.6), "stop": ((17, 8), (9, 5), 0.8),
        "go": ((5, 3), (12, 6), 0.55), "up": ((8, 8), (13, 10), 0.4), "down": ((9, 14), (5, 3), 0.75),
    }
    (a0, a1), (b0, b1), dur = table[word]
    n = int(FRAMES * dur * rng.uniform(0.8, 1.15))
    start = rng.integers(0, max(1, FRAMES - n))
    spec = np.zeros((FRAMES, BANDS))
    bands = np.arange(BANDS)
    jitter = rng.normal(0, 0.8, 2)
    for k in range(min(n, FRAMES - start)):
        u = k / max(1, n - 1)
        for (p0, p1), j in (((a0, a1), jitter[0]), ((b0, b1), jitter[1])):
            center = p0 + (p1 - p0) * u + j
            spec[start + k] += np.exp(-0.5 * ((bands - center) / 1.2) ** 2) * np.sin(np.pi * (u * 0.9 + 0.05))
    noise = rng.gamma(1.0, 0.12, (FRAMES, BANDS))
    return np.log(spec * rng.uniform(0.6, 1.5) + noise + 1e-3)


def build_set(n, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(KEYWORDS), n)
    specs = np.stack([formant_track(KEYWORDS[k], rng) for k in labels]).astype(np.float32)
    return torch.from_numpy(specs).unsqueeze(1), torch.from_numpy(labels)


class DSConv(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.depth = nn.Conv2d(cin, cin, 3, stride, 1, groups=cin, bias=False)
        self.bn1 = nn.BatchNorm2d(cin)
        self.point = nn.Conv2d(cin, cout, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)

    def forward(self, x):
        x = torch.relu(self.bn1(self.depth(x)))
        return torch.relu(self.bn2(self.point(x)))


class DSCNN(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 5, 2, 2, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.stages = nn.Sequential(DSConv(width, width), DSConv(width, 2 * width, 2), DSConv(2 * width, 2 * width))
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d((2, 2)), nn.Flatten(), nn.Dropout(0.2),
                                        nn.Linear(8 * width, len(KEYWORDS)))

    def forward(self, x):
        return self.classifier(self.stages(self.stem(x)))


class Trainer:
    def __init__(self, model, train_loader, val_loader, lr=2e-3, max_norm=2.0):
        self.model = model.to(DEVICE)
        self.train_loader, self.val_loader = train_loader, val_loader
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
        self.criterion = nn.CrossEntropyLoss()
        self.max_norm = max_norm

    def training_step(self, x, y):
        with torch.autocast(device_type=DEVICE, dtype=torch.bfloat16):
            out = self.model(x)
            loss = self.criterion(out, y)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.max_norm)
        self.optimizer.zero_grad()
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        correct = total = 0
        for x, y in self.val_loader:
            correct += (self.model(x.to(DEVICE)).argmax(1).cpu() == y).sum().item()
            total += len(y)
        return 100.0 * correct / total

    def fit(self, epochs):
        for epoch in range(1, epochs + 1):
            self.model.train()
            losses = [self.training_step(x.to(DEVICE), y.to(DEVICE)) for x, y in self.train_loader]
            print(f"Epoch {epoch}/{epochs}  loss {np.mean(losses):.4f}  val acc {self.evaluate():.2f}%")


if __name__ == "__main__":
    torch.manual_seed(100)
    x_train, y_train = build_set(1500, 1)
    x_val, y_val = build_set(400, 2)
    mean, std = x_train.mean(), x_train.std()
    train_loader = DataLoader(TensorDataset((x_train - mean) / std, y_train), batch_size=50, shuffle=True)
    val_loader = DataLoader(TensorDataset((x_val - mean) / std, y_val), batch_size=200)
    Trainer(DSCNN(), train_loader, val_loader).fit(epochs=7)
