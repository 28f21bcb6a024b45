"""A stateful LSTM reads twenty streams of a text side by side, in order; the state is carried from chunk to chunk."""
import math
from pydoc_data import topics

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

BATCH, STEPS = 20, 30


class Streams(Dataset):
    """Item i holds chunk i of every stream."""

    def __init__(self, ids):
        length = (len(ids) - 1) // BATCH // STEPS * STEPS
        self.inputs = ids[: BATCH * length].view(BATCH, length)
        self.targets = ids[1 : BATCH * length + 1].view(BATCH, length)

    def __len__(self):
        return self.inputs.size(1) // STEPS

    def __getitem__(self, i):
        part = slice(i * STEPS, (i + 1) * STEPS)
        return self.inputs[:, part], self.targets[:, part]


class CharLSTM(nn.Module):
    def __init__(self, vocab, hidden=128):
        super().__init__()
        self.embedding = nn.Embedding(vocab, 32)
        self.lstm = nn.LSTM(32, hidden, batch_first=True)
        self.dropout = nn.Dropout(0.1)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, x, state):
        h, state = self.lstm(self.embedding(x), state)
        return self.out(self.dropout(h)), state


def run(model, loader, device, optimizer=None):
    model.train(optimizer is not None)
    state, total = None, 0.0
    for x, y in loader:
        x, y = x[0].to(device), y[0].to(device)
        if state is not None:
            state = tuple(s.detach() for s in state)
        logits, state = model(x, state)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
        total += loss.item()
    return total / len(loader)


torch.manual_seed(14)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
text = "\n".join(topics.topics[name] for name in sorted(topics.topics)[20:60])[:90_000]
chars = {char: i for i, char in enumerate(sorted(set(text)))}
ids = torch.tensor([chars[char] for char in text])
train_loader = DataLoader(Streams(ids[:78_000]), batch_size=1, shuffle=False)
valid_loader = DataLoader(Streams(ids[78_000:]), batch_size=1, shuffle=False)
model = CharLSTM(len(chars)).to(device)
optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.8)
for epoch in range(5):
    train_loss = run(model, train_loader, device, optimizer)
    with torch.no_grad():
        valid_loss = run(model, valid_loader, device)
    scheduler.step()
    print(f"epoch {epoch} train {train_loss:.4f} valid {valid_loss:.4f} perplexity {math.exp(valid_loss):.2f}")
