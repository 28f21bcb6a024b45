# End-to-end steering from a small forward camera. Four recorded drives,
# the last one is kept for validation.
import numpy as np
import torch
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset

torch.manual_seed(3)
torch.set_num_threads(1)
H, W = 24, 32


class Recorder:
    """Plays back a drive: camera frames + steering log (same trigger, 10 Hz)."""

    def __init__(self, seed, length, glitch=0.0):
        self.rng = np.random.default_rng(seed)
        self.length, self.glitch = length, glitch

    def steering(self):
        s = np.zeros(self.length)
        for t in range(1, self.length):
            s[t] = 0.93 * s[t - 1] + self.rng.normal(0, 0.16)
        return np.clip(s, -1, 1)

    def render(self, steer):
        rows = np.linspace(0, 1, H)[:, None]              # 0 = horizon
        cols = np.arange(W)[None, :]
        far = (1 - rows) ** 2
        center = W / 2 + steer * 11 * far + self.rng.normal(0, 0.5)
        half = 1.5 + rows * 10
        img = 0.35 + 0.1 * self.rng.normal(size=(H, W))
        for side in (-1, 1):
            img += 0.6 * np.exp(-((cols - center - side * half) ** 2) / 1.2)
        img *= self.rng.uniform(0.7, 1.2)
        return img.astype(np.float32)

    def play(self):
        steer = self.steering()
        frames = np.stack([self.render(s) for s in steer])
        broken = self.rng.random(self.length) < self.glitch
        frames[broken] = 0.0                              # empty buffer from the driver
        return frames, steer.astype(np.float32)


class DriveDataset(Dataset):
    def __init__(self, recorder):
        frames, steer = recorder.play()
        ok = frames.reshape(len(frames), -1).std(1) > 1e-3
        self.frames = torch.from_numpy(frames[ok])[:, None]
        self.steer = torch.from_numpy(steer)

    def __len__(self):
        return len(self.frames)

    def __getitem__(self, i):
        return self.frames[i], self.steer[i]


def conv(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, stride=2, padding=1), nn.BatchNorm2d(cout), nn.ELU())


class PilotNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv(1, 12), conv(12, 24), conv(24, 32))
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(32 * 3 * 4, 48), nn.ELU(), nn.Linear(48, 1))

    def forward(self, x):
        return self.head(self.features(x - 0.4))[:, 0]


@torch.no_grad()
def r2(model, loader):
    model.eval()
    p, t = [], []
    for x, y in loader:
        p.append(model(x))
        t.append(y)
    p, t = torch.cat(p), torch.cat(t)
    return (1 - ((p - t) ** 2).sum() / ((t - t.mean()) ** 2).sum()).item()


drives = [DriveDataset(Recorder(10, 700)), DriveDataset(Recorder(11, 900, glitch=0.05)),
          DriveDataset(Recorder(12, 600, glitch=0.0))]
train_loader = DataLoader(ConcatDataset(drives), batch_size=64, shuffle=True)
val_loader = DataLoader(DriveDataset(Recorder(13, 500)), batch_size=250)

model = PilotNet()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=8, gamma=0.3)
loss_fn = nn.MSELoss()

for epoch in range(12):
    model.train()
    total = 0.0
    for img, angle in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(img), angle)
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    print(f"[{epoch:02d}] train mse {total / len(train_loader):.4f}   val R2 {r2(model, val_loader):.3f}")
print("val R2:", round(r2(model, val_loader), 4))
