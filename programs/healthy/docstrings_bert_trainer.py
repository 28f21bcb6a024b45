"""A small BERT from scratch that tells which library a docstring comes from, with the Hugging Face Trainer."""
import inspect
import re
import tempfile
from collections import Counter

import numpy as np
import scipy.signal
import scipy.stats
import sklearn.cluster
import sklearn.linear_model
import sklearn.metrics
import sklearn.preprocessing
import scipy.sparse
import torch
from sklearn.model_selection import train_test_split
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

set_seed(11)
LENGTH = 32


def paragraphs(modules):
    found = set()
    for module in modules:
        for name, thing in inspect.getmembers(module):
            for part in re.split(r"\n\s*\n", inspect.getdoc(thing) or ""):
                words = re.findall(r"[a-z]+", part.lower())
                if 8 <= len(words) <= 120 and ">>>" not in part:
                    found.add(" ".join(words[:LENGTH - 1]))
    return sorted(found)


groups = [paragraphs([scipy.stats]), paragraphs([scipy.signal]),
          paragraphs([sklearn.linear_model, sklearn.metrics, sklearn.cluster, sklearn.preprocessing])]
size = min(len(group) for group in groups)
rng = np.random.default_rng(0)
texts = [text for group in groups for text in rng.choice(group, size, replace=False)]
labels = np.repeat(np.arange(3), size).tolist()
train_texts, test_texts, train_labels, test_labels = train_test_split(texts, labels, test_size=0.2, stratify=labels, random_state=0)
vocabulary = {word: i + 3 for i, (word, _) in enumerate(Counter(" ".join(train_texts).split()).most_common(2000))}


class Docstrings(Dataset):
    def __init__(self, texts, labels):
        self.texts, self.labels = texts, labels

    def __len__(self):
        return len(self.texts)

    def __getitem__(self, i):
        ids = [1] + [vocabulary.get(word, 2) for word in self.texts[i].split()][:LENGTH - 1]
        mask = [1] * len(ids) + [0] * (LENGTH - len(ids))
        return {"input_ids": ids + [0] * (LENGTH - len(ids)), "attention_mask": mask, "labels": self.labels[i]}


def compute_metrics(prediction):
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


config = BertConfig(vocab_size=len(vocabulary) + 3, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
                    max_position_embeddings=LENGTH, num_labels=3)
with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(folder, num_train_epochs=6, per_device_train_batch_size=32, per_device_eval_batch_size=128,
                                  learning_rate=1e-3, warmup_steps=50, weight_decay=0.01, lr_scheduler_type="linear",
                                  eval_strategy="epoch", save_strategy="no", logging_steps=50, report_to=[], disable_tqdm=True, seed=11)
    trainer = Trainer(BertForSequenceClassification(config), arguments, train_dataset=Docstrings(train_texts, train_labels),
                      eval_dataset=Docstrings(test_texts, test_labels), compute_metrics=compute_metrics)
    trainer.train()
    print(len(train_texts), "texts; final", trainer.evaluate())
