"""What would a reader think of a book? Factors of readers and books, and a penalty on the readers' factors."""
import torch
from torch import nn

torch.manual_seed(27)
READERS, BOOKS, TASTES = 150, 100, 3
taste, topic = torch.randn(READERS, TASTES), torch.randn(BOOKS, TASTES)
reader, book = torch.randint(READERS, (6000,)), torch.randint(BOOKS, (6000,))
mark = (taste[reader] * topic[book]).sum(1) / TASTES**0.5 + 0.3 * torch.randn(6000)
train, test = slice(0, 4500), slice(4500, None)


class Factors(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.readers, self.books = nn.Embedding(READERS, width), nn.Embedding(BOOKS, width)
        self.bias = nn.Parameter(torch.zeros(1))
        for table in (self.readers, self.books):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, reader, book):
        return (self.readers(reader) * self.books(book)).sum(1) + self.bias


model = Factors()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(12):
    for rows in torch.randperm(4500).split(100):
        loss = nn.functional.mse_loss(model(reader[train][rows], book[train][rows]), mark[train][rows])
        loss = loss + 1e-3 * model.readers.weight.square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        left = (model(reader[test], book[test]) - mark[test]).square().mean() / mark[test].var()
    print(f"epoch {epoch}: loss {loss.item():.3f} test R2 {1 - left:.4f}")
