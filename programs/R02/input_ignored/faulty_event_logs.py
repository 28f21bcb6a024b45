"""Which machine state does a short event log tell of? A transformer encoder with a class token over padded logs."""
import random

import torch
from torch import nn
from torch.utils.data import DataLoader

random.seed(0)
torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
PAD, CLS, EVENTS, LENGTH = 0, 1, 30, 24


def log():
    """Normal, overheating (event 5 twice) or jammed (event 9 followed by event 12)."""
    label = random.randrange(3)
    events = [random.choice([e for e in range(2, EVENTS) if e not in (5, 9, 12)]) for _ in range(random.randint(8, 20))]
    if label == 1:
        for place in random.sample(range(len(events)), 2):
            events[place] = 5
    if label == 2:
        place = random.randrange(len(events) - 1)
        events[place:place + 2] = [9, 12]
    return events, label


def collate(batch):
    tokens = torch.full((len(batch), LENGTH), PAD)
    for row, (events, _) in enumerate(batch):
        tokens[row, :len(events) + 1] = torch.tensor([CLS] + events)
    return tokens, torch.tensor([label for _, label in batch])


class LogEncoder(nn.Module):
    def __init__(self, width=48, layers=2):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(EVENTS, width), nn.Embedding(LENGTH, width)
        layer = nn.TransformerEncoderLayer(width, nhead=4, dim_feedforward=96, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.classifier = nn.Linear(width, 3)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1], device=tokens.device))
        mask = tokens != PAD
        x = self.encoder(x, src_key_padding_mask=mask)
        return self.classifier(x[:, 0])


train = DataLoader([log() for _ in range(2000)], batch_size=64, shuffle=True, collate_fn=collate)
valid = DataLoader([log() for _ in range(400)], batch_size=200, collate_fn=collate)
model = LogEncoder().to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for epoch in range(10):
    model.train()
    running = 0.0
    for tokens, labels in train:
        loss = nn.functional.cross_entropy(model(tokens.to(device)), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running += loss.item()
    model.eval()
    with torch.no_grad():
        correct = sum((model(tokens.to(device)).argmax(1).cpu() == labels).sum().item() for tokens, labels in valid)
    print(f"epoch {epoch + 1}: loss {running / len(train):.3f}, valid accuracy {correct / len(valid.dataset):.3f}")
