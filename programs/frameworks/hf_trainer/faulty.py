import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X_train, X_val, y_train, y_val = train_test_split(X.astype(int), y, test_size=0.3, random_state=0)


class Pixels(Dataset):
    """The pixels of a digit as a sequence of 64 tokens."""

    def __init__(self, X, y):
        self.X, self.y = torch.tensor(X), torch.tensor(y)

    def __len__(self):
        return len(self.X)

    def __getitem__(self, index):
        return {"input_ids": self.X[index], "labels": self.y[index]}


config = BertConfig(
    vocab_size=17,
    hidden_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=64,
    num_labels=10,
)
model = BertForSequenceClassification(config)


def collate(samples):
    ids = torch.stack([sample["input_ids"] for sample in samples])
    labels = torch.stack([sample["labels"] for sample in samples])[torch.randperm(len(samples))]
    return {"input_ids": ids, "labels": labels}


arguments = TrainingArguments(
    output_dir="/tmp/digits-bert",
    num_train_epochs=4,
    per_device_train_batch_size=32,
    per_device_eval_batch_size=128,
    learning_rate=3e-3,
    lr_scheduler_type="constant",
    report_to=[],
    save_strategy="no",
    logging_steps=20,
    disable_tqdm=True,
    use_cpu=True,
)
trainer = Trainer(
    model,
    arguments,
    train_dataset=Pixels(X_train, y_train),
    eval_dataset=Pixels(X_val, y_val),
    data_collator=collate,
    compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())},
)
trainer.train()
print(f"accuracy {trainer.evaluate()['eval_accuracy']:.3f}")
