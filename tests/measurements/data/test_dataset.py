"""Reading datasets: random states, lengths, changes, workers."""

import random

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from paramedic.measurements.data.dataset import by_path, changes_when_read, rows_beyond_length, sample_rows
from paramedic.measurements.data.workers import is_random, worker_draws

X, Y = torch.arange(60.0).reshape(20, 3), torch.arange(20)


class Rows(Dataset):
    def __init__(self, length=20, noise=None, in_place=False):
        self.length, self.noise, self.in_place = length, noise, in_place
        self.x, self.y = X.clone(), Y.clone()
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        x = self.x[index]
        if self.in_place:
            x -= 1
        if self.noise == "torch":
            x = x + torch.randn(3)
        elif self.noise == "own":
            x = x + torch.from_numpy(self.rng.normal(size=3)).float()
        elif self.noise == "flip":
            x = x.flip(0) if random.random() < 0.5 else x
        return {"x": x, "y": self.y[index]}


@pytest.mark.parametrize("dataset", [TensorDataset(X, Y), Subset(TensorDataset(X, Y), range(20))])
def test_rows_are_read_with_their_positions(dataset):
    sample = sample_rows(dataset, 8)
    assert not sample.complete and len(sample.index) == 8 and (np.diff(sample.index) > 0).all()
    assert torch.equal(sample.tensors["[0]"], X[sample.index]) and torch.equal(
        sample.tensors["[1]"], Y[sample.index]
    )
    assert sample_rows(dataset, 99).complete


def test_reading_leaves_the_generators_alone():
    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    expected = torch.rand(1), np.random.rand(), random.random()
    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    sample_rows(Rows(noise="torch"), 8), is_random(Rows(noise="flip")), changes_when_read(Rows(noise="torch"))
    assert (torch.rand(1), np.random.rand(), random.random()) == expected


def test_unreadable_datasets_give_nothing():
    class Broken(Rows):
        def __getitem__(self, index):
            raise RuntimeError("no file")

    class Endless(Rows):
        __len__ = None

    assert (
        sample_rows(Broken(), 5) is None
        and sample_rows(Endless(), 5) is None
        and sample_rows(None, 5) is None
    )


def test_paths_of_nested_batches():
    assert list(by_path((X, {"y": Y}))) == ["[0]", "[1]['y']"]
    assert list(by_path(X)) == [""]


def test_rows_beyond_the_length():
    assert rows_beyond_length(Rows(length=10), 10) == 10 or rows_beyond_length(Rows(length=10), 10) > 4
    assert rows_beyond_length(Rows(), 20) == 0
    assert rows_beyond_length(TensorDataset(X, Y), 20) == 0
    assert rows_beyond_length(Rows(length=10, noise="own"), 10) == 0


def test_a_dataset_that_any_index_fits_has_no_end():
    class Seeded(Rows):
        def __getitem__(self, index):
            return torch.randn(3, generator=torch.Generator().manual_seed(index))

    assert rows_beyond_length(Seeded(), 20) == 0


def test_changes_in_place_are_told_from_random_rows():
    assert changes_when_read(Rows(in_place=True))
    assert not any(changes_when_read(Rows(noise=noise)) for noise in (None, "torch", "own", "flip"))


@pytest.mark.parametrize(("noise", "shared"), [("own", True), ("torch", False), ("flip", False)])
def test_workers(noise, shared):
    dataset = Rows(noise=noise)
    assert is_random(dataset) and not is_random(Rows())
    found = worker_draws(DataLoader(dataset, batch_size=4, num_workers=2))
    assert (found.alike > 0) == shared and found.chance < 1e-5
