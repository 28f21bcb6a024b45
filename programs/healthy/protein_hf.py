import random

import torch
from torch.utils.data import Dataset
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    Trainer,
    TrainingArguments,
    set_seed,
)

AMINO = "ACDEFGHIKLMNPQRSTVWY"
MOTIFS = {"kinase": "GKT", "zinc": "CHC", "lectin": "QDN", "other": None}
LENGTH = 32
CLS, PAD = 0, 1


def protein(label, rng):
    seq = [rng.choice(AMINO) for _ in range(rng.randint(20, LENGTH - 1))]
    motif = list(MOTIFS.values())[label]
    if motif:
        for _ in range(3):
            p = rng.randint(0, len(seq) - 3)
            seq[p : p + 3] = list(motif)
    return "".join(seq)


class Proteins(Dataset):
    def __init__(self, n, seed):
        rng = random.Random(seed)
        self.labels = [rng.randrange(len(MOTIFS)) for _ in range(n)]
        self.seqs = [protein(y, rng) for y in self.labels]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        ids = [CLS] + [AMINO.index(a) + 2 for a in self.seqs[i]]
        n = len(ids)
        return {
            "input_ids": torch.tensor(ids + [PAD] * (LENGTH - n)),
            "attention_mask": torch.tensor([1] * n + [0] * (LENGTH - n)),
            "labels": self.labels[i],
        }


def accuracy(p):
    return {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())}


def main():
    set_seed(1)
    config = DistilBertConfig(
        vocab_size=len(AMINO) + 2,
        dim=32,
        n_layers=2,
        n_heads=2,
        hidden_dim=64,
        max_position_embeddings=LENGTH,
        num_labels=len(MOTIFS),
        pad_token_id=PAD,
        dropout=0.0,
        seq_classif_dropout=0.1,
    )
    model = DistilBertForSequenceClassification(config)
    args = TrainingArguments(
        output_dir="/tmp/protein_out",
        num_train_epochs=6,
        learning_rate=2e-3,
        warmup_steps=40,
        lr_scheduler_type="cosine",
        weight_decay=0.01,
        per_device_train_batch_size=32,
        per_device_eval_batch_size=200,
        eval_strategy="epoch",
        logging_steps=30,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        seed=1,
    )
    trainer = Trainer(
        model=model, args=args, train_dataset=Proteins(1800, 0), eval_dataset=Proteins(300, 1), compute_metrics=accuracy
    )
    trainer.train()
    print("eval accuracy", round(trainer.evaluate()["eval_accuracy"], 4))


if __name__ == "__main__":
    main()
