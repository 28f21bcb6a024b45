"""Card histories: each history is a sequence of transactions, each transaction a few categorical fields.

The encoder follows the hierarchical layout: the fields of a transaction are embedded and summed to one vector per
transaction, and a transformer reads the sequence of transactions. A history is marked when the merchant of its last
transaction has been visited before.
"""
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


@dataclass
class Settings:
    transactions: int = 6
    merchants: int = 9
    amounts: int = 6
    hours: int = 8
    width: int = 32
    heads: int = 2
    layers: int = 1
    batch_size: int = 100
    epochs: int = 6
    lr: float = 6e-3


def make_histories(settings, count, generator):
    merchants = torch.randint(settings.merchants, (count, settings.transactions), generator=generator)
    amounts = torch.randint(settings.amounts, (count, settings.transactions), generator=generator)
    hours = torch.randint(settings.hours, (count, settings.transactions), generator=generator)
    known = torch.rand(count, generator=generator) < 0.3
    where = torch.randint(settings.transactions - 1, (count,), generator=generator)
    rows = torch.arange(count)
    merchants[rows[known], where[known]] = merchants[rows[known], -1]
    label = (merchants[:, :-1] == merchants[:, -1:]).any(1)
    return torch.stack([merchants, amounts, hours], dim=-1), label.long()


class FieldEmbedding(nn.Module):
    def __init__(self, settings):
        super().__init__()
        sizes = (settings.merchants, settings.amounts, settings.hours)
        self.fields = nn.ModuleList([nn.Embedding(size, settings.width) for size in sizes])
        self.position = nn.Parameter(0.1 * torch.randn(settings.transactions, settings.width))

    def forward(self, histories):
        embedded = sum(field(histories[..., number]) for number, field in enumerate(self.fields))
        return embedded + self.position


class HistoryClassifier(nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.embedding = FieldEmbedding(settings)
        layer = nn.TransformerEncoderLayer(
            d_model=settings.width, nhead=settings.heads, dim_feedforward=2 * settings.width, dropout=0.0
        )
        self.encoder = nn.TransformerEncoder(layer, settings.layers, enable_nested_tensor=False)
        self.head = nn.Linear(settings.width, 2)

    def forward(self, histories):
        rows = self.embedding(histories)
        rows = self.encoder(rows.transpose(0, 1)).transpose(0, 1)
        return self.head(rows[:, -1])


def evaluate(model, loader):
    model.eval()
    hits = total = 0
    with torch.no_grad():
        for histories, labels in loader:
            hits += (model(histories).argmax(1) == labels).sum().item()
            total += len(labels)
    return hits / total


def main():
    settings = Settings()
    torch.manual_seed(3)
    generator = torch.Generator().manual_seed(3)
    data = TensorDataset(*make_histories(settings, 7600, generator))
    train, valid = random_split(data, [7000, 600], generator=generator)
    train_loader = DataLoader(train, batch_size=settings.batch_size, shuffle=True)
    valid_loader = DataLoader(valid, batch_size=200)
    model = HistoryClassifier(settings)
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.lr, weight_decay=1e-3)
    for epoch in range(settings.epochs):
        model.train()
        running = 0.0
        for histories, labels in train_loader:
            loss = nn.functional.cross_entropy(model(histories), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            running += loss.item()
        accuracy = evaluate(model, valid_loader)
        print(f"epoch {epoch}: train loss {running / len(train_loader):.4f} valid accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
