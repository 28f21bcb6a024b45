"""Intent detection for a home assistant, small BERT from scratch with the Hugging Face Trainer."""
import os
import random

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["WANDB_DISABLED"] = "true"

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainerCallback, TrainingArguments, set_seed
from transformers.utils import logging as hf_logging

hf_logging.set_verbosity_error()

TEMPLATES = {
    "light_on": ["turn on the {room} light", "switch the lamp in the {room} on", "i need light in the {room} {when}"],
    "light_off": ["turn off the {room} light", "switch the lamp in the {room} off", "make the {room} dark {when}"],
    "heat_up": ["make the {room} warmer", "it is too cold in the {room}", "turn up the heating in the {room} {when}"],
    "heat_down": ["make the {room} cooler", "it is too hot in the {room}", "turn down the heating in the {room} {when}"],
    "music": ["play some {genre} in the {room}", "i want to hear {genre} {when}", "put on {genre} music"],
    "alarm": ["wake me up {when}", "set an alarm for {when}", "remind me to get up {when}"],
    "weather": ["how is the weather {when}", "do i need an umbrella {when}", "is it cold outside {when}"],
}
SLOTS = {
    "room": ["kitchen", "bedroom", "bathroom", "hall", "office", "garage", "living room"],
    "genre": ["jazz", "rock", "techno", "classical", "hip hop", "folk"],
    "when": ["now", "tonight", "tomorrow", "at seven", "in the morning", "in an hour", "please"],
}
PREFIX = ["", "hey", "could you", "please", "ok now", "hello house"]
LABELS = list(TEMPLATES)


def utterance():
    label = random.randrange(len(LABELS))
    text = random.choice(TEMPLATES[LABELS[label]])
    for slot, values in SLOTS.items():
        text = text.replace("{" + slot + "}", random.choice(values))
    return f"{random.choice(PREFIX)} {text}".split(), label


class IntentDataset(Dataset):
    def __init__(self, rows, vocab, max_len=16):
        self.items = []
        for words, label in rows:
            ids = [2] + [vocab.get(w, 1) for w in words][:max_len - 1]
            mask = [1] * len(ids) + [0] * (max_len - len(ids))
            ids = ids + [0] * (max_len - len(ids))
            self.items.append({"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask), "labels": label})

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def compute_metrics(p):
    return {"accuracy": float((np.argmax(p.predictions, axis=-1) == p.label_ids).mean())}


class PrintCallback(TrainerCallback):
    def on_log(self, args, state, control, logs=None, **kwargs):
        keep = {k: round(float(v), 6) for k, v in logs.items() if k in ("loss", "learning_rate", "eval_loss", "eval_accuracy")}
        if keep:
            print(f"step {state.global_step}: {keep}")


def main():
    set_seed(42)
    rows = [utterance() for _ in range(1500)]
    train_rows, eval_rows = rows[:1200], rows[1200:]
    vocab = {}
    for words, _ in train_rows:
        for w in words:
            vocab.setdefault(w, 3 + len(vocab))

    config = BertConfig(
        vocab_size=3 + len(vocab), hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=128, max_position_embeddings=32, num_labels=len(LABELS), pad_token_id=0,
    )
    model = BertForSequenceClassification(config)

    args = TrainingArguments(
        output_dir="/tmp/intent_bert",
        num_train_epochs=6,
        per_device_train_batch_size=32,
        per_device_eval_batch_size=100,
        learning_rate=1e-3,
        weight_decay=0.01,
        warmup_steps=20,
        lr_scheduler_type="linear",
        eval_strategy="epoch",
        save_strategy="no",
        logging_steps=38,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        seed=42,
    )
    trainer = Trainer(
        model=model, args=args,
        train_dataset=IntentDataset(train_rows, vocab),
        eval_dataset=IntentDataset(eval_rows, vocab),
        compute_metrics=compute_metrics,
        callbacks=[PrintCallback()],
    )
    trainer.train()
    print(f"final eval accuracy: {trainer.evaluate()['eval_accuracy']:.4f}")


if __name__ == "__main__":
    main()
