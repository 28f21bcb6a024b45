import numpy as np
import torch
from sklearn.preprocessing import MinMaxScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

WINDOW = 24


def river(n=2400, seed=0):
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    rain = np.convolve(rng.gamma(0.3, 2.0, n), np.exp(-np.arange(30) / 8), "same")
    level = 3 + 1.5 * np.sin(2 * np.pi * t / 60) + 0.25 * rain + rng.normal(0, 0.1, n)
    storm = np.zeros(n)
    storm[1750:1800] = 9 * np.hanning(50)
    storm[300:350] = 12 * np.hanning(50)
    return np.stack([level + storm, rain], axis=1)


def windows(values, scaler_y=0):
    x = np.stack([values[i:i + WINDOW] for i in range(len(values) - WINDOW)])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(values[WINDOW:, scaler_y], dtype=torch.float32)


class LevelLSTM(nn.Module):
    def __init__(self, n_features=2, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(n_features, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1]).squeeze(-1)


def metres(scaler, v):
    return v * scaler.data_range_[0] + scaler.data_min_[0]


def main():
    torch.manual_seed(0)
    frame = river()
    train, valid, test = frame[:1600], frame[1600:1900], frame[1900:]
    scaler = MinMaxScaler()
    x_tr, y_tr = windows(scaler.fit_transform(train))
    x_va, y_va = windows(scaler.transform(valid))
    x_te, y_te = windows(scaler.transform(test))
    loader = DataLoader(TensorDataset(x_tr, y_tr), batch_size=32, shuffle=True)
    net = LevelLSTM()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    best, state = float("inf"), None
    for epoch in range(15):
        net.train()
        s = 0.0
        for x, y in loader:
            loss = nn.functional.mse_loss(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            s += loss.item() * len(y)
        net.eval()
        with torch.no_grad():
            val = nn.functional.mse_loss(net(x_va), y_va).item()
        if val < best:
            best, state = val, {k: v.clone() for k, v in net.state_dict().items()}
        print(f"epoch {epoch} train_mse {s / len(y_tr):.5f} valid_mse {val:.5f}")
    net.load_state_dict(state)
    with torch.no_grad():
        pred = metres(scaler, net(x_te).numpy())
    truth = test[WINDOW:, 0]
    rmse = np.sqrt(((pred - truth) ** 2).mean())
    print(f"test rmse {rmse:.3f} m (std of the level {truth.std():.3f} m)")


if __name__ == "__main__":
    main()
