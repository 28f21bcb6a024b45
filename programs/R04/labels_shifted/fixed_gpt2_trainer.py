"""A tiny GPT-2 from scratch on the help topics that ship with Python, one token per character."""
import os

os.environ["HF_HUB_OFFLINE"] = "1"
import pydoc_data.topics as topics
import tempfile

import torch
import torch.nn.functional as F
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

BLOCK = 32


class CharBlocks(torch.utils.data.Dataset):
    def __init__(self, ids, stride):
        self.ids = ids
        self.starts = range(0, len(ids) - BLOCK - 1, stride)

    def __len__(self):
        return len(self.starts)

    def __getitem__(self, item):
        chunk = self.ids[self.starts[item] : self.starts[item] + BLOCK + 1]
        return {"input_ids": chunk[:-1], "labels": chunk[:-1]}


def load_text(limit=60000):
    text = "\n".join(topics.topics[name] for name in sorted(topics.topics))[:limit]
    alphabet = sorted(set(text))
    index = {char: number for number, char in enumerate(alphabet)}
    return torch.tensor([index[char] for char in text]), len(alphabet)


@torch.no_grad()
def next_char_loss(model, ids):
    model.eval()
    windows = ids[: len(ids) // BLOCK * BLOCK].view(-1, BLOCK)[:60]
    logits = model(input_ids=windows).logits
    return F.cross_entropy(logits[:, :-1].reshape(-1, logits.size(-1)), windows[:, 1:].reshape(-1)).item()


set_seed(11)
ids, vocabulary = load_text()
cut = int(0.9 * len(ids))
config = GPT2Config(
    vocab_size=vocabulary, n_positions=BLOCK, n_embd=48, n_layer=1, n_head=4,
    resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, initializer_range=0.08, bos_token_id=0, eos_token_id=0,
)  # fmt: skip
model = GPT2LMHeadModel(config)
arguments = TrainingArguments(
    output_dir=tempfile.mkdtemp(), per_device_train_batch_size=16, max_steps=220, learning_rate=1e-2,
    warmup_steps=10, logging_steps=55, report_to=[], save_strategy="no", disable_tqdm=True, use_cpu=True,
)  # fmt: skip
trainer = Trainer(model=model, args=arguments, train_dataset=CharBlocks(ids[:cut], stride=16))
trainer.train()
print(f"held-out loss per character {next_char_loss(model, ids[cut:]):.4f}")
