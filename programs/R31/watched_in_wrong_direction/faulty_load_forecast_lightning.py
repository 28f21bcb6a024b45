"""Day-ahead electric load of a district (24 h from the past 72 h) - Lightning module with a GRU encoder."""
import logging
import tempfile
import warnings

import lightning as L
import numpy as np
import torch
import torch.nn as nn
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

PAST, AHEAD = 72, 24


def district_load(hours=24 * 190, seed=2):
    rng = np.random.default_rng(seed)
    t = np.arange(hours)
    day, week = t % 24, (t // 24) % 7
    temp = 8 - 9 * np.cos(2 * np.pi * t / (24 * 365)) + np.repeat(np.cumsum(rng.normal(0, 1, hours // 24)) * 0.25, 24)
    shape = 1 + 0.35 * np.exp(-((day - 8) / 2.2) ** 2) + 0.55 * np.exp(-((day - 19) / 2.8) ** 2)
    load = shape * np.where(week >= 5, 0.82, 1.0) * (1.25 - 0.018 * temp) + rng.normal(0, 0.03, hours)
    feats = np.stack([load, np.sin(2 * np.pi * day / 24), np.cos(2 * np.pi * day / 24), week >= 5, week == 4, week == 6], 1)
    return feats.astype(np.float32)


class LoadData(L.LightningDataModule):
    def setup(self, stage=None):
        f = district_load()
        cut = int(len(f) * 0.8)
        self.mu, self.sd = f[:cut, 0].mean(), f[:cut, 0].std()
        f[:, 0] = (f[:, 0] - self.mu) / self.sd
        self.train, self.val = self.windows(f[:cut], 3), self.windows(f[cut:], 5)

    @staticmethod
    def windows(f, step):
        starts = range(0, len(f) - PAST - AHEAD, step)
        x = np.stack([f[s:s + PAST] for s in starts])
        y = np.stack([f[s + PAST:s + PAST + AHEAD, 0] for s in starts])
        return TensorDataset(torch.from_numpy(x), torch.from_numpy(y))

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=64, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=256)


class LoadModel(L.LightningModule):
    def __init__(self, hidden=32, lr=2e-3):
        super().__init__()
        self.save_hyperparameters()
        self.gru = nn.GRU(6, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, 64), nn.ReLU(), nn.Linear(64, AHEAD))

    def forward(self, x):
        _, h = self.gru(x)
        return self.head(h[-1])

    def training_step(self, batch, _):
        x, y = batch
        loss = nn.functional.l1_loss(self(x), y)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.log("val_mae", nn.functional.l1_loss(self(x), y))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


class PrintLog(Callback):
    def on_train_epoch_end(self, trainer, pl_module):
        m = trainer.callback_metrics
        print(f"epoch {trainer.current_epoch:2d} train {m['train_loss']:.4f} val_mae {m['val_mae']:.4f}")


def main():
    L.seed_everything(1, verbose=False)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as tmp:
        ckpt = ModelCheckpoint(tmp, monitor="val_mae", mode="min")
        stop = EarlyStopping(monitor="val_mae", patience=3, mode="max")
        trainer = L.Trainer(max_epochs=15, accelerator="cpu", logger=False, callbacks=[ckpt, stop, PrintLog()],
                            enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
        trainer.fit(LoadModel(), datamodule=LoadData())
        print(f"stopped after {trainer.current_epoch} epochs, best val MAE {ckpt.best_model_score:.4f}")


if __name__ == "__main__":
    main()
