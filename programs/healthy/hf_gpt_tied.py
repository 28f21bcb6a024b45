"""GPT-2 in small, tied embeddings, from scratch on Python's own documentation with the Hugging Face Trainer."""
import math
import tempfile
from pydoc_data import topics

import torch
from torch.utils.data import Dataset
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

set_seed(6)
text = "\n".join(topics.topics[name] for name in sorted(topics.topics)[:40])[:90_000]
alphabet = {char: i for i, char in enumerate(sorted(set(text)))}
stream = torch.tensor([alphabet[char] for char in text])
LENGTH = 48


class Chunks(Dataset):
    def __init__(self, stream):
        self.chunks = stream[: len(stream) // LENGTH * LENGTH].view(-1, LENGTH)

    def __len__(self):
        return len(self.chunks)

    def __getitem__(self, i):
        return {"input_ids": self.chunks[i], "labels": self.chunks[i]}


config = GPT2Config(
    vocab_size=len(alphabet), n_positions=LENGTH, n_embd=64, n_layer=2, n_head=4,
    resid_pdrop=0.0, embd_pdrop=0.05, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
)  # fmt: skip
model = GPT2LMHeadModel(config)
args = TrainingArguments(
    output_dir=tempfile.mkdtemp(),
    num_train_epochs=7,
    learning_rate=4e-3,
    lr_scheduler_type="cosine",
    warmup_steps=30,
    weight_decay=0.01,
    per_device_train_batch_size=16,
    gradient_accumulation_steps=2,
    per_device_eval_batch_size=64,
    eval_strategy="epoch",
    save_strategy="no",
    logging_steps=25,
    report_to=[],
    disable_tqdm=True,
)
cut = int(0.9 * len(stream))
trainer = Trainer(model=model, args=args, train_dataset=Chunks(stream[:cut]), eval_dataset=Chunks(stream[cut:]))
trainer.train()
loss = trainer.evaluate()["eval_loss"]
print(f"validation loss {loss:.4f} perplexity {math.exp(loss):.2f}")
