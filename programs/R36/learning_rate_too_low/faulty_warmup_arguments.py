"""Which help page of Python does a passage come from? A small transformer, gradients accumulated over micro-batches."""
import os

os.environ["HF_HUB_OFFLINE"] = "1"
import pydoc_data.topics as topics

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from transformers import get_linear_schedule_with_warmup

torch.manual_seed(6)
LENGTH, ACCUMULATION, EPOCHS = 48, 4, 5


def passages(count_of_pages=6):
    pages = sorted(topics.topics.values(), key=len)[-count_of_pages:]
    rows, labels = [], []
    for label, page in enumerate(pages):
        codes = torch.tensor([min(ord(char), 127) for char in page])[:6000]
        windows = codes.unfold(0, LENGTH, 24)
        rows.append(windows)
        labels.append(torch.full((len(windows),), label))
    return torch.cat(rows), torch.cat(labels)


class PassageModel(nn.Module):
    def __init__(self, dim=48, classes=6):
        super().__init__()
        self.tokens = nn.Embedding(128, dim)
        self.local = nn.Conv1d(dim, dim, 5, padding=2)
        self.position = nn.Parameter(0.02 * torch.randn(LENGTH, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 96, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(dim, classes)

    def forward(self, x):
        x = torch.relu(self.local(self.tokens(x).transpose(1, 2))).transpose(1, 2)
        return self.head(self.encoder(x + self.position).mean(1))


x, y = passages()
blocks = torch.arange(len(x)) // 20 % 5 == 4
train_loader = DataLoader(TensorDataset(x[~blocks], y[~blocks]), batch_size=8, shuffle=True)
model = PassageModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-3, weight_decay=0.01)
num_training_steps = EPOCHS * len(train_loader)
num_warmup_steps = int(0.1 * num_training_steps)
scheduler = get_linear_schedule_with_warmup(optimizer, num_training_steps, num_warmup_steps)

for epoch in range(EPOCHS):
    model.train()
    total = 0.0
    for number, (passage, page) in enumerate(train_loader):
        loss = nn.functional.cross_entropy(model(passage), page)
        (loss / ACCUMULATION).backward()
        total += loss.item()
        if (number + 1) % ACCUMULATION == 0:
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[blocks]).argmax(1) == y[blocks]).float().mean().item()
    print(f"epoch {epoch} loss {total / len(train_loader):.4f} held-out accuracy {accuracy:.4f}")
