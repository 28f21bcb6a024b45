"""Tag every token with the sum of itself and its left neighbour, modulo the vocabulary."""
import torch
from torch import nn

torch.manual_seed(0)
length, vocabulary = 8, 12


def sample(n):
    x = torch.randint(vocabulary, (n, length))
    return x, (x + x.roll(1, dims=1)) % vocabulary


class Tagger(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.conv = nn.Conv1d(width, width, 2)
        self.hidden = nn.Linear(width, width)
        self.out = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        wrapped = torch.cat([tokens[:, -1:], tokens], dim=1)
        h = self.conv(self.embed(wrapped).transpose(1, 2)).relu().transpose(1, 2)
        scores = self.out(self.hidden(h).relu())
        return nn.functional.log_softmax(scores, dim=1)


model = Tagger()
criterion = nn.NLLLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
x_val, y_val = sample(500)

for step in range(1, 401):
    x, y = sample(32)
    log_probs = model(x)
    loss = criterion(log_probs.reshape(-1, vocabulary), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        with torch.no_grad():
            prediction = model(x_val).argmax(-1)
        accuracy = (prediction == y_val).float().mean().item()
        print(f"step {step:4d}  loss {loss.item():.4f}  token accuracy {accuracy:.3f}")
