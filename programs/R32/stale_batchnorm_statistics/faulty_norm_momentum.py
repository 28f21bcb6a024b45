import torch
import pytorch_lightning as pl
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class DepthwiseBlock(nn.Module):
    def __init__(self, cin, cout, stride=1, bn_momentum=0.1, bn_eps=1e-3):
        super().__init__()
        self.depthwise = nn.Conv2d(cin, cin, 3, stride, 1, groups=cin, bias=False)
        self.bn0 = nn.BatchNorm2d(cin, momentum=bn_momentum, eps=bn_eps)
        self.pointwise = nn.Conv2d(cin, cout, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout, momentum=bn_momentum, eps=bn_eps)
        self.act = nn.Hardswish()

    def forward(self, x):
        x = self.act(self.bn0(self.depthwise(x)))
        return self.act(self.bn1(self.pointwise(x)))


class DigitsLit(pl.LightningModule):
    def __init__(self, lr=3e-3, bn_momentum=0.1, width=32):
        super().__init__()
        self.save_hyperparameters()
        bn = dict(bn_momentum=bn_momentum)
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.features = nn.Sequential(
            DepthwiseBlock(width, width, **bn), DepthwiseBlock(width, 2 * width, stride=2, **bn),
            DepthwiseBlock(2 * width, 2 * width, **bn), DepthwiseBlock(2 * width, 4 * width, stride=2, **bn))
        self.head = nn.Linear(4 * width, 10)
        self.hits = []

    def forward(self, x):
        return self.head(self.features(self.stem(x)).mean((2, 3)))

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = nn.functional.cross_entropy(self(x), y)
        self.log("train_loss", loss, on_epoch=True)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.hits.append((self(x).argmax(1) == y).float())

    def on_validation_epoch_end(self):
        print(f"epoch {self.current_epoch} val_acc={torch.cat(self.hits).mean():.4f}")
        self.hits.clear()

    def configure_optimizers(self):
        opt = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=0.01)
        return {"optimizer": opt, "lr_scheduler": torch.optim.lr_scheduler.ExponentialLR(opt, 0.85)}


class DigitsData(pl.LightningDataModule):
    def setup(self, stage=None):
        d = load_digits()
        xa, xb, ya, yb = train_test_split(d.images, d.target, test_size=0.25, random_state=3, stratify=d.target)
        self.train_set, self.val_set = (
            TensorDataset(torch.tensor(x, dtype=torch.float32)[:, None] / 16, torch.tensor(y))
            for x, y in ((xa, ya), (xb, yb))
        )

    def train_dataloader(self):
        return DataLoader(self.train_set, batch_size=48, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val_set, batch_size=150)


if __name__ == "__main__":
    pl.seed_everything(3, verbose=False)
    model = DigitsLit(bn_momentum=0.001)
    trainer = pl.Trainer(
        max_epochs=8, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0)
    trainer.fit(model, datamodule=DigitsData())
