"""Embeddings of handwritten digits with the batch-hard triplet loss: digits of one class shall be neighbours."""
from collections import defaultdict

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Sampler, TensorDataset


class GroupByLabelBatchSampler(Sampler):
    """Batches in which every label has at least two samples."""

    def __init__(self, labels, batch_size, generator):
        self.batch_size, self.generator = batch_size, generator
        self.groups = defaultdict(list)
        for index, label in enumerate(labels.tolist()):
            self.groups[label].append(index)

    def __len__(self):
        return sum(len(rows) for rows in self.groups.values()) // self.batch_size

    def __iter__(self):
        labels = sorted(self.groups)
        pairs = []
        for label in labels:
            rows = torch.tensor(self.groups[label])
            rows = rows[torch.randperm(len(rows), generator=self.generator)]
            pairs += list(rows[: len(rows) // 2 * 2].split(2))
        order = torch.randperm(len(pairs), generator=self.generator).tolist()
        partial_batch = []
        for number in order:
            partial_batch.extend(pairs[number].tolist())
            while len(partial_batch) >= self.batch_size:
                yield partial_batch[: self.batch_size]
                partial_batch = partial_batch[self.batch_size:]


class Encoder(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU())
        self.project = nn.Linear(32 * 16, dim)

    def forward(self, x):
        return F.normalize(self.project(self.conv(x).flatten(1)), dim=1)


def batch_hard_soft_margin(embeddings, labels, scale=6.0):
    distances = torch.cdist(embeddings, embeddings)
    same = labels[:, None] == labels[None]
    hardest_positive = (distances * same).max(1).values
    largest = distances.max(1, keepdim=True).values
    hardest_negative = (distances + largest * same).min(1).values
    return F.softplus(scale * (hardest_positive - hardest_negative)).mean()


@torch.no_grad()
def precision_at(embeddings, labels, k=50):
    distances = torch.cdist(embeddings, embeddings).fill_diagonal_(float("inf"))
    neighbours = distances.topk(k, largest=False).indices
    return (labels[neighbours] == labels[:, None]).float().mean().item()


def main():
    torch.manual_seed(8)
    digits = load_digits()
    x, y = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 8 - 1, torch.tensor(digits.target)
    mixed = torch.randperm(len(x))
    x, y = x[mixed], y[mixed]
    train = TensorDataset(x[:1000], y[:1000])
    sampler = GroupByLabelBatchSampler(y[:1000], batch_size=40, generator=torch.Generator().manual_seed(1))
    loader = DataLoader(train, batch_sampler=sampler)
    encoder = Encoder()
    optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
    for epoch in range(12):
        encoder.train()
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = batch_hard_soft_margin(encoder(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        encoder.eval()
        with torch.no_grad():
            found = precision_at(encoder(x[1000:]), y[1000:])
        print(f"{epoch:2d} loss {total / len(loader):.4f} precision at 50: {found:.4f}")


if __name__ == "__main__":
    main()
