"""Functions of torch by their names: recurrent network with dropout on letters and features, and decoupled weight decay."""

import torch
from torch import nn

names = {
    "numeric": [n for n in dir(torch.Tensor) if n.endswith("_") and not n.startswith("_")],
    "dunder": [n for n in dir(torch.Tensor) if n.startswith("__")],
    "module": [n for n in dir(nn) if n[0].isupper()],
    "function": [n for n in dir(torch.nn.functional) if n.islower() and "_" in n.strip("_") and not n.startswith("_")],
}
letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
rows = [(name, label) for label, group in enumerate(names.values()) for name in group]
x = torch.zeros(len(rows), 16, dtype=torch.long)
for row, (name, _) in enumerate(rows):
    codes = [letters.index(c) + 1 for c in name[-16:] if c in letters]
    x[row, : len(codes)] = torch.tensor(codes)
y = torch.tensor([label for _, label in rows])
torch.manual_seed(1)
order = torch.randperm(len(rows))
train, test = order[150:], order[:150]


class Names(nn.Module):
    def __init__(self, letter_dropout=0.1, dropout=0.2):
        super().__init__()
        self.embedding = nn.Embedding(len(letters) + 1, 24, padding_idx=0)
        self.letters = nn.Dropout1d(letter_dropout)
        self.gru = nn.GRU(24, 48, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(48, len(names)))

    def forward(self, codes):
        states, _ = self.gru(self.letters(self.embedding(codes)))
        return self.head(states.mean(1))


model = Names()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.01)
for epoch in range(12):
    model.train()
    for batch in train[torch.randperm(len(train))].split(32):
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[test]).argmax(1) == y[test]).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
