# %% [markdown]
# Implicit feedback: two towers, one for users and one for items
# %%
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(42)
N_USERS, N_ITEMS, DIM = 200, 120, 16

# %% synthetic interactions: users and items live in four tastes
user_taste, item_taste = torch.randn(N_USERS, 4), torch.randn(N_ITEMS, 4)
affinity = user_taste @ item_taste.T
like = affinity + 0.5 * torch.randn_like(affinity) > 1.2
positives = like.nonzero()
positives = positives[torch.randperm(len(positives))]
n_test = len(positives) // 5
test, train = positives[:n_test], positives[n_test:]
print(len(train), "training interactions,", len(test), "for the test")


# %%
class TwoTower(nn.Module):
    def __init__(self, n_users, n_items, dim):
        super().__init__()
        self.user = nn.Sequential(nn.Embedding(n_users, dim), nn.Linear(dim, dim))
        self.item = nn.Sequential(nn.Embedding(n_items, dim), nn.Linear(dim, dim))

    def forward(self, u, i):
        return (self.user(u) * self.item(i)).sum(-1)


model = TwoTower(N_USERS, N_ITEMS, DIM)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

# %% a deeper tower does better for both sides
for name in ("user", "item"):
    count = N_USERS if name == "user" else N_ITEMS
    setattr(model, name, nn.Sequential(nn.Embedding(count, DIM), nn.Linear(DIM, 32), nn.ReLU(), nn.Linear(32, DIM)))
optimizer.param_groups[0]["params"] = list(model.user.parameters())


# %% bayesian personalized ranking
def epoch(batch_size=256):
    total = 0.0
    for rows in torch.randperm(len(train)).split(batch_size):
        u, i = train[rows].T
        j = torch.randint(N_ITEMS, (len(rows),))
        loss = -F.logsigmoid(model(u, i) - model(u, j)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(train)


for e in range(10):
    print("epoch", e, "bpr", round(epoch(), 4))

# %%
with torch.no_grad():
    u, i = test.T
    j = torch.randint(N_ITEMS, (len(test),))
    auc = (model(u, i) > model(u, j)).float().mean()
print(f"test auc {auc:.3f}")
