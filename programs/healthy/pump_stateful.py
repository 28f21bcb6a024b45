"""Forecast the pressure of a pumping station 1 step ahead; the LSTM keeps its state through the record (truncated BPTT)."""
import numpy as np
import torch
import torch.nn as nn

LANES, CHUNK, EPOCHS = 8, 40, 24


def record(n=8000, seed=3):
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    demand = 0.6 * np.sin(2 * np.pi * t / 144) + 0.3 * np.sin(2 * np.pi * t / 1008 + 1)
    on = np.zeros(n)
    level, pressure = 0.5, np.zeros(n)
    state = 0
    for k in range(1, n):
        if level < 0.25:
            state = 1
        elif level > 0.8:
            state = 0
        on[k] = state
        level += 0.02 * state - 0.008 * (1 + demand[k]) + rng.normal(0, 0.0015)
        pressure[k] = 0.8 * pressure[k - 1] + 0.2 * (2 * level + 0.7 * state - 0.3 * demand[k]) + rng.normal(0, 0.02)
    return np.stack([pressure, demand + rng.normal(0, 0.05, n)], 1).astype(np.float32)


class Forecaster(nn.Module):
    def __init__(self, n_in=2, hidden=32):
        super().__init__()
        self.rnn = nn.LSTM(n_in, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x, state=None):
        h, state = self.rnn(x, state)
        return x[..., 0] + self.out(h).squeeze(-1), state     # predicts the change


def lanes(series, n_lanes):
    """Cut the record into n_lanes long strips that are read side by side, in order."""
    length = len(series) // n_lanes
    return torch.from_numpy(series[:length * n_lanes].reshape(n_lanes, length, -1))


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    series = record()
    cut = 6400
    mu, sd = series[:cut].mean(0), series[:cut].std(0)
    series = (series - mu) / sd
    train = lanes(series[:cut], LANES)
    val = torch.from_numpy(series[cut:])[None]

    model = Forecaster()
    opt = torch.optim.Adam(model.parameters(), lr=8e-3)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, 0.85)
    naive = (val[0, 1:, 0] - val[0, :-1, 0]).pow(2).mean().item()
    for epoch in range(EPOCHS):
        model.train()
        state, losses = None, []
        for s in range(0, train.size(1) - 1, CHUNK):
            x = train[:, s:s + CHUNK]
            y = train[:, s + 1:s + CHUNK + 1, 0]
            x = x[:, :y.size(1)]
            if state is not None:
                state = tuple(h.detach() for h in state)
            pred, state = model(x, state)
            loss = nn.functional.mse_loss(pred, y)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            losses.append(loss.item())
        sched.step()
        model.eval()
        with torch.no_grad():
            pred, _ = model(val[:, :-1])
            mse = nn.functional.mse_loss(pred, val[:, 1:, 0]).item()
        print(f"epoch {epoch + 1:2d} train mse {np.mean(losses):.5f} val mse {mse:.5f} (last value: {naive:.5f})")


if __name__ == "__main__":
    main()
