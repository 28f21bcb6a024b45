"""Is a sequence of brackets balanced?"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make(count, length=12):
    steps = torch.randint(0, 2, (count * 6, length)) * 2 - 1
    walk = steps.cumsum(1)
    balanced = (walk.amin(1) >= 0) & (walk[:, -1] == 0)
    near = (walk[:, -1] == 0) & ~balanced
    x = torch.cat([steps[balanced], steps[near][:int(balanced.sum())]]).add(1).div(2, rounding_mode="floor")
    x = x.unique(dim=0)
    walk = (x * 2 - 1).cumsum(1)
    return x, ((walk.amin(1) >= 0) & (walk[:, -1] == 0)).long()


class BracketNet(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embedding = nn.Embedding(2, width)
        self.position = nn.Parameter(torch.randn(12, width) * 0.2)
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(width, 2)

    def forward(self, tokens):
        return self.head(self.encoder(self.embedding(tokens) + self.position).amax(1))


torch.manual_seed(0)
x, y = make(4000)
order = torch.randperm(len(x))
x, y = x[order], y[order]
split = int(0.8 * len(x))
loader = DataLoader(TensorDataset(x[:split], y[:split]), batch_size=16, shuffle=True)
model = BracketNet()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
for epoch in range(18):
    model.train()
    for tokens, target in loader:
        loss = nn.functional.cross_entropy(model(tokens), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x[split:]).argmax(1) == y[split:]).float().mean().item()
    if epoch % 3 == 2:
        print(f"epoch {epoch} loss {loss.item():.4f} accuracy {accuracy:.3f}")
