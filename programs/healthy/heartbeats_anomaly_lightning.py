"""Unsupervised arrhythmia screening: a convolutional autoencoder sees normal beats only; reconstruction error is the score."""
import logging
import warnings

import lightning as L
import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


def beat(rng, kind):
    t = np.linspace(0, 1, 128)
    bump = lambda c, w, a: a * np.exp(-((t - c) / w) ** 2)
    j = lambda s: rng.normal(0, s)
    p, q, r, s, tw = 0.18, -0.12, 1.0, -0.25, 0.3
    w = 0.02
    if kind == "wide":
        w, p = 0.038, 0.05
    if kind == "inverted_t":
        tw = -0.22
    if kind == "no_p":
        p = 0.0
    x = (bump(0.28 + j(0.01), 0.035, p + j(0.02)) + bump(0.44, 0.015, q + j(0.02)) + bump(0.47 + j(0.004), w, r + j(0.08))
         + bump(0.51 + j(0.004), 0.018, s + j(0.03)) + bump(0.72 + j(0.015), 0.06, tw + j(0.03)))
    return x + 0.05 * np.sin(2 * np.pi * (rng.uniform(0.3, 0.8) * t + rng.random())) + rng.normal(0, 0.015, 128)


def beats(n, seed, kinds):
    rng = np.random.default_rng(seed)
    x = np.stack([beat(rng, kinds[i % len(kinds)]) for i in range(n)])
    return torch.tensor(x, dtype=torch.float32).unsqueeze(1)


class Screening(L.LightningModule):
    def __init__(self, lr=2e-3, code=8):
        super().__init__()
        self.save_hyperparameters()
        self.encoder = nn.Sequential(
            nn.Conv1d(1, 12, 7, 2, 3), nn.LeakyReLU(0.1), nn.Conv1d(12, 24, 7, 2, 3), nn.LeakyReLU(0.1),
            nn.Flatten(), nn.Linear(24 * 32, code),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, 24 * 32), nn.LeakyReLU(0.1), nn.Unflatten(1, (24, 32)),
            nn.ConvTranspose1d(24, 12, 8, 2, 3), nn.LeakyReLU(0.1), nn.ConvTranspose1d(12, 1, 8, 2, 3),
        )
        self.history = []

    def forward(self, x):
        return self.decoder(self.encoder(x))

    def training_step(self, batch, _):
        (x,) = batch
        loss = nn.functional.mse_loss(self(x), x)
        self.log("train_loss", loss, on_epoch=True, on_step=False)
        return loss

    def validation_step(self, batch, _):
        (x,) = batch
        self.log("val_loss", nn.functional.mse_loss(self(x), x), prog_bar=True)

    def on_validation_epoch_end(self):
        self.history.append(float(self.trainer.callback_metrics["val_loss"]))

    def configure_optimizers(self):
        opt = torch.optim.Adam(self.parameters(), lr=self.hparams.lr)
        return {"optimizer": opt, "lr_scheduler": torch.optim.lr_scheduler.StepLR(opt, 10, 0.3)}


L.seed_everything(12, verbose=False)
train = beats(1200, 0, ["normal"])
valid = beats(300, 1, ["normal"])
model = Screening()
trainer = L.Trainer(
    max_epochs=18, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
    enable_model_summary=False, num_sanity_val_steps=0, gradient_clip_val=1.0,
)
trainer.fit(model, DataLoader(TensorDataset(train), 48, shuffle=True), DataLoader(TensorDataset(valid), 100))
for i, v in enumerate(model.history):
    if i % 4 == 3:
        print(f"epoch {i + 1}: validation error {v:.5f}")
print(f"variance of the beats {valid.var():.5f}")

test_ok, test_bad = beats(300, 2, ["normal"]), beats(150, 3, ["wide", "inverted_t", "no_p"])
model.eval()
with torch.no_grad():
    score = torch.cat([(model(x) - x).square().mean((1, 2)) for x in (test_ok, test_bad)])
    limit = (model(valid) - valid).square().mean((1, 2)).quantile(0.98)
y = np.r_[np.zeros(300), np.ones(150)]
print(f"AUC {roc_auc_score(y, score):.4f}; flagged {float((score[300:] > limit).float().mean()):.3f} of the abnormal, "
      f"{float((score[:300] > limit).float().mean()):.3f} of the normal beats")
