"""Forecast a noisy seasonal series with an LSTM and a small dense head."""
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(1)
t = np.arange(1000)
series = np.sin(t / 4) * np.cos(t / 31) + 0.1 * rng.standard_normal(1000)
series = (series - series[:750].mean()) / series[:750].std()
windows = torch.tensor(np.lib.stride_tricks.sliding_window_view(series, 25).copy(), dtype=torch.float32)
x, y = windows[:, :-1].unsqueeze(-1), windows[:, -1]
x_train, y_train, x_val, y_val = x[:725], y[:725], x[750:], y[750:]


class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 6, batch_first=True)
        self.head = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, window):
        states, _ = self.lstm(window)
        last = states[:, -1]
        return self.head(last).squeeze(-1)


model = Forecast()
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

for epoch in range(1, 19):
    batch_losses = []
    for idx in torch.randperm(len(x_train)).split(48):
        optimizer.zero_grad()
        loss = loss_fn(model(x_train[idx]), y_train[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        batch_losses.append(loss.item())
    with torch.no_grad():
        rmse = loss_fn(model(x_val), y_val).sqrt().item()
    if epoch % 3 == 0:
        print(f"epoch {epoch}: train mse {np.mean(batch_losses):.4f}, val rmse {rmse:.4f}")
