import math

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainerCallback, TrainingArguments, set_seed
from transformers.utils import logging as hf_logging

hf_logging.set_verbosity_error()
hf_logging.disable_progress_bar()
set_seed(3)
WORDS = ("<eos> take cut boil fry mix serve onions carrots rice beans fish apples slowly quickly twice "
         "with without salt pepper butter oil then and until soft brown done").split()
W = {w: i for i, w in enumerate(WORDS)}


def sentence(rng):
    pick = lambda s: rng.choice(s.split())
    out = ["take", pick("onions carrots rice beans fish apples")]
    for _ in range(rng.integers(1, 3)):
        verb = pick("cut boil fry mix")
        out += ["then", verb, pick("slowly quickly twice")]
        out += ["until", {"cut": "done", "boil": "soft", "fry": "brown", "mix": "done"}[verb]]
    out += ["and", "serve", pick("with without"), pick("salt pepper butter oil"), "<eos>"]
    return [W[w] for w in out]


class Recipes(Dataset):
    def __init__(self, blocks, seed, length=24):
        rng = np.random.default_rng(seed)
        stream = []
        while len(stream) < blocks * length:
            stream += sentence(rng)
        self.data = torch.tensor(stream[:blocks * length]).view(blocks, length)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        return {"input_ids": self.data[i], "labels": self.data[i]}


class Report(TrainerCallback):
    def on_log(self, args, state, control, logs=None, **kw):
        if "loss" in logs:
            print(f"step {state.global_step} loss {float(logs['loss']):.4f} lr {float(logs['learning_rate']):.2e}")

    def on_evaluate(self, args, state, control, metrics=None, **kw):
        print(f"step {state.global_step} perplexity {math.exp(metrics['eval_loss']):.3f}")


model = GPT2LMHeadModel(GPT2Config(vocab_size=len(WORDS), n_positions=24, n_embd=48, n_layer=2, n_head=4,
                                   resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0))
print("tied head:", model.lm_head.weight is model.transformer.wte.weight)
args = TrainingArguments(output_dir="/tmp/recipe_gpt", max_steps=400, per_device_train_batch_size=32, learning_rate=2e-3,
                         lr_scheduler_type="cosine", warmup_steps=80, weight_decay=0.1, logging_steps=40, eval_strategy="steps",
                         eval_steps=80, save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True, seed=3)
Trainer(model=model, args=args, train_dataset=Recipes(2000, 0), eval_dataset=Recipes(200, 1), callbacks=[Report()]).train()
