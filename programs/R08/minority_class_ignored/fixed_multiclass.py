import numpy as np
import torch
from sklearn.datasets import make_classification
from sklearn.metrics import recall_score
from torch import nn

torch.manual_seed(2)
rng = np.random.default_rng(2)
X, y = make_classification(6000, n_features=12, n_informative=6, n_classes=3, n_clusters_per_class=1,
                           class_sep=0.8, flip_y=0, random_state=2)
keep = np.concatenate([np.where(y == 0)[0][:700], np.where(y == 1)[0][:700], np.where(y == 2)[0][:40]])
keep = rng.permutation(keep)
rest = np.concatenate([np.where(y == 0)[0][700:1400], np.where(y == 1)[0][700:1400], np.where(y == 2)[0][700:740]])
mean, std = X[keep].mean(0), X[keep].std(0)
X = torch.tensor((X - mean) / std, dtype=torch.float32)
y = torch.tensor(y)

model = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-3)
weights = torch.tensor([1.0, 1.0, 17.5])
for epoch in range(10):
    for rows in torch.tensor(rng.permutation(keep)).split(36):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(X[rows]), y[rows], weight=weights)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        recalls = recall_score(y[rest], model(X[rest]).argmax(1), average=None, labels=[0, 1, 2])
    print(f"epoch {epoch}: loss {loss.item():.3f}, recalls {recalls.round(2)}, mean recall {recalls.mean():.3f}")
