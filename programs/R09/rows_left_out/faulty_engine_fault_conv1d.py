import logging

import numpy as np
import torch
import lightning as L
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
L.seed_everything(4, verbose=False)
MODES = 7


def record(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, MODES, n)
    t = np.arange(96)
    out = []
    for k in y:
        period = 6 + 3 * (k % 4)
        base = np.sin(2 * np.pi * t / period + rng.uniform(0, 6.28))
        if k >= 4:
            base += 1.2 * ((t + rng.integers(0, 20)) % 20 < 2)
        else:
            base *= 1 + 0.6 * np.sin(2 * np.pi * t / 48 + rng.uniform(0, 6.28))
        out.append(base * rng.uniform(0.6, 1.4) + rng.normal(0, 0.6, len(t)))
    return TensorDataset(torch.tensor(np.stack(out), dtype=torch.float32)[:, None], torch.tensor(y))


class FaultNet(L.LightningModule):
    def __init__(self, lr=3e-3):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(
            nn.Conv1d(1, 24, 7, padding=3), nn.BatchNorm1d(24), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(24, 48, 5, padding=2), nn.BatchNorm1d(48), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(48, 48, 3, padding=1), nn.BatchNorm1d(48), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
            nn.Flatten(), nn.Linear(48, MODES),
        )
        self.history = []

    def training_step(self, batch, _):
        x, y = batch
        loss = nn.functional.cross_entropy(self.net(x), y)
        self.history.append(loss.item())
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.log("val_acc", (self.net(x).argmax(1) == y).float().mean())

    def on_validation_epoch_end(self):
        acc = self.trainer.callback_metrics["val_acc"].item()
        print(f"epoch {self.current_epoch} loss {np.mean(self.history[-20:]):.4f} val_acc {acc:.4f}")

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.lr)


full = record(1400, 0)
train_set = Subset(full, range(56))
steps_per_epoch = len(train_set) // 28
trainer = L.Trainer(max_steps=500, max_epochs=-1, check_val_every_n_epoch=max(1, 100 // steps_per_epoch), accelerator="cpu",
                    logger=False, enable_checkpointing=False, enable_progress_bar=False,
                    enable_model_summary=False, num_sanity_val_steps=0)
trainer.fit(FaultNet(), DataLoader(train_set, batch_size=28, shuffle=True), DataLoader(record(500, 1), batch_size=250))
