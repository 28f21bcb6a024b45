"""Every check on data speaks on its fault, at the level it promises, in loops over loaders and over slices."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from tests.helpers import findings, observe

DIGITS = load_digits()
ORDER = np.random.default_rng(0).permutation(600)
X = torch.tensor(DIGITS.data[ORDER] / 8 - 1).float()
Y = torch.tensor(DIGITS.target[ORDER])


def mlp():
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def fit(batches, model=None, validation=(), epochs=3):
    torch.manual_seed(0)
    model = model or mlp()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        model.train()
        for x, y in batches():
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for x, y in validation:
                F.cross_entropy(model(x), y).item()


def loader(x, y, **options):
    made = DataLoader(TensorDataset(x, y), 20, **options)
    return lambda: made


def slices(x, y):
    return lambda: ((x[low : low + 20], y[low : low + 20]) for low in range(0, len(x), 20))


def check(tmp_path, name, level, program):
    found = findings(observe(program, tmp_path), name)
    assert [item.level for item in found] == [level], [item.summary for item in found]
    return found[0]


@pytest.mark.parametrize("batches", [loader, slices])
def test_non_finite_input(batches, tmp_path):
    x = X.clone()
    x[7, 3] = float("nan")
    assert check(tmp_path, "non-finite-input", "fault", lambda: fit(batches(x, Y))).exact


@pytest.mark.parametrize("batches", [loader, slices])
def test_constant_input(batches, tmp_path):
    assert "zero" in check(tmp_path, "constant-input", "fault", lambda: fit(batches(X * 0, Y))).summary


def test_blank_rows(tmp_path):
    x = X.clone()
    x[:30] = 0
    found = check(tmp_path, "constant-input", "suspect", lambda: fit(loader(x, Y, shuffle=True)))
    assert "30 of 600" in found.summary


def test_same_batch_repeated(tmp_path):
    def program():
        first = next(iter(DataLoader(TensorDataset(X, Y), 20, shuffle=True)))
        fit(lambda: [first] * 10)

    assert "20 of 600" in check(tmp_path, "same-batch-repeated", "fault", program).summary


def test_the_same_slice_repeated(tmp_path):
    check(
        tmp_path, "same-batch-repeated", "fault", lambda: fit(lambda: ((X[:20], Y[:20]) for _ in range(10)))
    )


def test_image_layout(tmp_path):
    images = X.reshape(-1, 1, 8, 8).repeat(1, 3, 1, 1) + 0.01 * torch.randn(600, 3, 8, 8)
    wrong = images.permute(0, 2, 3, 1).reshape(600, 3, 8, 8)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 10))
    check(tmp_path, "image-layout-scrambled", "suspect", lambda: fit(loader(wrong, Y, shuffle=True), model))


class Rows(Dataset):
    def __init__(self, length=600, in_place=False, shift=0):
        self.x, self.y, self.length, self.in_place, self.shift = X.clone(), Y, length, in_place, shift

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        row = self.x[index]
        if self.in_place:
            row /= 3
        return row, self.y[index - self.shift]


def test_length_that_is_too_small(tmp_path):
    made = DataLoader(Rows(length=100), 20, shuffle=True)
    assert check(tmp_path, "incomplete-epoch", "fault", lambda: fit(lambda: made)).where.function == "__len__"


def test_a_sampler_of_half_of_the_rows(tmp_path):
    class Half(torch.utils.data.Sampler):
        def __iter__(self):
            return iter(range(0, 600, 2))

        def __len__(self):
            return 300

    found = check(tmp_path, "incomplete-epoch", "fault", lambda: fit(loader(X, Y, sampler=Half())))
    assert "300 of 600" in found.summary


def test_index_range_that_is_too_small(tmp_path):
    def batches():
        for _ in range(30):
            rows = torch.randint(0, 50, (20,))
            yield X[rows], Y[rows]

    check(tmp_path, "incomplete-epoch", "suspect", lambda: fit(batches))


def test_labels_mispaired_by_a_second_index(tmp_path):
    def batches():
        for low in range(0, 600, 20):
            yield X[ORDER[low : low + 20]], Y[low : low + 20]

    assert check(tmp_path, "labels-mispaired", "fault", lambda: fit(batches)).exact


def test_labels_mispaired_by_the_collate_function(tmp_path):
    def collate(rows):
        return torch.stack([row[0] for row in rows]), torch.tensor(sorted(row[1] for row in rows))

    check(tmp_path, "labels-mispaired", "fault", lambda: fit(loader(X, Y, shuffle=True, collate_fn=collate)))


def test_labels_unrelated(tmp_path):
    check(
        tmp_path, "labels-unrelated", "suspect", lambda: fit(loader(X, Y[torch.randperm(600)], shuffle=True))
    )


def test_labels_shifted(tmp_path):
    made = DataLoader(Rows(shift=1), 20, shuffle=True)
    check(tmp_path, "labels-shifted", "suspect", lambda: fit(lambda: made))


def test_noisy_and_conflicting_labels(tmp_path):
    wrong = torch.rand(600, generator=torch.Generator().manual_seed(1)) < 0.2
    y = torch.where(wrong, (Y + 3) % 10, Y)
    check(tmp_path, "noisy-labels", "suspect", lambda: fit(loader(X, y, shuffle=True)))
    x, y = torch.cat([X, X[:50]]), torch.cat([Y, (Y[:50] + 1) % 10])
    check(tmp_path, "conflicting-labels", "suspect", lambda: fit(loader(x, y, shuffle=True)))


@pytest.mark.parametrize("batches", [loader, slices])
def test_sorted_rows(batches, tmp_path):
    order = Y.argsort(stable=True)
    case = observe(lambda: fit(batches(X[order], Y[order])), tmp_path)
    found = findings(case, "unshuffled-training-data", "single-label-batches")
    assert sorted((item.check, item.level) for item in found) == [
        ("single-label-batches", "fault"),
        ("unshuffled-training-data", "fault"),
    ]


def test_sorted_targets_of_a_regression(tmp_path):
    values = X.mean(1)
    order = values.argsort()
    model = nn.Linear(64, 1)

    def program():
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        for x, y in loader(X[order], values[order])():
            optimizer.zero_grad()
            F.mse_loss(model(x).squeeze(1), y).backward()
            optimizer.step()

    check(tmp_path, "unshuffled-training-data", "fault", program)


def test_a_state_carried_along_is_fed_in_order_on_purpose(tmp_path):
    class Stateful(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.head = nn.GRU(64, 8, batch_first=True), nn.Linear(8, 10)

        def forward(self, x, h):
            out, h = self.rnn(x[:, None], h)
            return self.head(out[:, 0]), h

    order = Y.argsort(stable=True)

    def program():
        model = Stateful()
        optimizer = torch.optim.Adam(model.parameters())
        h = torch.zeros(1, 20, 8)
        for x, y in loader(X[order], Y[order])():
            out, h = model(x, h.detach())
            optimizer.zero_grad()
            F.cross_entropy(out, y).backward()
            optimizer.step()

    assert not findings(observe(program, tmp_path), "unshuffled-training-data", "single-label-batches")


def test_minority_class_ignored(tmp_path):
    rare = torch.where(Y == 8)[0][:20]
    common = torch.where(Y == 1)[0]
    x = torch.cat([X[common]] * 6 + [X[rare]])
    x = x * 0.05 + 0.01 * torch.randn(len(x), 64, generator=torch.Generator().manual_seed(0))
    y = torch.cat([torch.zeros(6 * len(common), dtype=torch.long), torch.ones(20, dtype=torch.long)])
    model = nn.Linear(64, 2)
    check(
        tmp_path,
        "minority-class-ignored",
        "suspect",
        lambda: fit(loader(x, y, shuffle=True), model, epochs=2),
    )


def test_reading_changes_the_rows(tmp_path):
    made = DataLoader(Rows(in_place=True), 20, shuffle=True)
    assert check(tmp_path, "mixed-recipes", "fault", lambda: fit(lambda: made)).exact
