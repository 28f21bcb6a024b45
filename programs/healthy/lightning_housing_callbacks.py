"""LightningModule with a data module, early stopping and the best checkpoint, on generated house prices."""
import tempfile

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def houses(count=4000, seed=0):
    rng = np.random.default_rng(seed)
    area, rooms, age = rng.gamma(8, 14, count), rng.integers(1, 8, count), rng.integers(0, 90, count)
    distance, quality = rng.exponential(9, count), rng.normal(size=count)
    price = 900 * area ** 1.05 * np.exp(-0.03 * distance + 0.15 * quality - 0.004 * age) + 8000 * rooms
    price *= np.exp(0.08 * rng.normal(size=count))
    return np.stack([area, rooms, age, distance, quality], 1).astype("float32"), np.log(price).astype("float32")


class HousesData(L.LightningDataModule):
    def setup(self, stage=None):
        x, y = houses()
        x_train, x_rest, y_train, y_rest = train_test_split(x, y, test_size=0.3, random_state=1)
        x_val, x_test, y_val, y_test = train_test_split(x_rest, y_rest, test_size=0.5, random_state=1)
        self.mean, self.std = x_train.mean(0), x_train.std(0)
        self.y_mean, self.y_std = y_train.mean(), y_train.std()
        self.train, self.val, self.test = (
            TensorDataset(torch.from_numpy((a - self.mean) / self.std), torch.from_numpy((b - self.y_mean) / self.y_std))
            for a, b in ((x_train, y_train), (x_val, y_val), (x_test, y_test)))

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=64, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=256)

    def test_dataloader(self):
        return DataLoader(self.test, batch_size=256)


class PriceModel(L.LightningModule):
    def __init__(self, hidden=64, lr=3e-3):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(5, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 1))

    def forward(self, x):
        return self.net(x).squeeze(-1)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = nn.functional.huber_loss(self(x), y)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_loss", nn.functional.huber_loss(self(x), y))
        self.log("val_r2", 1 - ((self(x) - y) ** 2).mean() / y.var())

    def test_step(self, batch, batch_idx):
        x, y = batch
        self.log("test_rmse", ((self(x) - y) ** 2).mean().sqrt())

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=2)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "val_loss"}}


def main():
    L.seed_everything(3)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = ModelCheckpoint(folder, monitor="val_loss", mode="min", save_top_k=1)
        trainer = L.Trainer(max_epochs=25, accelerator="auto", devices=1, gradient_clip_val=1.0, logger=False, enable_progress_bar=False,
                            enable_model_summary=False, callbacks=[EarlyStopping("val_loss", patience=5), checkpoint])
        model, data = PriceModel(), HousesData()
        trainer.fit(model, datamodule=data)
        print({key: round(value.item(), 4) for key, value in trainer.callback_metrics.items()}, "epochs", trainer.current_epoch)
        print(trainer.test(model, datamodule=data, ckpt_path=checkpoint.best_model_path, verbose=False))


if __name__ == "__main__":
    main()
