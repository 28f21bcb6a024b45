import random
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(42)
np.random.seed(42)
torch.manual_seed(42)

CLASSES = ['beech', 'birch', 'elm', 'fir', 'lime', 'oak']
SIZE = 20


def leaf(name):
    k = CLASSES.index(name)
    t = np.linspace(0, 2 * np.pi, 240)
    lobes = [0, 3, 5, 8, 2, 4][k]
    depth = [0.0, 0.25, 0.3, 0.25, 0.35, 0.4][k]
    r = 6.5 * (1 + depth * np.cos(lobes * t + np.random.uniform(0, 6.28)))
    r *= np.random.uniform(0.75, 1.0)
    img = np.zeros((SIZE, SIZE), dtype=np.float32)
    for s in np.linspace(0, 1, 12):
        yy = np.clip(np.round(9.5 + s * r * np.sin(t)), 0, SIZE - 1).astype(int)
        xx = np.clip(np.round(9.5 + s * r * np.cos(t)), 0, SIZE - 1).astype(int)
        img[yy, xx] = 1.0
    return img + 0.1 * np.random.randn(SIZE, SIZE).astype(np.float32)


def make_list(per_class):
    lst = []
    for name in CLASSES:
        for i in range(per_class):
            lst.append((len(lst), CLASSES.index(name), f'{name}/{i:04d}.png'))
    return lst


def im2rec(lst):
    return [(leaf(path.split('/')[0]), label) for _, label, path in lst]


class ImageRecordIter:
    def __init__(self, records, batch_size):
        self.records = records
        self.batch_size = batch_size

    def __iter__(self):
        for i in range(0, len(self.records), self.batch_size):
            chunk = self.records[i:i + self.batch_size]
            data = torch.tensor(np.stack([c[0] for c in chunk])).unsqueeze(1)
            yield data, torch.tensor([c[1] for c in chunk])


class LeafNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 12, 5, padding=2)
        self.c2 = nn.Conv2d(12, 24, 3, padding=1)
        self.f1 = nn.Linear(24 * 25, 48)
        self.f2 = nn.Linear(48, len(CLASSES))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.f2(F.relu(self.f1(x.flatten(1))))


lst = make_list(150)
random.shuffle(lst)
records = im2rec(lst)
train_iter = ImageRecordIter(records, batch_size=25)
val_iter = ImageRecordIter(im2rec(make_list(40)), batch_size=60)

net = LeafNet()
trainer = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9, weight_decay=1e-4)

for epoch in range(14):
    net.train()
    seen, right = 0, 0
    for nbatch, (data, label) in enumerate(train_iter):
        out = net(data)
        loss = F.cross_entropy(out, label)
        trainer.zero_grad()
        loss.backward()
        trainer.step()
        seen += len(label)
        right += (out.argmax(1) == label).sum().item()
    net.eval()
    with torch.no_grad():
        hits = [(net(d).argmax(1) == l).float().mean().item() for d, l in val_iter]
    print(f'Epoch[{epoch}] Train-accuracy={right / seen:.4f} Validation-accuracy={np.mean(hits):.4f}')

print(f'final validation accuracy: {np.mean(hits):.3f}')
