"""Monte Carlo dropout: predictions are the mean of many passes with dropout on, their spread is the uncertainty."""
import torch
from sklearn.datasets import make_friedman1
from torch import nn


class Bayesian(nn.Module):
    def __init__(self, p=0.05):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(7, 128), nn.ReLU(), nn.Dropout(p), nn.Linear(128, 128), nn.ReLU(), nn.Dropout(p), nn.Linear(128, 1)
        )

    def forward(self, x):
        return self.layers(x).squeeze(-1)

    @torch.no_grad()
    def predict(self, x, passes=40):
        self.eval()
        for layer in self.modules():
            if isinstance(layer, nn.Dropout):
                layer.train()
        draws = torch.stack([self(x) for _ in range(passes)])
        return draws.mean(0), draws.std(0)


torch.manual_seed(0)
x, y = make_friedman1(1000, 7, noise=0.7, random_state=0)
x, y = torch.tensor(x, dtype=torch.float32) * 3.46 - 1.73, torch.tensor(y, dtype=torch.float32)
y = (y - y[:800].mean()) / y[:800].std()
model = Bayesian()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-5)
for epoch in range(30):
    model.train()
    for rows in torch.randperm(800).split(40):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 6 == 5:
        mean, spread = model.predict(x[800:])
        error = (mean - y[800:]).square()
        print(f"epoch {epoch + 1} loss {loss.item():.4f} spread {spread.mean().item():.3f} R2 {1 - (error.mean() / y[800:].var()).item():.4f}")
