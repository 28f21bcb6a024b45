"""Lightning: classify blossoms by the measured outline of their petals (elliptic Fourier coefficients of noisy curves)."""
import logging
import warnings

import lightning as L
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


def outline(kind, rng):
    t = np.linspace(0, 2 * np.pi, 64, endpoint=False) + rng.uniform(0, 2 * np.pi)
    petals = [3, 4, 5, 5, 6][kind]
    depth = [0.35, 0.3, 0.15, 0.4, 0.3][kind] + rng.normal(0, 0.04)
    r = 1 + depth * np.cos(petals * t) + rng.normal(0, 0.12, t.shape)
    r *= 1 + 0.15 * np.cos(t + rng.uniform(0, 6))
    curve = np.stack([r * np.cos(t) * rng.uniform(0.85, 1.15), r * np.sin(t)], 1)
    spectrum = np.fft.fft(curve[:, 0] + 1j * curve[:, 1]) / 64
    return np.abs(spectrum[np.r_[1:12, -12:0]])


def blossoms(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 5, n)
    return torch.tensor(np.log(np.stack([outline(k, rng) for k in y]) + 1e-2), dtype=torch.float32), torch.tensor(y)


class Blossom(L.LightningModule):
    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.net = nn.Sequential(nn.Linear(23, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))

    def forward(self, x):
        return self.net((x - self.mean) / self.std)

    def training_step(self, batch, i):
        x, y = batch
        loss = nn.functional.cross_entropy(self(x), y)
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, i):
        x, y = batch
        self.log("val_acc", (self(x).argmax(1) == y).float().mean())

    def on_train_epoch_end(self):
        m = self.trainer.callback_metrics
        print(f"epoch {self.current_epoch}: loss {m['loss']:.4f} val_acc {m['val_acc']:.4f}")

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


L.seed_everything(3, verbose=False)
x, y = blossoms(1600, 0)
valid = TensorDataset(*blossoms(500, 1))
model = Blossom(x.mean(0), x.std(0))
trainer = L.Trainer(
    max_epochs=8,
    accumulate_grad_batches=32,
    accelerator="cpu",
    logger=False,
    enable_checkpointing=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
trainer.fit(model, DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True), DataLoader(valid, batch_size=500))
print(f"updates of the weights: {trainer.global_step}")
