"""Which of six languages' sounds is it? Invented syllables, told apart by a text CNN; training ends by itself."""
import random

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LENGTH = 32


def words(count, seed):
    """Every language has its own syllables, and borrows from the others."""
    book = random.Random(77)
    kinds = ("bcdfghjklmnprstvwz", "aeiouy", "nrslk")
    languages = [["".join(map(book.choice, kinds)) for _ in range(9)] for _ in range(6)]
    rng = random.Random(seed)
    texts, labels = [], []
    for _ in range(count):
        label = rng.randrange(6)
        syllables = [rng.choice(languages[label if rng.random() < 0.45 else rng.randrange(6)]) for _ in range(14)]
        texts.append("".join(syllables)[:LENGTH])
        labels.append(label)
    numbers = torch.tensor([[LETTERS.index(letter) for letter in text] for text in texts])
    return TensorDataset(numbers, torch.tensor(labels))


class LanguageModule(pl.LightningModule):
    def __init__(self, channels=32, lr=1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.embedding = nn.Embedding(len(LETTERS), 12)
        self.convolutions = nn.ModuleList(nn.Conv1d(12, channels, width) for width in (2, 3, 4))
        self.classifier = nn.Sequential(nn.Dropout(0.1), nn.Linear(3 * channels, 6))
        self.criterion = nn.CrossEntropyLoss()

    def forward(self, x):
        x = self.embedding(x).transpose(1, 2)
        return self.classifier(torch.cat([conv(x).relu().amax(2) for conv in self.convolutions], dim=1))

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = self.criterion(self(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        x, y = batch
        logits = self(x)
        self.log("val_loss", self.criterion(logits, y))
        self.log("val_acc", (logits.argmax(1) == y).float().mean())

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)


def main():
    pl.seed_everything(3)
    train = DataLoader(words(2400, seed=1), batch_size=48, shuffle=True)
    val = DataLoader(words(600, seed=2), batch_size=200)
    module = LanguageModule()
    early_stopping = EarlyStopping(monitor="val_acc", patience=2)
    trainer = pl.Trainer(
        max_epochs=25, accelerator="cpu", callbacks=[early_stopping], logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(module, train, val)
    result = trainer.validate(module, val, verbose=False)[0]
    print(f"stopped after epoch {trainer.current_epoch}, val_acc {result['val_acc']:.4f}")


if __name__ == "__main__":
    main()
