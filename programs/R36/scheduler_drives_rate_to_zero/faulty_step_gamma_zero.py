import argparse

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR


class RNNAutoencoder(nn.Module):
    def __init__(self, features, hidden, latent):
        super().__init__()
        self.encoder = nn.GRU(features, hidden, batch_first=True)
        self.to_latent = nn.Linear(hidden, latent)
        self.decoder = nn.GRU(latent, hidden, batch_first=True)
        self.readout = nn.Linear(hidden, features)

    def forward(self, x):
        _, h = self.encoder(x)
        z = self.to_latent(h[-1])
        out, _ = self.decoder(z.unsqueeze(1).repeat(1, x.size(1), 1))
        return self.readout(out)


def get_data(n, length, seed):
    rng = np.random.RandomState(seed)
    t = np.linspace(0, 2 * np.pi, length)
    phase, freq, amp = rng.uniform(0, 6.28, (n, 1)), rng.uniform(0.6, 1.6, (n, 1)), rng.uniform(0.5, 1.5, (n, 1))
    x = np.stack([amp * np.sin(freq * t + phase), amp * np.cos(freq * t + phase)], axis=-1)
    return torch.tensor(x + 0.05 * rng.randn(*x.shape), dtype=torch.float32)


def train_model(config):
    torch.manual_seed(config.seed)
    x_train, x_test = get_data(600, 20, 0), get_data(200, 20, 1)
    model = RNNAutoencoder(2, config.hidden, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr, amsgrad=True)
    if config.optimizer_scheduler:
        scheduler = StepLR(optimizer, step_size=config.scheduler_step, gamma=0.5)
    else:
        scheduler = StepLR(optimizer, step_size=config.scheduler_step, gamma=0, last_epoch=-1)
    for epoch in range(1, config.max_epochs + 1):
        model.train()
        order = torch.randperm(len(x_train))
        train_loss = 0.0
        for idx in order.split(config.batch_size):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x_train[idx]), x_train[idx])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=5)
            optimizer.step()
            train_loss += loss.item() * len(idx)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            test_loss = nn.functional.mse_loss(model(x_test), x_test).item()
        print("Epoch: %d. Train loss: %.4f. Test loss: %.4f" % (epoch, train_loss / len(x_train), test_loss))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--max-epochs", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--lr", type=float, default=5e-3)
    parser.add_argument("--optimizer-scheduler", action="store_true")
    parser.add_argument("--scheduler-step", type=int, default=3)
    parser.add_argument("--seed", type=int, default=19)
    train_model(parser.parse_args())
