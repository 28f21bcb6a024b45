"""Digits arrive two at a time; a reservoir of what was seen before is replayed next to them."""
import random

import torch
from sklearn.datasets import load_digits
from torch import nn


class Reservoir:
    def __init__(self, size):
        self.size, self.seen, self.items = size, 0, []

    def add(self, image, label):
        self.seen += 1
        if len(self.items) < self.size:
            self.items.append((image, label))
        else:
            place = random.randrange(self.seen)
            if place < self.size:
                self.items[place] = (image, label)

    def draw(self, count):
        images, labels = zip(*random.choices(self.items, k=count))
        return torch.stack(images), torch.stack(labels)


def stream(x, y, task):
    rows = ((y == 2 * task) | (y == 2 * task + 1)).nonzero().squeeze(1)
    for _ in range(9):
        for part in rows[torch.randperm(len(rows))].split(12):
            yield x[part], y[part]


random.seed(29)
torch.manual_seed(29)
digits = load_digits()
order = torch.randperm(1797)
x, y = torch.tensor(digits.data, dtype=torch.float32)[order] / 16, torch.tensor(digits.target)[order]
train_x, train_y, test_x, test_y = x[:1400], y[:1400], x[1400:], y[1400:]
model = nn.Sequential(nn.Linear(64, 80), nn.ReLU(), nn.Linear(80, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
memory = Reservoir(600)
for task in range(5):
    for epoch_images, epoch_labels in stream(train_x, train_y, task):
        images, labels = epoch_images, epoch_labels
        if task > 0:
            old_images, old_labels = memory.draw(12 * task)
            images, labels = torch.cat([images, old_images]), torch.cat([labels, old_labels])
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for image, label in zip(train_x[train_y // 2 == task], train_y[train_y // 2 == task]):
        memory.add(image, label)
    with torch.no_grad():
        seen = test_y < 2 * task + 2
        accuracy = (model(test_x[seen]).argmax(1) == test_y[seen]).float().mean().item()
    print(f"after task {task + 1}: loss {loss.item():.3f}, accuracy over the digits so far {accuracy:.4f}")
