# continuous arousal from frame level audio descriptors, concordance loss (as in the affect challenges)
import numpy as np
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_

SEED = 11
np.random.seed(SEED)
torch.manual_seed(SEED)


def make_session(length=400):
    """A slow latent state drives energy, pitch and speaking rate; the annotators lag half a second."""
    drive = np.random.randn(length + 60)
    latent = np.convolve(drive, np.exp(-np.arange(60) / 14.0), mode="valid")[:length]
    latent = (latent - latent.mean()) / latent.std()
    energy = 0.8 * latent + 0.5 * np.random.randn(length)
    pitch = np.tanh(latent) + 0.4 * np.random.randn(length)
    rate = 0.5 * latent**2 + 0.5 * np.random.randn(length)
    pause = (np.random.rand(length) < 1 / (1 + np.exp(latent + 1))).astype(float)
    label = np.roll(latent, 5) * 0.3 + 0.02 * np.random.randn(length)
    feats = np.stack([energy, pitch, rate, pause, np.gradient(energy)], 1)
    return feats[10:], label[10:]


class SessionChunks(torch.utils.data.Dataset):
    def __init__(self, sessions, width=65):
        self.chunks = []
        for feats, label in sessions:
            for start in range(0, len(label) - width + 1, width):
                self.chunks.append(
                    (
                        torch.tensor(feats[start : start + width], dtype=torch.float32),
                        torch.tensor(label[start : start + width], dtype=torch.float32),
                    )
                )

    def __len__(self):
        return len(self.chunks)

    def __getitem__(self, i):
        return self.chunks[i]


def concordance_cc(prediction, ground_truth):
    mean_gt, mean_pred = ground_truth.mean(), prediction.mean()
    v_gt, v_pred = ground_truth - mean_gt, prediction - mean_pred
    covariance = (v_gt * v_pred).mean()
    return 2 * covariance / (v_gt.pow(2).mean() + v_pred.pow(2).mean() + (mean_gt - mean_pred) ** 2 + 1e-8)


class CCCLoss(nn.Module):
    def forward(self, prediction, ground_truth):
        return concordance_cc(prediction.reshape(-1), ground_truth.reshape(-1))


class AffectGRU(nn.Module):
    def __init__(self, in_dim=5, hidden=24):
        super().__init__()
        self.norm = nn.LayerNorm(in_dim)
        self.rnn = nn.GRU(in_dim, hidden, batch_first=True)
        self.out = nn.Sequential(nn.Linear(hidden, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, x):
        h, _ = self.rnn(self.norm(x))
        return self.out(h).squeeze(-1)


train_set = SessionChunks([make_session() for _ in range(24)])
dev_set = SessionChunks([make_session() for _ in range(8)])
loader = torch.utils.data.DataLoader(train_set, batch_size=16, shuffle=True)

model = AffectGRU()
criterion = CCCLoss()
optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)

for epoch in range(1, 16):
    model.train()
    running = []
    for feats, label in loader:
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(feats), label)
        loss.backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        running.append(loss.item())
    model.eval()
    with torch.no_grad():
        pred = torch.cat([model(f[None])[0] for f, _ in dev_set])
        gold = torch.cat([g for _, g in dev_set])
    print(f"epoch {epoch:2d} loss {np.mean(running):.4f} dev CCC {concordance_cc(pred, gold).item():.4f}")
