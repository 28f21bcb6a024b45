import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(2)


def prepare(table, mean, std):
    return (torch.tensor(table).float() - mean) / std


table, target = make_friedman1(n_samples=800, n_features=5, noise=0.5, random_state=2)
raw = torch.tensor(table).float()
mean, std = raw[:600].mean(0), raw[:600].std(0)
t = torch.tensor(target).float().unsqueeze(1)
t = (t - t[:600].mean()) / t[:600].std()
x_train = prepare(table[:600], mean, std)
x_val = prepare(table[600:], 0.0, 1.0)

model = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(12):
    for rows in torch.randperm(600).split(30):
        loss = nn.functional.mse_loss(model(x_train[rows]), t[:600][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(x_val), t[600:]).item()
    print(f"epoch {epoch}: train mse {loss.item():.3f}, val mse {val:.3f}")
