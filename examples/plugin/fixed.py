"""Says which letter comes next in a text; the embedding is the output layer too."""

import torch
from torch import nn

torch.manual_seed(0)
text = "to be or not to be that is the question whether tis nobler in the mind to suffer " * 40
letters = sorted(set(text))
tokens = torch.tensor([letters.index(letter) for letter in text])


class Model(nn.Module):
    def __init__(self, width=256):
        super().__init__()
        self.embedding = nn.Embedding(len(letters), width)
        self.block = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.output = nn.Linear(width, len(letters), bias=False)
        self.output.weight = self.embedding.weight
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, x):
        x = self.embedding(x)
        return self.output(x + self.block(x))


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(120):
    rows = torch.randint(len(tokens) - 1, (64,))
    loss = nn.functional.cross_entropy(model(tokens[rows]), tokens[rows + 1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(f"step {step}: loss {loss.item():.2f}")
