import random
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

random.seed(14)
np.random.seed(14)
torch.manual_seed(14)

THINGS = ['phone', 'kettle', 'lamp', 'chair', 'tent', 'router', 'camera', 'bike']
GOOD = ['sturdy', 'bright', 'quick', 'lovely', 'reliable', 'quiet']
BAD = ['flimsy', 'dim', 'slow', 'ugly', 'broken', 'noisy']
MILD = ['usable', 'average', 'plain', 'ordinary']


def review():
    label = random.randrange(3)
    thing = random.choice(THINGS)
    if label == 0:
        word, negate = (random.choice(BAD), False) if random.random() < 0.6 else (random.choice(GOOD), True)
    elif label == 1:
        word, negate = random.choice(MILD), random.random() < 0.2
    else:
        word, negate = (random.choice(GOOD), False) if random.random() < 0.6 else (random.choice(BAD), True)
    start = random.choice(['the ' + thing + ' is', 'i think this ' + thing + ' is', 'my new ' + thing + ' seems'])
    end = random.choice(['', 'after one week', 'for the price', 'said my sister'])
    return f"{start} {'not ' if negate else ''}{word} {end}".split(), label


pairs = [review() for _ in range(3000)]
vocab = {w: i + 1 for i, w in enumerate(sorted({w for words, _ in pairs for w in words}))}
LEN = 12
ids = torch.zeros(len(pairs), LEN, dtype=torch.long)
for i, (words, _) in enumerate(pairs):
    ids[i, LEN - len(words):] = torch.tensor([vocab[w] for w in words])
labels = torch.tensor([k for _, k in pairs])
train_ds = TensorDataset(ids[:2300], labels[:2300])
val_ds = TensorDataset(ids[2300:], labels[2300:])


class ReviewNet(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.embed = nn.Embedding(len(vocab) + 1, 24, padding_idx=0)
        self.drop0 = nn.Dropout(0.4)
        self.lstm1 = nn.LSTM(24, width, batch_first=True)
        self.drop1 = nn.Dropout(0.4)
        self.lstm2 = nn.LSTM(width, width, batch_first=True)
        self.norm = nn.BatchNorm1d(width)
        self.drop2 = nn.Dropout(0.4)
        self.dense = nn.Linear(width, 3)

    def forward(self, x):
        x = self.drop0(self.embed(x))
        x, _ = self.lstm1(x)
        x, _ = self.lstm2(self.drop1(x))
        return self.dense(self.drop2(self.norm(x[:, -1])))


def run_epoch(model, loader, optimizer=None):
    model.train(optimizer is not None)
    total, correct, n = 0.0, 0, 0
    with torch.set_grad_enabled(optimizer is not None):
        for x, y in loader:
            out = model(x)
            loss = nn.functional.cross_entropy(out, y)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(y)
            correct += (out.argmax(1) == y).sum().item()
            n += len(y)
    return total / n, correct / n


model = ReviewNet()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
train_loader = DataLoader(train_ds, batch_size=64, shuffle=True)
val_loader = DataLoader(val_ds, batch_size=128)
for epoch in range(10):
    tl, ta = run_epoch(model, train_loader, optimizer)
    vl, va = run_epoch(model, val_loader)
    print(f'Epoch {epoch + 1}/10 - loss: {tl:.4f} - acc: {ta:.4f} - val_loss: {vl:.4f} - val_acc: {va:.4f}')

print(f'final validation accuracy: {va:.3f}')
