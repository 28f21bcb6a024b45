"""Keyword spotting on mel-like spectrograms of synthetic utterances."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

WORDS = ["start", "stop", "left", "right", "up", "down"]
N_MEL, N_FRAME = 24, 28


class Utterances(Dataset):
    # formant tracks (start mel, end mel) of two syllables per word
    TRACKS = [((5, 9), (15, 12)), ((9, 5), (15, 12)), ((5, 9), (12, 16)), ((9, 5), (12, 16)), ((5, 9), (14, 14)), ((9, 5), (14, 14))]

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.y = rng.integers(0, len(WORDS), n)
        self.x = np.stack([self.speak(rng, k) for k in self.y]).astype(np.float32)

    def speak(self, rng, k):
        spec = rng.normal(0, 0.55, (N_MEL, N_FRAME)) + rng.uniform(-1, 1)
        mel = np.arange(N_MEL)[:, None]
        speaker = rng.normal(0, 1.0)
        length = rng.integers(8, 12)
        t0 = rng.integers(0, N_FRAME - 2 * length)
        for s, (a, b) in enumerate(self.TRACKS[k]):
            frames = np.arange(t0 + s * length, t0 + (s + 1) * length)
            pos = np.linspace(a, b, length) + speaker
            spec[:, frames] += 1.8 * np.exp(-((mel - pos) ** 2) / 2)
            spec[:, frames] += 0.8 * np.exp(-((mel - 1.6 * pos - 2) ** 2) / 3)
        return spec

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i][None], int(self.y[i])


class KWS(nn.Module):
    def __init__(self, ch=20, drop=0.35):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, ch, 3, padding=1), nn.BatchNorm2d(ch), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout2d(drop / 2),
            nn.Conv2d(ch, ch, 3, padding=1), nn.BatchNorm2d(ch), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout2d(drop / 2),
        )
        self.fc = nn.Sequential(nn.Flatten(), nn.Linear(ch * 6 * 7, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(drop),
                                nn.Linear(64, len(WORDS)))

    def forward(self, x):
        return self.fc(self.conv(x))


class Trainer:
    def __init__(self, model, train_loader, val_loader, lr=1e-3, epochs=8):
        self.model, self.train_loader, self.val_loader, self.epochs = model, train_loader, val_loader, epochs
        self.opt = torch.optim.AdamW(model.parameters(), lr=lr)
        self.sched = torch.optim.lr_scheduler.OneCycleLR(self.opt, 4 * lr, total_steps=epochs * len(train_loader))
        self.criterion = nn.CrossEntropyLoss()

    def train_one_epoch(self):
        self.model.train()
        running = 0.0
        for x, y in self.train_loader:
            self.opt.zero_grad()
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.opt.step()
            self.sched.step()
            running += loss.item()
        return running / len(self.train_loader)

    @torch.no_grad()
    def validate(self):
        correct, loss = 0, 0.0
        for x, y in self.val_loader:
            out = self.model(x)
            loss += self.criterion(out, y).item() * len(y)
            correct += (out.argmax(1) == y).sum().item()
        n = len(self.val_loader.dataset)
        return loss / n, correct / n

    def run(self):
        best = 0.0
        for epoch in range(self.epochs):
            tr = self.train_one_epoch()
            vl, acc = self.validate()
            best = max(best, acc)
            print(f"epoch {epoch + 1} train_loss={tr:.4f} val_loss={vl:.4f} val_acc={acc:.4f} best={best:.4f}")


if __name__ == "__main__":
    torch.manual_seed(1)
    torch.set_num_threads(1)
    train = DataLoader(Utterances(1400, 1), batch_size=32, shuffle=True, drop_last=True)
    val = DataLoader(Utterances(400, 2), batch_size=8)
    Trainer(KWS(), train, val).run()
