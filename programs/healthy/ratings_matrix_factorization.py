"""Two embeddings and their dot product; simulated ratings of 80 users for 60 films."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
users, films, rank = 80, 60, 3
taste, style = torch.randn(users, rank), torch.randn(films, rank)
rating = taste @ style.T / rank**0.5 + 0.3 * torch.randn(users, films)
pairs = torch.cartesian_prod(torch.arange(users), torch.arange(films))[torch.randperm(users * films)]
values = rating[pairs[:, 0], pairs[:, 1]]
train, val = slice(0, 3800), slice(3800, 4800)
values = (values - values[train].mean()) / values[train].std()


class Factorization(nn.Module):
    def __init__(self, dim=4):
        super().__init__()
        self.user = nn.Embedding(users, dim)
        self.film = nn.Embedding(films, dim)
        for table in (self.user, self.film):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, pair):
        return (self.user(pair[:, 0]) * self.film(pair[:, 1])).sum(1)


loader = DataLoader(TensorDataset(pairs[train], values[train]), batch_size=100, shuffle=True)
model = Factorization()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-2, weight_decay=1e-5)
for epoch in range(8):
    model.train()
    total = 0.0
    for pair, value in loader:
        loss = nn.functional.mse_loss(model(pair), value)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / len(loader)
    model.eval()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(pairs[val]), values[val]).item()
    print(f"epoch {epoch}: train mse {total:.3f} val mse {error:.3f}")
