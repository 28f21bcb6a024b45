"""The next value of sine waves with noise: a recurrent network whose mean squared error is averaged over the batch twice."""

import torch
from torch import nn

torch.manual_seed(3)
steps = torch.arange(41) * 0.3
waves = torch.sin(steps * (0.5 + torch.rand(640, 1)) + 6 * torch.rand(640, 1)) + 0.05 * torch.randn(640, 41)
train, test = waves[:512, :, None], waves[512:, :, None]


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 24, batch_first=True)
        self.head = nn.Linear(24, 1)

    def forward(self, past):
        states, _ = self.lstm(past)
        return self.head(states)


def batch_loss(model, batch):
    error = nn.functional.mse_loss(model(batch[:, :-1]), batch[:, 1:])
    return error / batch.shape[0]


model = Forecast()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(10):
    for batch in train[torch.randperm(len(train))].split(32):
        loss = batch_loss(model, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = nn.functional.mse_loss(model(test[:, :-1]), test[:, 1:])
    print(f"epoch {epoch}: loss {loss.item():.5f} test R2 {1 - error / test[:, 1:].var():.4f}")
