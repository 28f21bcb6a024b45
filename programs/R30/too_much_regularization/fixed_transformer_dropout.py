"""Forecast with a small transformer over the last sixteen values."""
import argparse

import torch
from torch import nn


class Forecast(nn.Module):
    def __init__(self, width, dropout):
        super().__init__()
        self.embed = nn.Linear(1, width)
        self.position = nn.Parameter(torch.randn(16, width) * 0.2)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        return self.out(self.encoder(self.embed(x.unsqueeze(-1)) + self.position)[:, -1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    torch.manual_seed(0)
    t = torch.arange(1700, dtype=torch.float32)
    series = torch.sin(t / 2.1) * (1 + 0.5 * torch.sin(t / 23)) + 0.05 * torch.randn(1700)
    series = (series - series[:1300].mean()) / series[:1300].std()
    windows = series.unfold(0, 17, 1)
    train, val = windows[:1280], windows[1300:]
    model = Forecast(24, args.dropout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for epoch in range(args.epochs):
        model.train()
        for rows in torch.randperm(len(train)).split(64):
            loss = nn.functional.mse_loss(model(train[rows, :16]), train[rows, 16:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            r2 = 1 - nn.functional.mse_loss(model(val[:, :16]), val[:, 16:]) / val[:, 16].var()
        print(f"epoch {epoch} mse {loss.item():.4f} R2 {r2.item():.4f}")


if __name__ == "__main__":
    main()
