"""Route support tickets with a small BERT and the Hugging Face Trainer; classes are uneven, so the loss is weighted."""
import random
import warnings
from collections import Counter

import numpy as np
import torch
from sklearn.metrics import f1_score, recall_score
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

warnings.filterwarnings("ignore")
random.seed(2)
torch.manual_seed(2)

LABELS = ["outage", "billing", "question", "cancel"]
SHARE = [0.05, 0.25, 0.62, 0.08]
SPECIAL = {
    "outage": "down offline unreachable timeout error crash 503 broken failing dead".split(),
    "billing": "invoice charge refund card payment price twice receipt tax amount".split(),
    "question": "how where can does settings export change help wondering feature".split(),
    "cancel": "cancel leave delete close stop unsubscribe goodbye end terminate switch".split(),
}
COMMON = "hello please the my account since today we i is it on our for and with team page thanks again user".split()


def ticket(label):
    length = random.randint(7, 16)
    words = random.choices(COMMON, k=length)
    for _ in range(random.randint(1, 2)):
        words[random.randrange(length)] = random.choice(SPECIAL[label])
    for _ in range(2):
        if random.random() < 0.2:
            words[random.randrange(length)] = random.choice(SPECIAL[random.choice(LABELS)])
    return words


def corpus(n):
    names = random.choices(LABELS, weights=SHARE, k=n)
    return [(ticket(name), LABELS.index(name)) for name in names]


train_rows, eval_rows = corpus(2000), corpus(600)
vocab = {w: i + 2 for i, w in enumerate(sorted({w for ws, _ in train_rows for w in ws}))}


class Tickets(torch.utils.data.Dataset):
    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        words, label = self.rows[i]
        ids = [1] + [vocab.get(w, 0) for w in words]
        mask = [1] * len(ids) + [0] * (18 - len(ids))
        return {"input_ids": ids + [0] * (18 - len(ids)), "attention_mask": mask, "labels": label}


class WeightedTrainer(Trainer):
    def __init__(self, *args, class_weights=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.class_weights = class_weights

    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        loss = nn.functional.cross_entropy(outputs.logits, labels, weight=self.class_weights)
        return (loss, outputs) if return_outputs else loss


def metrics(pred):
    guess = pred.predictions.argmax(-1)
    return {"macro_f1": f1_score(pred.label_ids, guess, average="macro"),
            "accuracy": float((guess == pred.label_ids).mean()),
            "recalls": [round(float(r), 3) for r in recall_score(pred.label_ids, guess, average=None)]}


counts = Counter(label for _, label in train_rows)
weights = torch.tensor([len(train_rows) / (len(LABELS) * n) for n in (counts[k] for k in range(len(LABELS)))])
print("counts", dict(counts), "weights", [round(w, 2) for w in weights.tolist()])

config = BertConfig(vocab_size=len(vocab) + 2, hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
                    intermediate_size=96, max_position_embeddings=24, num_labels=len(LABELS), pad_token_id=0)
args = TrainingArguments(output_dir="/tmp/tickets", num_train_epochs=7, per_device_train_batch_size=32, learning_rate=2e-3,
                         warmup_steps=20, per_device_eval_batch_size=200, eval_strategy="epoch", save_strategy="no",
                         logging_steps=50, report_to=[], disable_tqdm=True, use_cpu=True, seed=2)
trainer = WeightedTrainer(model=BertForSequenceClassification(config), args=args, train_dataset=Tickets(train_rows),
                          eval_dataset=Tickets(eval_rows), compute_metrics=metrics, class_weights=weights)
trainer.train()
result = trainer.evaluate()
for key in ("eval_accuracy", "eval_macro_f1", "eval_recalls"):
    print(key, result[key] if key == "eval_recalls" else round(result[key], 4))
