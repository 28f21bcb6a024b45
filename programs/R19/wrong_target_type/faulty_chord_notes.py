import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, random_split

# which of the twelve pitch classes sound in a short chord?
SR, N = 2000, 512
PITCHES = 110.0 * 2 ** (np.arange(24) / 12)


class Chords(torch.utils.data.Dataset):
    def __init__(self, size, seed):
        rng = np.random.RandomState(seed)
        t = np.arange(N) / SR
        self.x = np.zeros((size, N), dtype=np.float32)
        self.y = np.zeros((size, 12), dtype=np.int64)
        for i in range(size):
            for note in rng.choice(12, rng.randint(1, 5), replace=False):
                f = PITCHES[note + 12 * rng.randint(0, 2)]
                wave = np.sin(2 * np.pi * f * t + rng.rand() * 6.28) + 0.4 * np.sin(4 * np.pi * f * t)
                self.x[i] += rng.uniform(0.6, 1.2) * wave
                self.y[i, note] = 1
            self.x[i] += 0.2 * rng.randn(N)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, idx):
        window = np.hanning(N)
        spec = np.log1p(np.abs(np.fft.rfft(self.x[idx] * window, 2 * N)))[20:420]
        return torch.from_numpy(spec.astype(np.float32)), torch.from_numpy(self.y[idx])


class ChordNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(1, 8, 7, padding=3), nn.ELU(), nn.MaxPool1d(2))
        self.fc = nn.Sequential(nn.Linear(8 * 200, 96), nn.ELU(), nn.Dropout(0.2), nn.Linear(96, 12))

    def forward(self, x):
        return self.fc(self.conv(x[:, None]).flatten(1))


def sample_f1(scores, y):
    pred = scores > 0
    tp = (pred & (y == 1)).sum(1)
    return (2 * tp / (pred.sum(1) + y.sum(1)).clamp(min=1)).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(0)
    full = Chords(2400, 1)
    train_set, val_set = random_split(full, [2000, 400])
    test_set = Chords(400, 99)
    train_dl = DataLoader(train_set, batch_size=50, shuffle=True)
    val_dl = DataLoader(val_set, batch_size=200)
    test_dl = DataLoader(test_set, batch_size=200)
    net = ChordNet()
    criterion = nn.MultiLabelMarginLoss()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    best, best_state = -1, None
    for epoch in range(12):
        net.train()
        for spec, notes in train_dl:
            loss = criterion(net(spec), notes)
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            f1 = np.mean([sample_f1(net(s), y) for s, y in val_dl])
        print("epoch %d loss %.4f val F1 %.3f" % (epoch, loss.item(), f1))
        if f1 > best:
            best, best_state = f1, {k: v.clone() for k, v in net.state_dict().items()}
    net.load_state_dict(best_state)
    net.eval()
    with torch.no_grad():
        print("test sample F1 %.3f" % np.mean([sample_f1(net(s), y) for s, y in test_dl]))
