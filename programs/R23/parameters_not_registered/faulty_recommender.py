"""Matrix factorization: complete a grey photograph from a third of its pixels."""
import torch
from skimage.data import clock
from torch import nn

torch.manual_seed(0)

photo = torch.tensor(clock()[:256, :384], dtype=torch.float32).view(64, 4, 64, 6).mean(dim=(1, 3))
cells = torch.cartesian_prod(torch.arange(64), torch.arange(64))
known = torch.randperm(len(cells))[:2400]
train, val = known[:2000], known[2000:]
ratings = photo[cells[:, 0], cells[:, 1]]
ratings = (ratings - ratings[train].mean()) / ratings[train].std()


class Factorization(nn.Module):
    def __init__(self, rows, columns, rank=2):
        super().__init__()
        self.row_factors = 0.3 * torch.randn(rows, rank)
        self.column_factors = nn.Parameter(0.3 * torch.randn(columns, rank))
        self.row_bias = torch.zeros(rows)
        self.column_bias = nn.Parameter(torch.zeros(columns))

    def forward(self, row, column):
        interaction = (self.row_factors[row] * self.column_factors[column]).sum(-1)
        return interaction + self.row_bias[row] + self.column_bias[column]


model = Factorization(64, 64)
optimizer = torch.optim.Adam(model.parameters(), lr=0.03)

for epoch in range(12):
    epoch_loss = 0.0
    for batch in train[torch.randperm(len(train))].split(100):
        row, column = cells[batch].T
        loss = nn.functional.mse_loss(model(row, column), ratings[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() / 20
    with torch.no_grad():
        row, column = cells[val].T
        rmse = nn.functional.mse_loss(model(row, column), ratings[val]).sqrt().item()
    print(f"epoch {epoch:2d}: train mse {epoch_loss:.3f}, val rmse {rmse:.3f}")
