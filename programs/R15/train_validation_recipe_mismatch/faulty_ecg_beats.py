import logging
import warnings

import lightning as L
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

BEATS = ["normal", "early", "wide", "inverted"]


def beat(kind, rng, n=96):
    """One heart beat, in raw ADC counts around 2048."""
    t = np.linspace(0, 1, n)
    bump = lambda c, w, h: h * np.exp(-((t - c) ** 2) / (2 * w**2))
    c = 0.45 + rng.normal(0, 0.02) - (0.14 if kind == 1 else 0)
    w = 0.018 if kind != 2 else 0.045
    h = -0.8 if kind == 3 else 1.0
    x = bump(c - 0.17, 0.03, 0.15 if kind != 1 else 0.03) + bump(c, w, h) + bump(c + 0.25, 0.05, 0.3)
    x = x * rng.uniform(0.8, 1.2) + rng.normal(0, 0.04, n) + rng.normal(0, 0.05)
    return 2048 + 300 * x


def make_beats(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(BEATS), n)
    X = np.stack([beat(k, rng) for k in y])
    return torch.tensor(X, dtype=torch.float32).unsqueeze(1), torch.tensor(y)


class BeatData(L.LightningDataModule):
    def setup(self, stage=None):
        X, y = make_beats(1500, 0)
        Xv, yv = make_beats(400, 1)
        self.mean, self.std = X.mean(), X.std()
        self.train_ds = TensorDataset((X - self.mean) / self.std, y)
        self.val_ds = TensorDataset(Xv, yv)

    def train_dataloader(self):
        return DataLoader(self.train_ds, batch_size=50, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val_ds, batch_size=200)


class BeatNet(L.LightningModule):
    def __init__(self, lr=2e-3):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(
            nn.Conv1d(1, 16, 7, stride=2, padding=3), nn.ReLU(),
            nn.Conv1d(16, 32, 5, stride=2, padding=2), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 24, 64), nn.ReLU(), nn.Linear(64, len(BEATS)),
        )
        self.history = []

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, idx):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        self.history.append(loss.item())
        return loss

    def validation_step(self, batch, idx):
        x, y = batch
        out = self(x)
        self.log("val_loss", F.cross_entropy(out, y))
        self.log("val_acc", (out.argmax(1) == y).float().mean())

    def on_validation_epoch_end(self):
        if self.history:
            m = self.trainer.callback_metrics
            print(f"epoch {self.current_epoch} train {np.mean(self.history[-30:]):.3f} "
                  f"val loss {float(m['val_loss']):.3f} val acc {float(m['val_acc']):.3f}")

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)


if __name__ == "__main__":
    L.seed_everything(1, verbose=False)
    trainer = L.Trainer(max_epochs=6, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    model = BeatNet()
    trainer.fit(model, datamodule=BeatData())
    print(f"validation accuracy {float(trainer.callback_metrics['val_acc']):.3f}")
