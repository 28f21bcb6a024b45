"""Implicit-feedback recommender: embeddings, a cross and a deep part, sampled negatives drawn anew every epoch, AUC and hit rate."""
import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
rng = np.random.default_rng(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
USERS, ITEMS, GROUPS = 400, 300, 6
taste = rng.dirichlet(np.full(GROUPS, 0.3), USERS)
group = rng.integers(GROUPS, size=ITEMS)
popularity = rng.zipf(1.6, ITEMS).clip(max=50) ** 0.5
clicks = [rng.choice(ITEMS, 25, replace=False, p=(w := (taste[u][group] + 0.01) * popularity) / w.sum()) for u in range(USERS)]
seen = [set(items) for items in clicks]
train_pairs = np.array([(u, i) for u, items in enumerate(clicks) for i in items[:-2]])
test_pairs = np.array([(u, i) for u, items in enumerate(clicks) for i in items[-2:]])


class Interactions(Dataset):
    def __init__(self, pairs, negatives=3):
        self.pairs, self.negatives = pairs, negatives
        self.resample()

    def resample(self):
        users = np.repeat(self.pairs[:, 0], self.negatives)
        items = rng.integers(ITEMS, size=len(users))
        for k in np.flatnonzero([i in seen[u] for u, i in zip(users, items)]):
            while items[k] in seen[users[k]]:
                items[k] = rng.integers(ITEMS)
        self.users = torch.from_numpy(np.concatenate([self.pairs[:, 0], users]))
        self.items = torch.from_numpy(np.concatenate([self.pairs[:, 1], items]))
        self.labels = torch.cat([torch.ones(len(self.pairs)), torch.zeros(len(users))])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, k):
        return self.users[k], self.items[k], self.labels[k]


class DeepCross(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.user, self.item = nn.Embedding(USERS, dim), nn.Embedding(ITEMS, dim)
        self.item_bias = nn.Embedding(ITEMS, 1)
        self.deep = nn.Sequential(nn.Linear(2 * dim, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))
        nn.init.normal_(self.user.weight, std=0.1)
        nn.init.normal_(self.item.weight, std=0.1)
        nn.init.zeros_(self.item_bias.weight)

    def forward(self, users, items):
        u, i = self.user(users), self.item(items)
        return (u * i).sum(1) + self.item_bias(items).squeeze(1) + self.deep(torch.cat([u, i], 1)).squeeze(1)


train, test = Interactions(train_pairs), Interactions(test_pairs, negatives=20)
model = DeepCross().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-5)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(10):
    train.resample()
    model.train()
    total, count = 0.0, 0
    for users, items, labels in DataLoader(train, batch_size=256, shuffle=True):
        loss = criterion(model(users.to(device), items.to(device)), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total, count = total + loss.item() * len(labels), count + len(labels)
    model.eval()
    with torch.no_grad():
        scores = model(test.users.to(device), test.items.to(device)).cpu()
    print(f"epoch {epoch + 1}: loss {total / count:.4f} test AUC {roc_auc_score(test.labels, scores):.4f}")
