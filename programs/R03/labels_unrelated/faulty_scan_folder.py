import csv
import os
import tempfile
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset, Subset

np.random.seed(17)
torch.manual_seed(17)

KINDS = ['rings', 'stripes', 'checker', 'blob']
input_path = tempfile.mkdtemp()


def paint(kind):
    yy, xx = np.mgrid[:16, :16].astype(np.float32)
    p = np.random.uniform(0, 6.28)
    f = np.random.uniform(0.9, 1.5)
    if kind == 0:
        g = np.sin(f * np.hypot(yy - 8, xx - 8) * 1.5 + p)
    elif kind == 1:
        a = np.random.uniform(0, 3.14)
        g = np.sin(f * (np.cos(a) * yy + np.sin(a) * xx) + p)
    elif kind == 2:
        g = np.sign(np.sin(f * yy + p) * np.sin(f * xx + p))
    else:
        cy, cx = np.random.uniform(5, 11, 2)
        g = 2 * np.exp(-((yy - cy) ** 2 + (xx - cx) ** 2) / 12) - 0.5
    return (g + 0.25 * np.random.randn(16, 16)).astype(np.float32)


with open(os.path.join(input_path, 'images.csv'), 'w', newline='') as f:
    writer = csv.writer(f)
    writer.writerow(['file', 'label'])
    for i in range(1200):
        k = np.random.randint(len(KINDS))
        np.save(os.path.join(input_path, f'img_{i}.npy'), paint(k))
        writer.writerow([f'img_{i}.npy', KINDS[k]])


def load_ground_truth(path):
    with open(path) as f:
        return list(csv.DictReader(f))


rows = load_ground_truth(os.path.join(input_path, 'images.csv'))
label_list = [KINDS.index(row['label']) for row in rows]
image_id_list = sorted(filter(lambda x: '.npy' in x, os.listdir(input_path)))
print(len(image_id_list), 'images', len(label_list), 'labels')


class ScanSet(Dataset):
    def __init__(self, root, image_ids, labels):
        self.root = root
        self.image_ids = image_ids
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        img = np.load(os.path.join(self.root, self.image_ids[i]))
        return torch.tensor(img[None]), self.labels[i]


dataset = ScanSet(input_path, image_id_list, label_list)
order = np.random.permutation(len(dataset)).tolist()
train_loader = DataLoader(Subset(dataset, order[:950]), batch_size=32, shuffle=True)
test_loader = DataLoader(Subset(dataset, order[950:]), batch_size=64)

net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(32 * 16, 48), nn.ReLU(), nn.Linear(48, len(KINDS)))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()


def evaluate(loader):
    net.eval()
    hits, total = 0, 0
    with torch.no_grad():
        for images, target in loader:
            hits += (net(images).argmax(1) == target).sum().item()
            total += len(target)
    return hits / total


for epoch in range(9):
    net.train()
    running = 0.0
    for images, target in train_loader:
        optimizer.zero_grad()
        loss = criterion(net(images), target)
        loss.backward()
        optimizer.step()
        running += loss.item()
    print(f'epoch {epoch + 1} loss {running / len(train_loader):.3f} test {evaluate(test_loader):.3f}')

print(f'final test accuracy: {evaluate(test_loader):.3f}')
