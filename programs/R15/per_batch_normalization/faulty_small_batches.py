import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(1)
X, t = make_friedman1(n_samples=800, n_features=5, noise=0.5, random_state=1)
X, t = torch.tensor(X).float(), torch.tensor(t).float().unsqueeze(1)
t = (t - t[:600].mean()) / t[:600].std()


def normalize(x):
    return (x - x.mean(0)) / x.std(0)


model = nn.Sequential(nn.Linear(5, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
batch_size = 8
for epoch in range(8):
    for rows in torch.randperm(600).split(batch_size):
        loss = nn.functional.mse_loss(model(normalize(X[rows])), t[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        losses = [nn.functional.mse_loss(model(normalize(X[i : i + batch_size])), t[i : i + batch_size])
                  for i in range(600, 800, batch_size)]
    print(f"epoch {epoch}: train {loss.item():.3f} val mse {torch.stack(losses).mean().item():.3f}")
