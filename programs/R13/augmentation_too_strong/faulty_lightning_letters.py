"""Lightning: digits with random shifts and rotations of the training pictures."""
import lightning as L
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, Subset


class RandomShift:
    def __call__(self, image):
        dy, dx = torch.randint(-1, 2, (2,)).tolist()
        return torch.roll(image, (dy, dx), dims=(1, 2))


class RandomErase:
    def __call__(self, image):
        top, left = torch.randint(0, 7, (2,)).tolist()
        image = image.clone()
        image[:, top : top + 2, left : left + 2] = 0
        return image


class RandomFlip:
    def __call__(self, image):
        if torch.rand(()) < 0.5:
            image = image.flip(2)
        if torch.rand(()) < 0.5:
            image = image.flip(1)
        return image


class RandomQuarterTurn:
    def __call__(self, image):
        return torch.rot90(image, int(torch.randint(4, ())), dims=(1, 2))


class Compose:
    def __init__(self, *transforms):
        self.transforms = transforms

    def __call__(self, image):
        for transform in self.transforms:
            image = transform(image)
        return image


class DigitData(Dataset):
    def __init__(self, transform=None):
        images, labels = load_digits(return_X_y=True)
        self.images = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8) / 16
        self.labels = torch.tensor(labels)
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        if self.transform is not None:
            image = self.transform(image)
        return (image - 0.305) / 0.376, self.labels[index]


class DigitModule(L.LightningDataModule):
    def __init__(self, batch_size=64):
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage=None):
        order = torch.randperm(1797, generator=torch.Generator().manual_seed(0)).tolist()
        train_transform = Compose(RandomShift(), RandomErase(), RandomFlip(), RandomQuarterTurn())
        self.train_set = Subset(DigitData(train_transform), order[:1200])
        self.val_set = Subset(DigitData(), order[1200:])

    def train_dataloader(self):
        return DataLoader(self.train_set, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.val_set, batch_size=200)


class DigitClassifier(L.LightningModule):
    def __init__(self, lr=2e-3):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.Flatten(), nn.Linear(48 * 16, 10),
        )

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        self.log("train_loss", loss, on_epoch=True, on_step=False)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        logits = self(x)
        self.log("val_loss", F.cross_entropy(logits, y))
        self.log("val_acc", (logits.argmax(1) == y).float().mean())

    def on_train_epoch_end(self):
        metrics = self.trainer.callback_metrics
        print(f"epoch {self.current_epoch} train loss {metrics['train_loss']:.4f} val acc {metrics['val_acc']:.4f}")

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.lr)


if __name__ == "__main__":
    L.seed_everything(4, verbose=False)
    trainer = L.Trainer(
        max_epochs=10, accelerator="auto", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0,
    )
    trainer.fit(DigitClassifier(), DigitModule())
