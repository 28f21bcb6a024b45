"""Character model of Python source: the next character from the last eight."""
import inspect
import textwrap

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
text = inspect.getsource(textwrap).lower()
alphabet = sorted(set(text))
ids = torch.tensor([alphabet.index(c) for c in text])
windows = ids.unfold(0, 9, 1)
train, val = windows[:12000:2], windows[12010:16000:3]
loader = DataLoader(TensorDataset(train[:, :8], train[:, 8]), batch_size=64, shuffle=True)

embedding_size, hidden = 1, 2
model = nn.Sequential(
    nn.Embedding(len(alphabet), embedding_size), nn.Flatten(),
    nn.Linear(8 * embedding_size, hidden), nn.Tanh(), nn.Linear(hidden, len(alphabet)),
)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(4):
    model.train()
    for context, following in loader:
        loss = nn.functional.cross_entropy(model(context), following)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(val[:, :8]), val[:, 8])
    print(f"epoch {epoch} loss {loss.item():.3f} perplexity {val_loss.exp().item():.2f}")
