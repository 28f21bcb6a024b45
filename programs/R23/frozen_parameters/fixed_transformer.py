"""Sequence classification: does the first symbol occur again?"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

n, length, symbols = 2400, 8, 8
tokens = torch.randint(symbols, (n, length))
labels = (tokens[:, 1:] == tokens[:, :1]).any(dim=1).long()
train_loader = DataLoader(TensorDataset(tokens[:2000], labels[:2000]), batch_size=50, shuffle=True)
val_tokens, val_labels = tokens[2000:], labels[2000:]


class Encoder(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.tokens = nn.Embedding(symbols, width)
        self.positions = nn.Parameter(0.1 * torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.classifier = nn.Linear(width, 2)

    def forward(self, x):
        h = self.layers(self.tokens(x) + self.positions)
        return self.classifier(h[:, 0])


model = Encoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
criterion = nn.CrossEntropyLoss()

for epoch in range(8):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(val_tokens)
        val_loss = criterion(logits, val_labels).item()
        accuracy = (logits.argmax(1) == val_labels).float().mean().item()
    print(f"epoch {epoch} train {loss.item():.3f} val {val_loss:.3f} accuracy {accuracy:.3f}")
