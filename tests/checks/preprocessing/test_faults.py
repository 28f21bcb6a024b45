"""Every check on preprocessing speaks on its fault, at the level it promises."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_breast_cancer, load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from tests.helpers import findings, observe

CANCER = load_breast_cancer()
ORDER = np.random.default_rng(0).permutation(len(CANCER.data))
X, Y = torch.tensor(CANCER.data[ORDER]), torch.tensor(CANCER.target[ORDER])
TRAIN, VAL = slice(0, 400), slice(400, None)


def standardized(x, by):
    return ((x - by.mean(0)) / by.std(0)).float()


def fit(x, y, x_val, y_val, prepare=lambda x: x, model=None):
    torch.manual_seed(0)
    model = model or nn.Linear(x[0].numel(), 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loader = DataLoader(TensorDataset(x, y), 25, shuffle=True)
    for _ in range(2):
        model.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(prepare(xb)), yb).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(prepare(x_val)), y_val).item()


def check(tmp_path, name, level, program):
    found = findings(observe(program, tmp_path), name)
    assert [item.level for item in found] == [level], [item.summary for item in found]
    return found[0]


def test_leaked_statistics(tmp_path):
    x = standardized(X, X)
    check(tmp_path, "leaked-statistics", "suspect", lambda: fit(x[TRAIN], Y[TRAIN], x[VAL], Y[VAL]))


def test_validation_own_statistics(tmp_path):
    x, x_val = standardized(X[TRAIN], X[TRAIN]), standardized(X[VAL], X[VAL])
    check(tmp_path, "validation-own-statistics", "fault", lambda: fit(x, Y[TRAIN], x_val, Y[VAL]))


def test_a_scaler_of_its_own_for_the_windows_of_the_test(tmp_path):
    """Both parts are evaluated by one function, the training rows first."""
    series = np.cumsum(np.random.default_rng(0).normal(size=(900, 2)), axis=0)

    def scaled(part):
        windows = np.stack([part[start : start + 12] for start in range(len(part) - 12)])
        low, high = (end(windows, axis=(0, 1)) for end in (np.min, np.max))
        return torch.tensor((windows - low) / (high - low)).float(), torch.tensor(part[12:, 0] > part[11:-1, 0]).long()

    def program():
        torch.manual_seed(0)
        (x, y), (x_test, y_test) = scaled(series[:600]), scaled(series[600:])
        model = nn.Sequential(nn.Flatten(), nn.Linear(24, 2))
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for rows in torch.randperm(len(x)).split(25):
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        for inputs, labels in ((x, y), (x_test, y_test)):
            with torch.no_grad():
                (model(inputs).argmax(1) == labels).float().mean().item()

    found = check(tmp_path, "validation-own-statistics", "fault", program)
    assert "0 and 1 over the 288 validation rows" in found.summary


def test_per_batch_normalization(tmp_path):
    def program():
        fit(X[TRAIN].float(), Y[TRAIN], X[VAL].float(), Y[VAL], lambda x: (x - x.mean(0)) / (x.std(0) + 1e-6))

    assert check(tmp_path, "per-batch-normalization", "fault", program).exact


def test_mixed_recipes(tmp_path):
    x = standardized(X, X[TRAIN])
    x[:100] *= 255
    found = check(tmp_path, "mixed-recipes", "suspect", lambda: fit(x[TRAIN], Y[TRAIN], x[VAL], Y[VAL]))
    assert "100 of 400" in found.summary


def test_recipe_mismatch(tmp_path):
    x, raw = standardized(X, X[TRAIN]), X.float()
    check(
        tmp_path,
        "train-validation-recipe-mismatch",
        "suspect",
        lambda: fit(x[TRAIN], Y[TRAIN], raw[VAL], Y[VAL]),
    )


@pytest.mark.parametrize(("copies", "level"), [(60, "fault"), (1, "note")])
def test_duplicates_across_splits(copies, level, tmp_path):
    x = standardized(X, X[TRAIN])
    x_val, y_val = torch.cat([x[VAL], x[:copies]]), torch.cat([Y[VAL], Y[:copies]])
    found = check(tmp_path, "duplicates-across-splits", level, lambda: fit(x[TRAIN], Y[TRAIN], x_val, y_val))
    assert found.summary.startswith(f"{copies} of ")


def test_accuracy_on_the_training_rows_is_no_duplicate(tmp_path):
    x = standardized(X, X[TRAIN])
    case = observe(lambda: fit(x[TRAIN], Y[TRAIN], x[TRAIN], Y[TRAIN]), tmp_path)
    assert not findings(case, "duplicates-across-splits")


def test_feature_scale_is_a_note(tmp_path):
    check(
        tmp_path,
        "feature-scale",
        "note",
        lambda: fit(X[TRAIN].float(), Y[TRAIN], X[VAL].float(), Y[VAL]),
    )


def pretrained(images, labels):
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
    return model


@pytest.mark.parametrize(("scale", "alarm"), [(255.0, True), (1.0, False)])
def test_pretrained_preprocessing(scale, alarm, tmp_path):
    digits = load_digits()
    images, labels = torch.tensor(digits.images[:, None] / 16).float(), torch.tensor(digits.target)
    model = pretrained(images[:500], labels[:500])
    new, y = images[500:900] * scale, labels[500:900]
    case = observe(lambda: fit(new[:300], y[:300], new[300:], y[300:], model=model), tmp_path)
    found = findings(case, "pretrained-preprocessing")
    assert [item.level for item in found] == (["suspect"] if alarm else [])


def test_a_new_batch_normalization_remembers_nothing(tmp_path):
    images = torch.rand(100, 1, 8, 8) * 255
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2))
    case = observe(lambda: fit(images[:80], Y[:80], images[80:], Y[80:100], model=model), tmp_path)
    assert not findings(case, "pretrained-preprocessing")


@pytest.mark.parametrize(("twice", "found"), [(False, False), (True, True)])
def test_a_collate_function_that_normalizes_and_flips(twice, found, tmp_path):
    digits = load_digits()
    x = torch.tensor(digits.images[:600]).float()[:, None] * 16
    y = torch.tensor(digits.target[:600])
    mean, std = x[:400].mean(), x[:400].std()

    def collate(rows, flip):
        images = (torch.stack([row[0] for row in rows]) - mean) / std
        return (images.flip(3) if flip and torch.rand(()) < 0.5 else images), torch.stack([row[1] for row in rows])

    def program():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        train = DataLoader(TensorDataset(x[:400], y[:400]), 25, shuffle=True, collate_fn=lambda rows: collate(rows, True))
        validated = TensorDataset((x[400:] - mean) / std if twice else x[400:], y[400:])
        validation = DataLoader(validated, 50, collate_fn=lambda rows: collate(rows, False))
        for _ in range(3):
            model.train()
            for xb, yb in train:
                optimizer.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                for xb, yb in validation:
                    F.cross_entropy(model(xb), yb).item()

    named = findings(observe(program, tmp_path), "train-validation-recipe-mismatch")
    assert [item.level for item in named] == (["suspect"] if found else [])


@pytest.mark.parametrize(("own", "found"), [(False, False), (True, True)])
def test_sines_of_the_hour_are_zero_on_average(own, found, tmp_path):
    rng = np.random.default_rng(0)
    hour = np.arange(960) % 24
    turned = [np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24), np.sin(4 * np.pi * hour / 24)]
    x = torch.tensor(np.stack([*turned, rng.gamma(2.0, 1.0, 960), rng.normal(3, 1, 960)], 1)).float()
    y = (torch.tensor(rng.random(960)) < 0.5 + 0.3 * x[:, 0]).long()
    train, validation = x[:720].clone(), x[720:].clone()
    if own:
        train, validation = standardized(train, train), standardized(validation, validation)

    named = findings(observe(lambda: fit(train, y[:720], validation, y[720:]), tmp_path), "validation-own-statistics")
    assert [item.level for item in named] == (["fault"] if found else [])


class Centred:
    def __call__(self, rows):
        x, y = (torch.stack(part) for part in zip(*rows, strict=True))
        return x - x.mean(0), y


def test_a_collate_object_that_normalizes_each_batch(tmp_path):
    def program():
        model = nn.Linear(30, 2)
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for xb, yb in DataLoader(TensorDataset(X[TRAIN].float(), Y[TRAIN]), 25, collate_fn=Centred()):
            optimizer.zero_grad()
            F.cross_entropy(model(xb), yb).backward()
            optimizer.step()

    found = check(tmp_path, "per-batch-normalization", "fault", program)
    with open(__file__, encoding="utf-8") as source:
        assert "x.mean(0), y" in source.read().splitlines()[found.where.line - 1]
