"""Rows of a digit as a sequence for an LSTM."""
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32)
labels = torch.tensor(digits.target)
order = torch.randperm(len(images))
train, val = order[:1400], order[1400:]
images = (images - images[train].mean()) / images[train].std()


class RowReader(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.lstm = nn.LSTM(input_size=8, hidden_size=hidden, batch_first=True)
        self.output = nn.Linear(hidden, 10)

    def forward(self, rows):
        states, _ = self.lstm(rows)
        return self.output(states[:, -1])


def accuracy(model, index):
    model.eval()
    with torch.no_grad():
        return (model(images[index]).argmax(1) == labels[index]).float().mean().item()


model = RowReader()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(10):
    model.train()
    total = 0.0
    for batch in train[torch.randperm(len(train))].split(50):
        loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        total += loss.item() * len(batch)
    print(f"epoch {epoch}: loss {total / len(train):.4f}, val accuracy {accuracy(model, val):.4f}")
