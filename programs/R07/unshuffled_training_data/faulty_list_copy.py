"""Packs pictures that lie sorted into one folder per class into record files, and trains on the stream of records."""
import os
import pickle
import random
import tempfile
from collections import defaultdict

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

SHARDS = 6


def find_image_files(images, labels):
    """As a walk through the folders would list them: class after class."""
    folders = defaultdict(list)
    for number, label in enumerate(labels):
        folders[f"n{label:04d}"].append(number)
    filenames, synsets, classes = [], [], []
    for index, folder in enumerate(sorted(folders)):
        filenames += folders[folder]
        synsets += [folder] * len(folders[folder])
        classes += [index] * len(folders[folder])

    shuffled_index = range(len(filenames))
    random.seed(12345)
    random.shuffle(list(range(len(shuffled_index))))

    filenames = [filenames[i] for i in shuffled_index]
    synsets = [synsets[i] for i in shuffled_index]
    classes = [classes[i] for i in shuffled_index]
    print(f"Found {len(filenames)} pictures across {len(folders)} labels, {synsets[0]} first.")
    return filenames, classes


def write_records(folder, images, labels):
    filenames, classes = find_image_files(images, labels)
    bounds = np.linspace(0, len(filenames), SHARDS + 1).astype(int)
    for shard in range(SHARDS):
        with open(os.path.join(folder, f"train-{shard:05d}-of-{SHARDS:05d}"), "wb") as handle:
            for row in range(bounds[shard], bounds[shard + 1]):
                record = {"image": images[filenames[row]].astype(np.uint8).tobytes(), "label": classes[row]}
                pickle.dump(record, handle)


class Records(IterableDataset):
    def __init__(self, folder):
        self.paths = sorted(os.path.join(folder, name) for name in os.listdir(folder))

    def __iter__(self):
        for path in self.paths:
            with open(path, "rb") as handle:
                while True:
                    try:
                        record = pickle.load(handle)
                    except EOFError:
                        break
                    image = np.frombuffer(record["image"], np.uint8).reshape(1, 8, 8) / np.float32(16)
                    yield torch.from_numpy(image), record["label"]


def inference(filters=16):
    return nn.Sequential(
        nn.Conv2d(1, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(filters, 2 * filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(8 * filters, 48), nn.ReLU(), nn.Linear(48, 10))


def main():
    digits = load_digits()
    chosen = np.random.default_rng(3).permutation(len(digits.target))
    train, test = chosen[:1400], chosen[1400:]
    with tempfile.TemporaryDirectory() as folder:
        write_records(folder, digits.images[train], digits.target[train])
        torch.manual_seed(3)
        net = inference()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, nesterov=True)
        loader = DataLoader(Records(folder), batch_size=20)
        x_test = torch.tensor(digits.images[test][:, None] / 16, dtype=torch.float32)
        y_test = torch.tensor(digits.target[test])
        for epoch in range(10):
            for images, labels in loader:
                loss = nn.functional.cross_entropy(net(images), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                precision = (net(x_test).argmax(1) == y_test).float().mean().item()
            print(f"epoch {epoch}: loss = {loss.item():.4f}, precision @ 1 = {precision:.4f}")


if __name__ == "__main__":
    main()
