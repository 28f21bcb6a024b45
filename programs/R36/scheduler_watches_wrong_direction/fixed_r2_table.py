import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from torch import nn
from torch.nn import functional as F

torch.manual_seed(4)
table, progression = load_diabetes(return_X_y=True, scaled=False)
order = np.random.default_rng(4).permutation(len(table))
table, progression = table[order], progression[order]
train, val = slice(0, 330), slice(330, None)
scale = progression[train].std()
x = torch.tensor((table - table[train].mean(0)) / table[train].std(0), dtype=torch.float32)
y = torch.tensor((progression - progression[train].mean()) / scale, dtype=torch.float32)


class Regressor(nn.Module):
    def __init__(self, features, width=48):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, width), nn.Tanh(), nn.Dropout(0.1))
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(self.body(x)).squeeze(1)


def fit(model, epochs=60):
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4, weight_decay=1e-2)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", factor=0.5, patience=3, threshold=1e-3)
    for epoch in range(epochs):
        model.train()
        for rows in torch.randperm(330).split(22):
            loss = F.mse_loss(model(x[train][rows]), y[train][rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            predicted = model(x[val])
            error = F.l1_loss(predicted, y[val]) * scale
        score = r2_score(y[val].numpy(), predicted.numpy())
        plateau.step(score)
        if epoch % 12 == 11:
            rate = optimizer.param_groups[0]["lr"]
            print(f"{epoch + 1:3d}: lr {rate:.1e}, train mse {loss.item():.3f}, mean error {error:.1f}, R2 {score:.3f}")


fit(Regressor(x.shape[1]))
