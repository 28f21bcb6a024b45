import logging

import lightning as L
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

for name in ("lightning.pytorch", "lightning.fabric"):
    logging.getLogger(name).setLevel(logging.ERROR)


class Branch(nn.Module):
    def __init__(self, ch):
        super().__init__()
        self.path = nn.Sequential(nn.Conv2d(ch, ch, 3, padding=1, bias=False), nn.BatchNorm2d(ch), nn.ReLU(),
                                  nn.Conv2d(ch, ch, 3, padding=1, bias=False), nn.BatchNorm2d(ch))
        nn.init.zeros_(self.path[-1].weight)

    def forward(self, x):
        return torch.relu(x + self.path(x))


class MixupResNet(L.LightningModule):
    def __init__(self, lr=0.3, alpha=0.4, epochs=14, steps=21):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Conv2d(1, 24, 3, padding=1), Branch(24), Branch(24), nn.MaxPool2d(2),
                                 nn.Conv2d(24, 40, 3, padding=1), Branch(40), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(160, 10))
        self.ce = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.track = []

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        lam = float(np.random.beta(self.hparams.alpha, self.hparams.alpha))
        perm = torch.randperm(len(x))
        out = self(lam * x + (1 - lam) * x[perm])
        loss = lam * self.ce(out, y) + (1 - lam) * self.ce(out, y[perm])
        self.track.append(loss.item())
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        out = self(x)
        self.log_dict({"val_loss": nn.functional.cross_entropy(out, y), "val_acc": (out.argmax(1) == y).float().mean()})

    def on_validation_epoch_end(self):
        m = self.trainer.callback_metrics
        if self.track:
            print(f"epoch {self.current_epoch} mixup_loss {np.mean(self.track):.4f} val_loss {m['val_loss']:.4f} val_acc {m['val_acc']:.4f}")
            self.track.clear()

    def configure_optimizers(self):
        opt = torch.optim.SGD(self.parameters(), lr=self.hparams.lr, momentum=0.9, weight_decay=5e-4)
        total = self.hparams.epochs * self.hparams.steps
        sched = torch.optim.lr_scheduler.OneCycleLR(opt, self.hparams.lr, total_steps=total, pct_start=0.3)
        return {"optimizer": opt, "lr_scheduler": {"scheduler": sched, "interval": "step"}}


def main():
    L.seed_everything(66, verbose=False)
    d = load_digits()
    x = torch.tensor((d.images / 16.0 - 0.3) / 0.37, dtype=torch.float32)[:, None]
    y = torch.tensor(d.target)
    perm = torch.randperm(len(x))
    tr, va = perm[:1344], perm[1344:]
    model = MixupResNet()
    trainer = L.Trainer(max_epochs=14, accelerator="cpu", logger=False, enable_checkpointing=False, gradient_clip_val=5.0,
                        enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(model, DataLoader(TensorDataset(x[tr], y[tr]), batch_size=64, shuffle=True),
                DataLoader(TensorDataset(x[va], y[va]), batch_size=453))


if __name__ == "__main__":
    main()
