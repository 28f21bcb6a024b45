"""A small causal model answers sums; the question is part of the input, only the answer counts in the loss."""
import os

os.environ["HF_HUB_OFFLINE"] = "1"
import random
import tempfile

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

PAD, CHARS = 0, "0123456789+="
LENGTH = 6


def example(first, second):
    question, answer = f"{first}+{second}=", f"{first + second:02d}"
    ids = [CHARS.index(char) + 1 for char in question + answer]
    labels = [-100] * len(question) + ids[len(question) :]
    return {"input_ids": torch.tensor(ids), "labels": torch.tensor(labels)}


set_seed(3)
random.seed(3)
sums = [(first, second) for first in range(10) for second in range(10)]
random.shuffle(sums)
train, test = sums[:88], sums[88:]
config = GPT2Config(
    vocab_size=len(CHARS) + 1, n_positions=8, n_embd=48, n_layer=1, n_head=4, resid_pdrop=0.0, embd_pdrop=0.0,
    attn_pdrop=0.0, initializer_range=0.1, bos_token_id=0, eos_token_id=0,
)  # fmt: skip
model = GPT2LMHeadModel(config)
arguments = TrainingArguments(
    output_dir=tempfile.mkdtemp(), per_device_train_batch_size=22, num_train_epochs=75, learning_rate=6e-3,
    warmup_steps=40, lr_scheduler_type="cosine", weight_decay=0.01, logging_steps=75, report_to=[],
    save_strategy="no", disable_tqdm=True, use_cpu=True,
)  # fmt: skip
trainer = Trainer(model=model, args=arguments, train_dataset=[example(*pair) for pair in train])
trainer.train()
model.eval()
with torch.no_grad():
    batch = torch.stack([example(*pair)["input_ids"] for pair in sums])
    guessed = model(input_ids=batch).logits[:, 3:5].argmax(-1)
right = (guessed == batch[:, 4:6]).all(1).float()
print(f"sums right {right.mean().item():.4f}")
