import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from sklearn.preprocessing import StandardScaler

SEGMENTS = ["city", "family", "sport", "van"]


def listings(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 12))
    score = np.stack([x[:, 0] + x[:, 1] ** 2, x[:, 2] * 1.5 - x[:, 3], np.abs(x[:, 4]) * 1.5 + x[:, 1], x[:, 5] * x[:, 6] + 0.7], 1)
    segment = score.argmax(1)
    price = 9000 + 2500 * x[:, 7] + 1200 * np.tanh(x[:, 8]) * x[:, 9] + 3000 * (segment == 2) + rng.normal(0, 400, n)
    return x, segment, price


class AdNet(nn.Module):
    def __init__(self, d=12, h=64):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(d, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU())
        self.segment_head = nn.Linear(h, len(SEGMENTS))
        self.price_head = nn.Linear(h, 1)

    def forward(self, x):
        h = self.trunk(x)
        return self.segment_head(h), self.price_head(h).squeeze(1)


def prepare(n, seed, scaler=None):
    x, s, p = listings(n, seed)
    scaler = scaler or StandardScaler().fit(x)
    return TensorDataset(torch.tensor(scaler.transform(x), dtype=torch.float32), torch.tensor(s),
                         torch.tensor(p / 1000.0, dtype=torch.float32)), scaler


def train(price_weight=100.0, segment_weight=0.1, epochs=25):
    torch.manual_seed(6)
    train_set, scaler = prepare(3000, 1)
    test_set, _ = prepare(1000, 2, scaler)
    tx, ts, tp = test_set.tensors
    net = AdNet()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(epochs):
        net.train()
        log = np.zeros(2)
        for x, seg, price in DataLoader(train_set, batch_size=64, shuffle=True):
            seg_logits, price_hat = net(x)
            seg_loss = nn.functional.cross_entropy(seg_logits, seg)
            price_loss = nn.functional.mse_loss(price_hat, price)
            loss = segment_weight * seg_loss + price_weight * price_loss
            opt.zero_grad()
            loss.backward()
            opt.step()
            log += [seg_loss.item(), price_loss.item()]
        net.eval()
        with torch.no_grad():
            a, b = net(tx)
        log /= len(train_set) / 64
        print(f"epoch {epoch} segment_loss {log[0]:.3f} price_loss {log[1]:.3f} "
              f"price_rmse {((b - tp) ** 2).mean().sqrt().item():.3f} segment_acc {(a.argmax(1) == ts).float().mean().item():.3f}")


train()
