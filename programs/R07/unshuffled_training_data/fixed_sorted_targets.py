"""House-price style regression; the table is sorted by price."""
import torch
from sklearn.datasets import make_friedman1
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
X, t = make_friedman1(n_samples=1000, n_features=5, noise=0.5, random_state=2)
X, t = torch.tensor(X).float(), torch.tensor(t).float().unsqueeze(1)
X_train, t_train, X_val, t_val = X[:800], t[:800], X[800:], t[800:]
by_price = t_train.squeeze(1).argsort()
X_train, t_train = X_train[by_price], t_train[by_price]
x_mean, x_std, t_mean, t_std = X_train.mean(0), X_train.std(0), t_train.mean(), t_train.std()
train_set = TensorDataset((X_train - x_mean) / x_std, (t_train - t_mean) / t_std)
X_val, t_val = (X_val - x_mean) / x_std, (t_val - t_mean) / t_std

train_loader = DataLoader(train_set, batch_size=20, shuffle=True, drop_last=True)
model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=6, gamma=0.5)
for epoch in range(12):
    model.train()
    for x, target in train_loader:
        loss = nn.functional.mse_loss(model(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(X_val), t_val).item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val mse {val:.3f}")
