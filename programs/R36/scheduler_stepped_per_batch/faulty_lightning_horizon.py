"""Forecast the next value of a seasonal demand series with a GRU in Lightning."""
import logging
import math
import warnings

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
WINDOW, EPOCHS = 24, 8


def demand(hours=3000):
    t = torch.arange(hours, dtype=torch.float32)
    daily, weekly = torch.sin(2 * math.pi * t / 24), torch.sin(2 * math.pi * t / 168)
    noise = 0.15 * torch.randn(hours)
    return daily * (1 + 0.5 * weekly) + 0.5 * torch.sin(2 * math.pi * t / 7.3) + noise


class DemandModel(L.LightningModule):
    def __init__(self, hidden=32, max_epochs=EPOCHS, steps_per_epoch=1):
        super().__init__()
        self.save_hyperparameters()
        self.rnn = nn.GRU(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)
        self.errors = []

    def forward(self, x):
        return self.out(self.rnn(x[..., None])[0][:, -1]).squeeze(-1)

    def training_step(self, batch, number):
        x, y = batch
        return nn.functional.mse_loss(self(x), y)

    def validation_step(self, batch, number):
        x, y = batch
        self.errors.append(nn.functional.mse_loss(self(x), y).sqrt().item())

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=5e-3)
        horizon = self.hparams.max_epochs
        scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=horizon, power=1.0)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


L.seed_everything(1, verbose=False)
series = demand()
windows, following = series.unfold(0, WINDOW, 1)[:-1], series[WINDOW:]
train = DataLoader(TensorDataset(windows[:2400], following[:2400]), batch_size=48, shuffle=True)
valid = DataLoader(TensorDataset(windows[2400:], following[2400:]), batch_size=600)
model = DemandModel(steps_per_epoch=len(train))
trainer = L.Trainer(
    max_epochs=EPOCHS, logger=False, enable_checkpointing=False, enable_progress_bar=False,
    enable_model_summary=False, accelerator="cpu", num_sanity_val_steps=0,
)  # fmt: skip
trainer.fit(model, train, valid)
print("validation RMSE by epoch", " ".join(f"{error:.4f}" for error in model.errors))
