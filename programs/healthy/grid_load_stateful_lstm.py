"""
Hour-ahead electricity load with a stateful LSTM.
The training series is folded in parallel streams and read in order,
the hidden state travels from chunk to chunk (detached): truncated BPTT.
"""
import numpy as np
import torch
import torch.nn as nn

STREAMS = 16
CHUNK = 48
EPOCHS = 12


def load_curve(hours=24 * 7 * 60, seed=0):
    rng = np.random.default_rng(seed)
    h = np.arange(hours)
    day = np.sin(2 * np.pi * (h % 24 - 7) / 24) + 0.4 * np.sin(4 * np.pi * (h % 24 - 3) / 24)
    weekend = ((h // 24) % 7 >= 5).astype(float)
    slow = np.zeros(hours)
    for i in range(1, hours):
        slow[i] = 0.995 * slow[i - 1] + rng.normal(0, 0.05)
    load = 50 + 9 * day * (1 - 0.35 * weekend) - 6 * weekend + 4 * slow + rng.normal(0, 0.8, hours)
    return load.astype(np.float32)


class LoadLSTM(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x, state=None):
        h, state = self.lstm(x, state)
        # predict the change to the last hour
        return x + self.out(h), state


def detach(state):
    return tuple(s.detach() for s in state)


def main():
    torch.manual_seed(0)
    series = load_curve()
    cut = int(0.85 * len(series))
    mean, std = series[:cut].mean(), series[:cut].std()
    z = torch.tensor((series - mean) / std)

    train, test = z[:cut], z[cut:]
    length = (len(train) - 1) // STREAMS
    inputs = torch.stack([train[i * length:(i + 1) * length] for i in range(STREAMS)]).unsqueeze(-1)
    targets = torch.stack([train[i * length + 1:(i + 1) * length + 1] for i in range(STREAMS)]).unsqueeze(-1)

    model = LoadLSTM()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    loss_fn = nn.MSELoss()

    naive = ((test[1:] - test[:-1]) ** 2).mean().sqrt().item() * std
    print(f"persistence RMSE {naive:.3f}")

    for epoch in range(EPOCHS):
        model.train()
        state = None            # every epoch starts at the beginning of the streams
        losses = []
        for start in range(0, length - CHUNK + 1, CHUNK):
            x = inputs[:, start:start + CHUNK]
            y = targets[:, start:start + CHUNK]
            pred, state = model(x, state)
            state = detach(state)
            loss = loss_fn(pred, y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())

        model.eval()
        with torch.no_grad():
            # warm the state on the end of the training series
            _, state = model(train[-500:].view(1, -1, 1))
            pred, _ = model(test[:-1].view(1, -1, 1), state)
            rmse = ((pred.view(-1) - test[1:]) ** 2).mean().sqrt().item() * std
        print(f"epoch {epoch + 1:2d} train mse {np.mean(losses):.4f} test RMSE {rmse:.3f}")


if __name__ == "__main__":
    main()
