"""Attentional factorization machine: does a person like a film, from a handful of categorical fields?"""
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score
from torch.utils.data import DataLoader, TensorDataset, random_split

FIELDS = np.array([16, 24, 7, 12, 5])


class FeaturesLinear(torch.nn.Module):
    def __init__(self, field_dims):
        super().__init__()
        self.fc = torch.nn.Embedding(sum(field_dims), 1)
        self.bias = torch.nn.Parameter(torch.zeros((1,)))

    def forward(self, x):
        return self.fc(x).sum(dim=1) + self.bias


class AttentionalFactorizationMachine(torch.nn.Module):
    def __init__(self, embed_dim, attn_size, dropouts):
        super().__init__()
        self.attention = torch.nn.Linear(embed_dim, attn_size)
        self.projection = torch.nn.Linear(attn_size, 1)
        self.fc = torch.nn.Linear(embed_dim, 1)
        self.dropouts = dropouts

    def forward(self, x):
        pairs = torch.combinations(torch.arange(x.shape[1]))
        inner_product = x[:, pairs[:, 0]] * x[:, pairs[:, 1]]
        attn_scores = F.relu(self.attention(inner_product))
        attn_scores = F.softmax(self.projection(attn_scores), dim=1)
        attn_scores = F.dropout(attn_scores, p=self.dropouts[0])
        attn_output = torch.sum(attn_scores * inner_product, dim=1)
        attn_output = F.dropout(attn_output, p=self.dropouts[1])
        return self.fc(attn_output)


class AttentionalFactorizationMachineModel(torch.nn.Module):
    def __init__(self, field_dims, embed_dim=16, attn_size=16, dropouts=(0.3, 0.3)):
        super().__init__()
        self.register_buffer("offsets", torch.tensor(np.concatenate([[0], np.cumsum(field_dims)[:-1]])))
        self.embedding = torch.nn.Embedding(sum(field_dims), embed_dim)
        torch.nn.init.xavier_uniform_(self.embedding.weight)
        self.linear = FeaturesLinear(field_dims)
        self.afm = AttentionalFactorizationMachine(embed_dim, attn_size, dropouts)

    def forward(self, x):
        x = x + self.offsets
        return (self.linear(x) + self.afm(self.embedding(x))).squeeze(1)


def make_dataset(count, seed):
    rng = np.random.default_rng(seed)
    x = np.stack([rng.integers(0, size, count) for size in FIELDS], axis=1)
    taste = [rng.normal(size=(size, 3)) for size in FIELDS]
    score = 2.5 * np.sum(taste[0][x[:, 0]] * taste[1][x[:, 1]], axis=1)
    score += 2.0 * np.sum(taste[2][x[:, 2]] * taste[3][x[:, 3]], axis=1)
    likes = score + rng.logistic(size=count) > 0
    return TensorDataset(torch.tensor(x), torch.tensor(likes, dtype=torch.float32))


def train(model, optimizer, data_loader, criterion):
    model.train()
    total_loss = 0.0
    for fields, target in data_loader:
        y = model(fields)
        loss = criterion(y, target)
        model.zero_grad()
        loss.backward()
        optimizer.step()
        total_loss += loss.item()
    return total_loss / len(data_loader)


def test(model, data_loader):
    model.eval()
    targets, predicts = [], []
    with torch.no_grad():
        for fields, target in data_loader:
            predicts += torch.sigmoid(model(fields)).tolist()
            targets += target.tolist()
    return roc_auc_score(targets, predicts)


def main():
    torch.manual_seed(42)
    train_set, valid_set = random_split(make_dataset(6000, 42), [5000, 1000])
    model = AttentionalFactorizationMachineModel(FIELDS)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-6)
    loader = DataLoader(train_set, batch_size=100, shuffle=True)
    valid_loader = DataLoader(valid_set, batch_size=250)
    for epoch in range(14):
        loss = train(model, optimizer, loader, torch.nn.BCEWithLogitsLoss())
        print(f"epoch: {epoch} loss: {loss:.4f} validation: auc: {test(model, valid_loader):.4f}")


if __name__ == "__main__":
    main()
