import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(11)
torch.manual_seed(11)

LEVELS = ['new', 'light wear', 'medium wear', 'heavy wear']


def record(level, n=128):
    t = np.arange(n) / n
    f = np.random.uniform(9, 14)
    amp = [0.25, 0.6, 1.1, 1.8][level] * np.random.uniform(0.9, 1.1)
    sig = amp * np.sin(2 * np.pi * f * t + np.random.uniform(0, 6.28))
    sig += 0.4 * amp * np.sin(2 * np.pi * 2.7 * f * t)
    return sig + 0.1 * np.random.randn(n)


def make_set(n):
    labels = np.random.randint(0, 4, n)
    data = np.stack([record(k) for k in labels])
    return TensorDataset(torch.tensor(data, dtype=torch.float32), torch.tensor(labels))


class ConvBlock(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv = nn.Conv1d(cin, cout, 5, padding=2)
        self.bn = nn.BatchNorm1d(cout)
        self.act = nn.ReLU()
        self.pool = nn.MaxPool1d(2)

    def forward(self, x):
        return self.pool(self.act(self.bn(self.conv(x))))


class WearNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(ConvBlock(1, 12), ConvBlock(12, 24), ConvBlock(24, 24))
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(24, len(LEVELS))

    def forward(self, x):
        h = self.encoder(x).mean(dim=2)
        return self.head(self.drop(h))


class WearTrainer:
    def __init__(self, model, loaders, lr=2e-3, max_epochs=10):
        self.model = model
        self.loaders = loaders
        self.max_epochs = max_epochs
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        self.loss_criterion = nn.CrossEntropyLoss()

    def train(self):
        self.model.train()
        total = 0.0
        correct = 0
        for x, y in self.loaders['train']:
            logits = self.model(x[:, None, :])
            loss = self.loss_criterion(logits, y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(y)
            correct += (logits.argmax(1) == y).sum().item()
        n = len(self.loaders['train'].dataset)
        return total / n, correct / n

    def validate(self):
        correct = 0
        losses = []
        with torch.no_grad():
            for x, y in self.loaders['val']:
                logits = self.model(x.unsqueeze(1))
                losses.append(self.loss_criterion(logits, y).item())
                correct += (logits.argmax(1) == y).sum().item()
        return float(np.mean(losses)), correct / len(self.loaders['val'].dataset)

    def fit(self):
        for epoch in range(self.max_epochs):
            tl, ta = self.train()
            vl, va = self.validate()
            print(f'epoch {epoch}: train loss {tl:.3f} acc {ta:.3f} | val loss {vl:.3f} acc {va:.3f}')


train_loader = DataLoader(make_set(1200), batch_size=32, shuffle=True)
val_loader = DataLoader(make_set(300), batch_size=1, shuffle=False)
trainer = WearTrainer(WearNet(), {'train': train_loader, 'val': val_loader})
trainer.fit()
val_loss, val_acc = trainer.validate()
print(f'final validation accuracy: {val_acc:.3f}')
