import numpy as np
import torch
import torch.nn as nn

np.random.seed(8)
torch.manual_seed(8)


def chirps(n, length=48):
    y = np.random.randint(0, 4, n)
    t = np.arange(length) / length
    x = np.zeros((n, length), dtype=np.float32)
    for i in range(n):
        f0, f1 = [(3, 3), (9, 9), (2, 10), (10, 2)][y[i]]
        phase = 2 * np.pi * (f0 * t + (f1 - f0) * t ** 2 / 2) + np.random.uniform(0, 6.28)
        x[i] = np.sin(phase) + 0.15 * np.random.randn(length)
    return torch.tensor(x).unsqueeze(2), torch.tensor(y)


class Residual(nn.Module):
    def __init__(self, alpha=1.0):
        super().__init__()
        self.alpha = alpha

    def forward(self, x, y):
        return x + self.alpha * y


class Recurrent(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.gru = nn.GRU(d, d, batch_first=True)

    def forward(self, x):
        return self.gru(x)[0]


registry = {'residual': {'R': Residual, 'none': None}, 'layer': {'gru': Recurrent}}


class SequenceResidualBlock(nn.Module):
    def __init__(self, d, layer='gru', residual='none', dropout=0.0):
        super().__init__()
        self.layer = registry['layer'][layer](d)
        make = registry['residual'][residual]
        self.residual = make() if make is not None else None
        self.norm = nn.LayerNorm(d)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = x.transpose(1, 2)
        y = self.layer(self.drop(x))
        if self.residual is not None:
            x = self.residual(x, y)
        x = self.norm(x)
        return x.transpose(1, 2)


class SequenceModel(nn.Module):
    def __init__(self, d=24, n_layers=2, classes=4):
        super().__init__()
        self.encoder = nn.Linear(1, d)
        self.layers = nn.ModuleList([SequenceResidualBlock(d) for _ in range(n_layers)])
        self.decoder = nn.Sequential(nn.Linear(d, 32), nn.GELU(), nn.Linear(32, classes))

    def forward(self, x):
        h = self.encoder(x).transpose(1, 2)
        for layer in self.layers:
            h = layer(h)
        return self.decoder(h.mean(dim=2))


train_x, train_y = chirps(1600)
test_x, test_y = chirps(400)
model = SequenceModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
print('parameters:', sum(p.numel() for p in model.parameters()))


def accuracy():
    model.eval()
    with torch.no_grad():
        return (model(test_x).argmax(1) == test_y).float().mean().item()


for epoch in range(14):
    model.train()
    order = torch.randperm(len(train_x))
    total = 0.0
    for i in range(0, len(order), 64):
        idx = order[i:i + 64]
        loss = nn.functional.cross_entropy(model(train_x[idx]), train_y[idx])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item() * len(idx)
    if epoch % 2 == 1:
        print(f'epoch {epoch + 1} train/loss {total / len(order):.3f} test/accuracy {accuracy():.3f}')

print(f'final test accuracy: {accuracy():.3f}')
