"""Heart beats of four kinds, from one lead of a synthetic recording, with a data module and a trainer."""
import lightning as L
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SAMPLES, KINDS = 96, ("normal", "ventricular", "atrial", "blocked")


def wave(t, centre, width, height):
    return height * np.exp(-0.5 * ((t - centre) / width) ** 2)


def beat(kind, rng):
    t = np.linspace(0, 1, SAMPLES)
    shift = rng.normal(0, 0.05)
    p, q = 0.28 + shift, 0.5 + shift
    width = 0.02 * rng.uniform(0.8, 1.3)
    x = wave(t, q + 0.26, 0.05, rng.uniform(0.15, 0.45))
    if kind == 0:
        x += wave(t, p, 0.025, rng.uniform(0.1, 0.3)) + wave(t, q, width, 1)
    elif kind == 1:
        x += wave(t, q, 2.2 * width, 1.1) - wave(t, q + 0.11, 2.5 * width, rng.uniform(0.0, 0.5))
    elif kind == 2:
        x += wave(t, p - 0.1, 0.025, rng.uniform(0.1, 0.3)) + wave(t, q - 0.04, width, 1)
    else:
        x += wave(t, p, 0.025, 0.2) + wave(t, q, width, 0.8) + wave(t, q + 0.05, width, rng.uniform(0.3, 0.8))
    x += rng.normal(0, 0.15) * t + 0.14 * rng.normal(size=SAMPLES)
    return x * rng.uniform(0.7, 1.3)


class Beats(L.LightningDataModule):
    def __init__(self, batch_size=32):
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage=None):
        rng = np.random.default_rng(12)
        kinds = rng.integers(0, 4, 2000)
        rows = np.stack([beat(kind, rng) for kind in kinds]).astype(np.float32)[:, None]
        rows, kinds = torch.from_numpy(rows), torch.from_numpy(kinds)
        self.train, self.val, self.test = (
            TensorDataset(rows[part], kinds[part]) for part in (slice(0, 1400), slice(1400, 1600), slice(1600, None)))

    def train_dataloader(self):
        return DataLoader(self.train, self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, 100)

    def test_dataloader(self):
        return DataLoader(self.test, 100)


class BeatNet(L.LightningModule):
    def __init__(self, channels=16):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(1, channels, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(channels, 2 * channels, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2),
            nn.Flatten(), nn.Linear(2 * channels * 24, 48), nn.ReLU(), nn.Linear(48, 4))

    def step(self, batch, name):
        x, y = batch
        scores = self.net(x)
        loss = nn.functional.cross_entropy(scores, y)
        self.log(f"{name}_loss", loss, on_epoch=True, on_step=False)
        self.log(f"{name}_accuracy", (scores.argmax(1) == y).float().mean(), on_epoch=True, on_step=False)
        return loss

    def training_step(self, batch, index):
        return self.step(batch, "train")

    def validation_step(self, batch, index):
        self.step(batch, "val")

    def test_step(self, batch, index):
        self.step(batch, "test")

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


class Print(L.Callback):
    def on_train_epoch_end(self, trainer, module):
        shown = {name: round(float(value), 4) for name, value in trainer.callback_metrics.items()}
        print(trainer.current_epoch, shown)


if __name__ == "__main__":
    L.seed_everything(12)
    beats, module = Beats(), BeatNet()
    trainer = L.Trainer(
        max_epochs=8,
        accelerator="cpu",
        callbacks=[Print()],
        logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )
    trainer.fit(module, datamodule=beats)
    result = trainer.test(module, datamodule=beats, verbose=False)[0]
    print(f"test accuracy {result['test_accuracy']:.4f}")
