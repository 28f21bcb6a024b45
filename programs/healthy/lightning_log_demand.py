"""Lightning: demand of bicycles, trained on its logarithm with a Huber loss and accumulated gradients."""
import lightning as L
import numpy as np
import torch
import torch.nn as nn
from lightning.pytorch.callbacks import EarlyStopping
from torch.utils.data import DataLoader, TensorDataset


def make_table(n=3600, seed=9):
    rng = np.random.default_rng(seed)
    hour, weekday, month = rng.integers(0, 24, n), rng.integers(0, 7, n), rng.integers(1, 13, n)
    warmth = 12 - 10 * np.cos(2 * np.pi * (month - 1) / 12) + rng.normal(0, 4, n)
    rain = rng.exponential(0.4, n) * (rng.random(n) < 0.25)
    commute = np.exp(-((hour - 8) ** 2) / 4) + np.exp(-((hour - 17) ** 2) / 6)
    leisure = np.exp(-((hour - 14) ** 2) / 20)
    log_demand = 2.5 + 0.06 * warmth - 1.2 * rain + np.where(weekday < 5, 2.2 * commute, 1.8 * leisure)
    demand = rng.poisson(np.exp(log_demand + rng.normal(0, 0.15, n)))
    angle = 2 * np.pi * hour / 24
    features = [np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle), warmth, rain]
    return np.column_stack(features).astype("float32"), weekday, demand.astype("float32")


class DemandModel(L.LightningModule):
    def __init__(self, mean, std, offset, lr=5e-3):
        super().__init__()
        self.save_hyperparameters(ignore=["mean", "std", "offset"])
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.weekday = nn.Embedding(7, 4)
        self.net = nn.Sequential(nn.Linear(10, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 1))
        nn.init.constant_(self.net[-1].bias, offset)
        self.loss = nn.HuberLoss(delta=1.0)

    def forward(self, x, weekday):
        x = torch.cat([(x - self.mean) / self.std, self.weekday(weekday)], 1)
        return self.net(x).squeeze(1)

    def training_step(self, batch, batch_idx):
        x, weekday, demand = batch
        loss = self.loss(self(x, weekday), torch.log1p(demand))
        self.log("train_loss", loss, on_epoch=True, on_step=False)
        return loss

    def validation_step(self, batch, batch_idx):
        x, weekday, demand = batch
        prediction = self(x, weekday)
        self.log("val_loss", self.loss(prediction, torch.log1p(demand)))
        self.log("val_rmsle", (prediction - torch.log1p(demand)).pow(2).mean().sqrt())

    def configure_optimizers(self):
        optimizer = torch.optim.Adam(self.parameters(), lr=self.hparams.lr)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=2)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "val_loss"}}


def main():
    L.seed_everything(9, verbose=False)
    x, weekday, demand = make_table()
    data = TensorDataset(torch.tensor(x), torch.tensor(weekday), torch.tensor(demand))
    train, val = torch.utils.data.random_split(data, [3000, 600])
    rows = train.indices
    model = DemandModel(
        torch.tensor(x[rows].mean(0)), torch.tensor(x[rows].std(0)), float(np.log1p(demand[rows]).mean())
    )
    trainer = L.Trainer(
        max_epochs=25, accumulate_grad_batches=2, gradient_clip_val=1.0, callbacks=[EarlyStopping("val_loss", patience=8)],
        logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(model, DataLoader(train, batch_size=32, shuffle=True), DataLoader(val, batch_size=300))
    result = trainer.validate(model, DataLoader(val, batch_size=300), verbose=False)[0]
    spread = np.log1p(demand[val.indices]).std()
    print(f"val rmsle {result['val_rmsle']:.4f} (spread of the logarithm {spread:.4f})")


if __name__ == "__main__":
    main()
