import torch
from sklearn.datasets import make_regression
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
x, y = make_regression(n_samples=900, n_features=12, n_informative=9, noise=2.0, random_state=4)
x = torch.tensor(x, dtype=torch.float32)
y = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
test_x, test_y, x, y = x[700:], y[700:], x[:700], y[:700]
order = y.argsort()
train_loader = DataLoader(TensorDataset(x[order], y[order]), batch_size=20, shuffle=True)

model = nn.Sequential(nn.Linear(12, 40), nn.ReLU(), nn.Linear(40, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)


def negative_log_likelihood(mean, target):
    log_density = -0.5 * (target - mean) ** 2 - 0.919
    return -log_density.mean()


for epoch in range(6):
    for inputs, target in train_loader:
        optimizer.zero_grad()
        loss = negative_log_likelihood(model(inputs), target)
        loss.backward()
        optimizer.step()
with torch.no_grad():
    error = (model(test_x) - test_y).pow(2).mean().clamp(max=1e6)
print(f"test mse {error:.4f}")
