"""Prices from a table with gaps and three kinds of categories; the target is a logarithm, the report is in the unit."""
import logging
import warnings

import lightning as L
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


def make_table(n=2200, seed=9):
    rng = np.random.default_rng(seed)
    numbers = np.column_stack([rng.lognormal(4, 0.5, n), rng.integers(1, 8, n), rng.uniform(1900, 2020, n)])
    kinds = np.column_stack([rng.integers(0, k, n) for k in (5, 12, 3)])
    effects = [rng.normal(0, s, k) for s, k in ((0.3, 5), (0.4, 12), (0.2, 3))]
    log_price = 0.9 * np.log(numbers[:, 0]) + 0.006 * np.abs(numbers[:, 2] - 1960) + 0.04 * numbers[:, 1]
    log_price = log_price + sum(effect[kinds[:, k]] for k, effect in enumerate(effects)) + 0.12 * rng.standard_t(5, n)
    numbers[rng.random(numbers.shape) < 0.08] = np.nan
    return numbers, kinds, log_price


class Table(L.LightningDataModule):
    def setup(self, stage):
        numbers, kinds, log_price = make_table()
        gaps = np.isnan(numbers)
        numbers[:, 0] = np.log(numbers[:, 0])
        mean, std = np.nanmean(numbers[:1700], 0), np.nanstd(numbers[:1700], 0)
        filled = np.where(gaps, 0.0, (numbers - mean) / std)
        x = torch.tensor(np.hstack([filled, gaps]), dtype=torch.float32)
        self.centre, self.spread = log_price[:1700].mean(), log_price[:1700].std()
        y = torch.tensor((log_price - self.centre) / self.spread, dtype=torch.float32)
        self.rows = TensorDataset(x, torch.tensor(kinds), y)

    def train_dataloader(self):
        return DataLoader(torch.utils.data.Subset(self.rows, range(1700)), batch_size=64, shuffle=True)

    def val_dataloader(self):
        return DataLoader(torch.utils.data.Subset(self.rows, range(1700, 2200)), batch_size=250)


class Prices(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.kinds = nn.ModuleList([nn.Embedding(k, 4) for k in (5, 12, 3)])
        self.body = nn.Sequential(nn.Linear(18, 64), nn.SiLU(), nn.Linear(64, 32), nn.SiLU(), nn.Linear(32, 1))

    def forward(self, x, kinds):
        return self.body(torch.cat([x, *(table(kinds[:, k]) for k, table in enumerate(self.kinds))], 1)).squeeze(1)

    def training_step(self, batch, index):
        x, kinds, y = batch
        return nn.functional.huber_loss(self(x, kinds), y)

    def on_validation_epoch_start(self):
        self.errors, self.total = [], []

    def validation_step(self, batch, index):
        x, kinds, y = batch
        self.errors.append((self(x, kinds) - y).square())
        self.total.append(y)

    def on_validation_epoch_end(self):
        self.r2 = (1 - torch.cat(self.errors).mean() / torch.cat(self.total).var()).item()

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=5e-3, weight_decay=1e-3)
        return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 15)]


L.seed_everything(9, verbose=False)
model = Prices()
trainer = L.Trainer(
    max_epochs=15, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
    enable_model_summary=False, gradient_clip_val=0.5, gradient_clip_algorithm="value", num_sanity_val_steps=0,
)  # fmt: skip
trainer.fit(model, datamodule=Table())
print(f"R2 of the log price on the last five hundred rows {model.r2:.4f}")
