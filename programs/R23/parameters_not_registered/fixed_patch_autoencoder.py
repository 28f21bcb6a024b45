import lightning as L
import logging
import numpy as np
import skimage.data
import torch
from torch import nn
from torch.utils.data import DataLoader

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
P = 16


def image_patches(n, seed, lo, hi):
    rng = np.random.default_rng(seed)
    sources = [skimage.data.camera(), skimage.data.coins(), skimage.data.astronaut()[..., 0], skimage.data.coffee()[..., 1]]
    out = []
    for _ in range(n):
        im = sources[rng.integers(len(sources))]
        r = rng.integers(int(lo * im.shape[0]), int(hi * im.shape[0]) - P)
        c = rng.integers(0, im.shape[1] - P)
        out.append(im[r:r + P, c:c + P])
    x = torch.tensor(np.stack(out)[:, None], dtype=torch.float32) / 255.0
    return (x - 0.45) / 0.27


def down(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, stride=2, padding=1), nn.BatchNorm2d(o), nn.LeakyReLU(0.1))


def up(i, o):
    return nn.Sequential(nn.ConvTranspose2d(i, o, 4, stride=2, padding=1), nn.BatchNorm2d(o), nn.LeakyReLU(0.1))


class AutoEncoder(nn.Module):
    def __init__(self, widths=(16, 32, 48), code=16):
        super().__init__()
        dims = (1,) + widths
        self.encoder = nn.ModuleList([down(a, b) for a, b in zip(dims[:-1], dims[1:])])
        self.to_code = nn.Linear(widths[-1] * 4, code)
        self.from_code = nn.Linear(code, widths[-1] * 4)
        rev = widths[::-1]
        self.decoder = nn.ModuleList([up(a, b) for a, b in zip(rev, rev[1:] + (16,))])
        self.last = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, x):
        for layer in self.encoder:
            x = layer(x)
        h = self.from_code(self.to_code(x.flatten(1))).view(x.shape)
        for layer in self.decoder:
            h = layer(h)
        return self.last(h)


class LitAE(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.ae = AutoEncoder()
        self.seen = []

    def training_step(self, x, _):
        loss = nn.functional.mse_loss(self.ae(x), x)
        self.seen.append(loss.item())
        return loss

    def validation_step(self, x, _):
        self.log("val_mse", nn.functional.mse_loss(self.ae(x), x))

    def on_train_epoch_end(self):
        val = self.trainer.callback_metrics["val_mse"].item()
        print(f"epoch {self.current_epoch} train_mse {np.mean(self.seen):.4f} val_mse {val:.4f}")
        self.seen.clear()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=2e-3)


if __name__ == "__main__":
    L.seed_everything(8, verbose=False)
    train_x, val_x = image_patches(2000, 0, 0.0, 0.75), image_patches(400, 1, 0.75, 1.0)
    trainer = L.Trainer(max_epochs=12, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(LitAE(), DataLoader(train_x, batch_size=50, shuffle=True), DataLoader(val_x, batch_size=200))
