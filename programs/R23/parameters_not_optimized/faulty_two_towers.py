"""Two towers for recommendations: users and items meet in one space, the rest of the batch are the negatives."""
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(19)
USERS, ITEMS, TASTES = 400, 120, 6


def visits(count):
    users, items = torch.randint(USERS, (count,)), torch.zeros(count, dtype=torch.long)
    taste_of_user = torch.randn(USERS, TASTES, generator=torch.Generator().manual_seed(1))
    taste_of_item = torch.randn(ITEMS, TASTES, generator=torch.Generator().manual_seed(2))
    chances = (1.6 * taste_of_user @ taste_of_item.T).softmax(1)
    items = torch.multinomial(chances[users], 1)[:, 0]
    return users, items


class Tower(nn.Module):
    def __init__(self, entries, dim=16):
        super().__init__()
        self.embedding = nn.Embedding(entries, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, dim))

    def forward(self, ids):
        return F.normalize(self.embedding(ids) + self.mlp(self.embedding(ids)), dim=-1)


user_tower, item_tower = Tower(USERS), Tower(ITEMS)
parameters = list(user_tower.parameters()) + list(user_tower.parameters())
optimizer = torch.optim.Adam(parameters, lr=1e-2)
users, items = visits(10000)
test_users, test_items = visits(1000)
for epoch in range(8):
    for rows in torch.randperm(len(users)).split(128):
        queries, candidates = user_tower(users[rows]), item_tower(items[rows])
        logits = queries @ candidates.T / 0.1
        same = items[rows][:, None] == items[rows][None, :]
        logits = logits.masked_fill(same & ~torch.eye(len(rows), dtype=torch.bool), -1e4)
        loss = F.cross_entropy(logits, torch.arange(len(rows)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        scores = user_tower(test_users) @ item_tower(torch.arange(ITEMS)).T
        rank = (scores > scores.gather(1, test_items[:, None])).sum(1)
    print(f"epoch {epoch} loss {loss.item():.4f} recall at 10 {(rank < 10).float().mean().item():.4f}")
