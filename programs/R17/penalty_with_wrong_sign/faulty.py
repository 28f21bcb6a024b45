"""Ridge regression by gradient descent: fifty patients, ten measurements and all their products."""
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from torch import nn

torch.manual_seed(0)
x, y = load_diabetes(return_X_y=True)
order = torch.randperm(len(x))
train, val = order[:90], order[90:]
x = PolynomialFeatures(2, include_bias=False).fit_transform(x)
x = StandardScaler().fit(x[train]).transform(x)
y = (y - y[train].mean()) / y[train].std()
x, y = torch.tensor(x).float(), torch.tensor(y).float().unsqueeze(1)

model = nn.Linear(x.shape[1], 1)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
l2 = 0.3

for epoch in range(100):
    for rows in train[torch.randperm(len(train))].split(30):
        error = nn.functional.mse_loss(model(x[rows]), y[rows])
        penalty = sum(p.pow(2).sum() for p in model.parameters())
        loss = error - l2 * penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 20 == 19:
        with torch.no_grad():
            r2 = 1 - nn.functional.mse_loss(model(x[val]), y[val]) / y[val].var()
        print(f"epoch {epoch}: error {error:.3f} penalty {penalty:.3f} validation R2 {r2:.3f}")
