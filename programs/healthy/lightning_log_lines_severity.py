"""How bad is this log line? A bidirectional LSTM with attention in Lightning, balanced by a weighted sampler."""
import logging
import random
import warnings

import lightning.pytorch as pl
import torch
import torch.nn as nn
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, WeightedRandomSampler
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

LEVELS = ["info", "warning", "critical"]
SUBJECTS = "disk cache worker queue socket session index replica mirror ticket printer mailer".split()
GOOD = "started ready finished synced loaded accepted refreshed".split()
SLOW = "slow late retrying delayed throttled degraded".split()
DEAD = "lost corrupt refused crashed unreachable exhausted".split()
GLUE = "after for on by at node user job run the".split()


def line(level, rng):
    s = rng.choice(SUBJECTS)
    tail = [rng.choice(GLUE) for _ in range(rng.randint(1, 5))]
    if level == 0:
        body = rng.choice([[s, rng.choice(GOOD)], ["no", s, rng.choice(DEAD + SLOW)], [s, "not", rng.choice(SLOW)]])
    elif level == 1:
        body = rng.choice([[s, rng.choice(SLOW)], [s, "not", rng.choice(GOOD)]])
    else:
        body = rng.choice([[s, rng.choice(DEAD)], [s, rng.choice(SLOW), "and", rng.choice(DEAD)]])
    cut = rng.randint(0, len(tail))
    return tail[:cut] + body + tail[cut:]


def lines(n, seed):
    rng = random.Random(seed)
    levels = rng.choices([0, 1, 2], weights=[80, 15, 5], k=n)
    return [(line(k, rng), k) for k in levels]


class LogData(pl.LightningDataModule):
    def __init__(self, batch_size=32):
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage=None):
        self.train_rows, self.val_rows, self.test_rows = lines(2000, 1), lines(500, 2), lines(800, 3)
        words = sorted({w for ws, _ in self.train_rows for w in ws})
        self.vocab = {w: i + 2 for i, w in enumerate(words)}

    def collate(self, rows):
        ids = [torch.tensor([self.vocab.get(w, 1) for w in ws]) for ws, _ in rows]
        return pad_sequence(ids, batch_first=True), torch.tensor([len(i) for i in ids]), torch.tensor([k for _, k in rows])

    def train_dataloader(self):
        counts = [sum(k == c for _, k in self.train_rows) for c in range(3)]
        sampler = WeightedRandomSampler([1 / counts[k] for _, k in self.train_rows], num_samples=len(self.train_rows))
        return DataLoader(self.train_rows, self.batch_size, sampler=sampler, collate_fn=self.collate)

    def val_dataloader(self):
        return DataLoader(self.val_rows, 128, collate_fn=self.collate)

    def test_dataloader(self):
        return DataLoader(self.test_rows, 128, collate_fn=self.collate)


class Severity(pl.LightningModule):
    def __init__(self, vocab_size, dim=24, hidden=24):
        super().__init__()
        self.emb = nn.Embedding(vocab_size, dim, padding_idx=0)
        self.rnn = nn.LSTM(dim, hidden, batch_first=True, bidirectional=True)
        self.score = nn.Linear(2 * hidden, 1)
        self.out = nn.Linear(2 * hidden, 3)
        self.val_acc = MulticlassAccuracy(3, average="macro")
        self.test_acc = MulticlassAccuracy(3, average="macro")
        self.confusion = MulticlassConfusionMatrix(3)

    def forward(self, ids, lengths):
        packed = pack_padded_sequence(self.emb(ids), lengths, batch_first=True, enforce_sorted=False)
        h, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        a = self.score(h).squeeze(-1).masked_fill(ids == 0, float("-inf")).softmax(1)
        return self.out((a.unsqueeze(-1) * h).sum(1))

    def training_step(self, batch, batch_idx):
        ids, lengths, y = batch
        return nn.functional.cross_entropy(self(ids, lengths), y)

    def validation_step(self, batch, batch_idx):
        ids, lengths, y = batch
        self.val_acc(self(ids, lengths), y)
        self.log("val_acc", self.val_acc)

    def test_step(self, batch, batch_idx):
        ids, lengths, y = batch
        logits = self(ids, lengths)
        self.test_acc(logits, y)
        self.confusion(logits, y)
        self.log("test_acc", self.test_acc)

    def on_test_epoch_end(self):
        print(self.confusion.compute().tolist())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=4e-3)


pl.seed_everything(5, verbose=False)
data = LogData()
data.setup()
model = Severity(len(data.vocab) + 2)
best = ModelCheckpoint(dirpath="/tmp/log_severity", monitor="val_acc", mode="max", enable_version_counter=False, filename="best")
trainer = pl.Trainer(max_epochs=8, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
                     callbacks=[best, EarlyStopping("val_acc", mode="max", patience=3)])
trainer.fit(model, datamodule=data)
print(f"stopped after {trainer.current_epoch} epochs, best validation accuracy {best.best_model_score:.4f}")
result = trainer.test(model, datamodule=data, ckpt_path="best", verbose=False)[0]
print(f"balanced test accuracy {result['test_acc']:.4f}")
