"""
Classify mineral spectra (6 classes) with a small 1D ResNet.
SGD with a high constant rate, then SWA over the last epochs.
"""
import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, SWALR, update_bn
from torch.utils.data import DataLoader, TensorDataset

SEED = 5
N_CLASSES = 6
N_CHANNELS = 200
EPOCHS, SWA_START = 14, 8


def make_spectra(n, rng):
    wl = np.linspace(0, 1, N_CHANNELS)
    proto = np.random.default_rng(99)       # peak table of the minerals
    peaks = [(proto.uniform(0.1, 0.9, 4), proto.uniform(0.015, 0.05, 4), proto.uniform(0.5, 1.0, 4))
             for _ in range(N_CLASSES)]
    y = rng.integers(0, N_CLASSES, n)
    x = np.zeros((n, N_CHANNELS))
    for i, c in enumerate(y):
        centers, widths, heights = peaks[c]
        shift = rng.normal(0, 0.008)
        for m, w, h in zip(centers, widths, heights):
            x[i] += h * rng.uniform(0.6, 1.4) * np.exp(-0.5 * ((wl - m - shift) / w) ** 2)
        x[i] += rng.uniform(0, 0.5) + rng.normal(0, 0.5) * wl     # baseline
        x[i] += rng.normal(0, 0.12, N_CHANNELS)
    # SNV: every spectrum by its own mean and deviation
    x = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    return torch.tensor(x, dtype=torch.float32).unsqueeze(1), torch.tensor(y)


class Block(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv1 = nn.Conv1d(c_in, c_out, 7, stride, 3, bias=False)
        self.bn1 = nn.BatchNorm1d(c_out)
        self.conv2 = nn.Conv1d(c_out, c_out, 7, 1, 3, bias=False)
        self.bn2 = nn.BatchNorm1d(c_out)
        self.short = nn.Sequential(nn.Conv1d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm1d(c_out))

    def forward(self, x):
        h = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(h)) + self.short(x))


class SpectraNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(Block(1, 16, 2), Block(16, 24, 2), Block(24, 32, 2))
        self.out = nn.Linear(32, N_CLASSES)

    def forward(self, x):
        return self.out(self.body(x).mean(dim=2))


def evaluate(model, loader):
    model.eval()
    ok = n = 0
    with torch.no_grad():
        for x, y in loader:
            ok += (model(x).argmax(1) == y).sum().item()
            n += y.numel()
    return ok / n


if __name__ == "__main__":
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    train = TensorDataset(*make_spectra(1500, rng))
    test = TensorDataset(*make_spectra(500, rng))
    train_loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True)
    test_loader = DataLoader(test, batch_size=250)

    model = SpectraNet()
    swa_model = AveragedModel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, weight_decay=1e-4)
    swa_sched = SWALR(optimizer, swa_lr=0.2, anneal_epochs=2)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(EPOCHS):
        model.train()
        losses = []
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch >= SWA_START:
            swa_model.update_parameters(model)
            swa_sched.step()
        print(f"epoch {epoch:02d} loss {np.mean(losses):.4f} test accuracy {evaluate(model, test_loader):.4f}")

    update_bn(train_loader, swa_model)
    print(f"SWA test accuracy: {evaluate(swa_model, test_loader):.4f}")
