import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
x, y = load_digits(return_X_y=True)
x = torch.tensor(x, dtype=torch.float32) / 16
seen, unseen = np.arange(1200), np.arange(1200, len(y))


def pairs(rows, count):
    first = rng.choice(rows, count)
    second = rng.choice(rows, count)
    for number in range(0, count, 2):
        second[number] = rng.choice(rows[y[rows] == y[first[number]]])
    return torch.tensor(first), torch.tensor(second), torch.tensor(y[first] == y[second])


encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 32))
criterion = nn.CosineEmbeddingLoss(margin=0.2)
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
first, second, same = pairs(seen, 4000)
a, b, equal = pairs(unseen, 2000)
for epoch in range(15):
    encoder.train()
    total = 0.0
    for index in torch.randperm(len(first)).split(100):
        loss = criterion(encoder(x[first[index]]), encoder(x[second[index]]), 2 * same[index].float() - 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    encoder.eval()
    with torch.no_grad():
        similarity = torch.cosine_similarity(encoder(x[a]), encoder(x[b]))
    accuracy = max(((similarity > cut) == equal).float().mean().item() for cut in torch.linspace(-1, 1, 201))
    print(f"epoch {epoch}: loss {total / 40:.4f}, pairs told apart {accuracy:.4f}")
