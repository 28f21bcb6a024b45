"""Which of eight symbols occurs most often in a sequence?"""
import torch
from torch import nn


class Counter(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.embedding = nn.Embedding(8, width)
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(width, 8)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, tokens):
        return self.head(self.encoder(self.embedding(tokens)).mean(1))


def make(count):
    bias = torch.rand(count, 8) ** 2 + 0.05
    tokens = torch.multinomial(bias, 20, replacement=True)
    counts = nn.functional.one_hot(tokens, 8).sum(1)
    top = counts.topk(2).values
    clear = top[:, 0] > top[:, 1]
    return tokens[clear], counts[clear].argmax(1)


torch.manual_seed(0)
x, y = make(3000)
x_val, y_val = make(500)
model = Counter()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for step in range(1, 241):
    model.train()
    rows = torch.randint(len(x), (48,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        model.eval()
        with torch.no_grad():
            accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
        print(f"step {step} loss {loss.item():.4f} accuracy {accuracy:.3f}")
