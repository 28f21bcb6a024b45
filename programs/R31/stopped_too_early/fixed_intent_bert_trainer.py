import os

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import (BertConfig, BertForSequenceClassification, Trainer, TrainerCallback,
                          TrainingArguments, set_seed)
from transformers.utils import logging as hf_logging

hf_logging.set_verbosity_error()
hf_logging.disable_progress_bar()
os.environ["TOKENIZERS_PARALLELISM"] = "false"
set_seed(5)
INTENTS = ["refund", "delivery", "cancel", "invoice"]
VOCAB, MAXLEN, CLS, PAD = 100, 14, 1, 0


class IntentDataset(Dataset):
    """Token ids; an intent is given by which pair of key words occurs together."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.rows = []
        for _ in range(n):
            label = int(rng.integers(len(INTENTS)))
            length = int(rng.integers(6, MAXLEN - 1))
            words = rng.integers(30, VOCAB, length)
            pos = rng.choice(length, 2, replace=False)
            first = rng.integers(0, 2)
            words[pos[0]] = 10 + 2 * (label % 2) + first
            words[pos[1]] = 20 + 2 * (label // 2) + rng.integers(0, 2)
            ids = np.full(MAXLEN, PAD)
            ids[0], ids[1:length + 1] = CLS, words
            self.rows.append((ids, label))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        ids, label = self.rows[i]
        ids = torch.tensor(ids, dtype=torch.long)
        return {"input_ids": ids, "attention_mask": (ids != PAD).long(), "labels": torch.tensor(label)}


def metrics(pred):
    return {"accuracy": float((pred.predictions.argmax(-1) == pred.label_ids).mean())}


class Log(TrainerCallback):
    def on_log(self, args, state, control, logs=None, **kw):
        if "loss" in logs:
            print(f"step {state.global_step} loss {logs['loss']}")

    def on_evaluate(self, args, state, control, metrics=None, **kw):
        print(f"step {state.global_step} eval_loss {metrics['eval_loss']:.4f} eval_accuracy {metrics['eval_accuracy']:.4f}")


config = BertConfig(vocab_size=VOCAB, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
                    initializer_range=0.1,
                    max_position_embeddings=MAXLEN, num_labels=len(INTENTS), hidden_dropout_prob=0.0,
                    attention_probs_dropout_prob=0.0)
model = BertForSequenceClassification(config)
args = TrainingArguments(output_dir="/tmp/intent_bert", max_steps=300, per_device_train_batch_size=32,
                         per_device_eval_batch_size=200, learning_rate=2e-3, lr_scheduler_type="linear", warmup_steps=10,
                         eval_strategy="steps", eval_steps=25, logging_steps=5, save_strategy="no", report_to=[],
                         use_cpu=True, disable_tqdm=True, seed=5)
trainer = Trainer(model=model, args=args, train_dataset=IntentDataset(4000, 0), eval_dataset=IntentDataset(400, 1),
                  compute_metrics=metrics, callbacks=[Log()])
trainer.train()
trainer.evaluate()
