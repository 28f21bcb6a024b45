"""Monthly rent from flat features, PyTorch Lightning."""
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


class RentDataModule(L.LightningDataModule):
    def __init__(self, n=3000, batch_size=64):
        super().__init__()
        self.n = n
        self.batch_size = batch_size

    def setup(self, stage=None):
        rng = np.random.default_rng(2024)
        area = rng.gamma(6, 12, self.n) + 15
        rooms = np.clip(np.round(area / 28 + rng.normal(0, 0.6, self.n)), 1, 7)
        floor = rng.integers(0, 9, self.n)
        year = rng.integers(1900, 2024, self.n)
        dist = rng.gamma(2, 2.5, self.n)
        lift = (rng.random(self.n) < 0.2 + 0.07 * floor).astype(float)
        renovated = (rng.random(self.n) < 0.35).astype(float)
        rent = (8 + 9 * np.exp(-dist / 4)) * area ** 0.93 * (1 + 0.12 * renovated) \
            + 12 * floor * lift + 1.2 * np.abs(year - 1965) + rng.normal(0, 60, self.n)
        X = np.column_stack([area, rooms, floor, year, dist, lift, renovated]).astype(np.float32)
        y = rent.astype(np.float32)

        order = rng.permutation(self.n)
        tr, va = order[: int(0.8 * self.n)], order[int(0.8 * self.n):]
        mu, sd = X[tr].mean(0), X[tr].std(0)
        self.y_mu, self.y_sd = float(y[tr].mean()), float(y[tr].std())
        X = torch.tensor((X - mu) / sd)
        y = torch.tensor((y - self.y_mu) / self.y_sd)
        self.train_set = TensorDataset(X[tr], y[tr])
        self.val_set = TensorDataset(X[va], y[va])

    def train_dataloader(self):
        return DataLoader(self.train_set, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val_set, batch_size=200)


class RentModel(L.LightningModule):
    def __init__(self, n_features=7, hidden=64, lr=1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.Linear(n_features, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, 1),
        )
        self.val_pred, self.val_true, self.train_losses = [], [], []

    def forward(self, x):
        return self.net(x).squeeze(-1)

    def training_step(self, batch, batch_idx):
        x, y = batch
        y_hat = self(x)
        loss = F.mse_loss(y_hat, y)
        self.train_losses.append(loss.item())
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.val_pred.append(self(x).flatten())
        self.val_true.append(y)

    def on_validation_epoch_end(self):
        pred, true = torch.cat(self.val_pred), torch.cat(self.val_true)
        r2 = 1 - ((pred - true) ** 2).sum() / ((true - true.mean()) ** 2).sum()
        self.log("val_r2", r2)
        train = np.mean(self.train_losses) if self.train_losses else float("nan")
        print(f"epoch {self.current_epoch}: train loss {train:.4f}  val R2 {r2:.4f}")
        self.val_pred.clear()
        self.val_true.clear()
        self.train_losses.clear()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


def main():
    L.seed_everything(1)
    dm = RentDataModule()
    model = RentModel()
    trainer = L.Trainer(
        max_epochs=12, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
    )
    trainer.fit(model, dm)
    print(f"final val R2: {trainer.callback_metrics['val_r2'].item():.4f}")


if __name__ == "__main__":
    main()
