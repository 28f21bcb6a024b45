"""Forecast a signal from its last 20 values."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_mlp(sizes):
    layers = []
    for inside, outside in zip(sizes[:-1], sizes[1:]):
        linear = nn.Linear(inside, outside)
        nn.init.kaiming_uniform_(linear.weight, nonlinearity="relu")
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def main():
    torch.manual_seed(0)
    t = torch.arange(2500, dtype=torch.float32)
    signal = torch.sin(t / 7) * torch.cos(t / 31) + 0.5 * torch.sin(t / 3.3) + 0.04 * torch.randn(2500)
    signal = (signal - signal[:2000].mean()) / signal[:2000].std()
    rows = signal.unfold(0, 21, 1)
    train, val = rows[:1980], rows[2000:]
    loader = DataLoader(TensorDataset(train[:, :20], train[:, 20:]), batch_size=64, shuffle=True)

    model = make_mlp([20, 64, 64, 1])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(8):
        model.train()
        losses = []
        for x, y in loader:
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            val_loss = nn.functional.mse_loss(model(val[:, :20]), val[:, 20:])
        r2 = 1 - (val_loss / val[:, 20].var()).item()
        print(f"epoch {epoch} train {sum(losses) / len(losses):.4f} val {val_loss.item():.4f} R2 {r2:.4f}")


if __name__ == "__main__":
    main()
