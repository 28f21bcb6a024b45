"""Recall the first symbol of a long sequence."""
import torch
from torch import nn


class Recall(nn.Module):
    def __init__(self, width=40):
        super().__init__()
        self.embedding = nn.Embedding(6, 12)
        self.rnn = nn.RNN(12, width, batch_first=True)
        self.out = nn.Linear(width, 6)
        nn.init.orthogonal_(self.rnn.weight_hh_l0, gain=1.0)
        nn.init.normal_(self.rnn.weight_ih_l0, std=0.1)

    def forward(self, tokens):
        return self.out(self.rnn(self.embedding(tokens))[0][:, -1])


def make(count, length=25):
    tokens = torch.randint(0, 6, (count, 1))
    rest = torch.randint(0, 2, (count, length - 1))
    return torch.cat([tokens, rest], dim=1), tokens.squeeze(1)


torch.manual_seed(0)
x, y = make(2000)
x_val, y_val = make(400)
model = Recall()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(len(x)).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.3f}")
