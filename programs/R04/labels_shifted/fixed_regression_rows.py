"""Predict a power plant's output from its readings (a simulated table)."""
import torch
from sklearn.datasets import make_friedman2
from torch import nn

torch.manual_seed(5)
readings, output = make_friedman2(n_samples=900, noise=20.0, random_state=5)
readings, output = torch.tensor(readings).float(), torch.tensor(output).float()

# drop the warm-up row
readings = readings[1:]
output = output[1:]

train, val = torch.arange(0, 650), torch.arange(650, len(readings))
readings = (readings - readings[train].mean(0)) / readings[train].std(0)
output = (output - output[train].mean()) / output[train].std()


class Plant(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.inner = nn.Linear(4, width)
        self.outer = nn.Linear(width, 1)

    def forward(self, x):
        return self.outer(torch.relu(self.inner(x))).squeeze(1)


model = Plant()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
for epoch in range(15):
    for rows in train[torch.randperm(len(train))].split(25):
        loss = nn.functional.mse_loss(model(readings[rows]), output[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(readings[val]), output[val]).item()
    print(f"epoch {epoch}: train mse {loss.item():.3f}, val mse {error:.3f}")
