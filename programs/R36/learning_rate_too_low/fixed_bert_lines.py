"""Which package does a line of source code come from? A small BERT from scratch with the Hugging Face Trainer."""
import _pydecimal
import argparse
import doctest
import inspect
import re
import tarfile
import tempfile

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

set_seed(42)

MODULES = [argparse, _pydecimal, doctest, tarfile]
MAX_LENGTH = 24


def tokenize(line):
    return re.findall(r"[A-Za-z]+|[^\sA-Za-z]", line)


texts, labels = [], []
for label, module in enumerate(MODULES):
    lines = [line.strip() for line in inspect.getsource(module).splitlines()]
    lines = [line for line in lines if len(line) > 20]
    texts += lines
    labels += [label] * len(lines)

rng = np.random.default_rng(0)
order = rng.permutation(len(texts))[:3600]
train_rows, test_rows = order[:3000], order[3000:]

counts = {}
for row in train_rows:
    for token in tokenize(texts[row]):
        counts[token] = counts.get(token, 0) + 1
vocab = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2}
for token in sorted(counts, key=counts.get, reverse=True)[:1500]:
    vocab[token] = len(vocab)


class Lines(Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        row = self.rows[i]
        ids = [vocab["[CLS]"]] + [vocab.get(token, 1) for token in tokenize(texts[row])][: MAX_LENGTH - 1]
        padding = MAX_LENGTH - len(ids)
        return {
            "input_ids": torch.tensor(ids + [0] * padding),
            "attention_mask": torch.tensor([1] * len(ids) + [0] * padding),
            "labels": labels[row],
        }


def compute_metrics(prediction):
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


config = BertConfig(
    vocab_size=len(vocab),
    hidden_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=128,
    max_position_embeddings=MAX_LENGTH,
    num_labels=len(MODULES),
)
model = BertForSequenceClassification(config)
args = TrainingArguments(
    output_dir=tempfile.mkdtemp(),
    num_train_epochs=3,
    learning_rate=2e-3,
    per_device_train_batch_size=32,
    per_device_eval_batch_size=100,
    weight_decay=0.01,
    warmup_steps=20,
    eval_strategy="epoch",
    save_strategy="no",
    logging_steps=50,
    report_to=[],
    disable_tqdm=True,
)
trainer = Trainer(
    model=model,
    args=args,
    train_dataset=Lines(train_rows),
    eval_dataset=Lines(test_rows),
    compute_metrics=compute_metrics,
)
trainer.train()
print(f"test accuracy {trainer.evaluate()['eval_accuracy']:.4f}")
