import random

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

INTENTS = {
    "alarm": ["wake me at {h}", "set an alarm for {h}", "alarm at {h} please"],
    "weather": ["will it rain in {c}", "how is the weather in {c}", "is it cold in {c} at {h}"],
    "music": ["play {a} now", "put on something by {a}", "i want to hear {a}"],
    "ticket": ["book a train to {c}", "ticket to {c} at {h}", "when is the next train to {c}"],
    "call": ["call {p}", "ring {p} at {h}", "please phone {p} now"],
}
FILL = {
    "h": "six seven eight nine ten noon midnight".split(),
    "c": "berlin oslo rome paris london madrid".split(),
    "a": "mozart abba bach queen adele".split(),
    "p": "mum dad anna peter the office".split(),
}
MAX_LEN = 14


def make_rows(n, seed):
    rng = random.Random(seed)
    rows = []
    for _ in range(n):
        y = rng.randrange(len(INTENTS))
        text = rng.choice(list(INTENTS.values())[y])
        text = text.format(**{k: rng.choice(v) for k, v in FILL.items()})
        if rng.random() < 0.4:
            text = rng.choice(["hey", "ok", "hello", "please"]) + " " + text
        rows.append((text.split(), y))
    return rows


class IntentDataset(Dataset):
    def __init__(self, rows, vocab):
        self.rows, self.vocab = rows, vocab

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        words, y = self.rows[i]
        ids = [1] + [self.vocab[w] for w in words][: MAX_LEN - 1]
        pad = MAX_LEN - len(ids)
        return {
            "input_ids": torch.tensor(ids + [0] * pad),
            "attention_mask": torch.tensor([1] * len(ids) + [0] * pad),
            "labels": y,
        }


def compute_metrics(pred):
    return {"accuracy": float((pred.predictions.argmax(-1) == pred.label_ids).mean())}


def main():
    set_seed(0)
    train_rows, eval_rows = make_rows(1000, 0), make_rows(300, 1)
    words = sorted({w for ws, _ in train_rows + eval_rows for w in ws})
    vocab = {w: i + 2 for i, w in enumerate(words)}

    config = BertConfig(
        vocab_size=len(vocab) + 2, hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=96, max_position_embeddings=MAX_LEN, num_labels=len(INTENTS), pad_token_id=0,
    )
    model = BertForSequenceClassification(config)

    args = TrainingArguments(
        output_dir="/tmp/intents_out",
        learning_rate=1e-3,
        lr_scheduler_type="linear",
        per_device_train_batch_size=32,
        per_device_eval_batch_size=100,
        num_train_epochs=8,
        max_steps=8,
        logging_steps=20,
        eval_strategy="epoch",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        seed=0,
    )
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=IntentDataset(train_rows, vocab),
        eval_dataset=IntentDataset(eval_rows, vocab),
        compute_metrics=compute_metrics,
    )
    trainer.train()
    result = trainer.evaluate()
    print("eval loss", round(result["eval_loss"], 4))
    print("eval accuracy", round(result["eval_accuracy"], 4))


if __name__ == "__main__":
    main()
