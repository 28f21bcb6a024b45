"""Ordinary sound programs of which checks said something wrong, and faulty ones that look like them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from paramedic.checks.data.noisy_labels import BETTER
from paramedic.experiments.progress import line_searched, scale_of, train_probes
from paramedic.measurements.data.label_noise import balanced_accuracy
from paramedic.measurements.data.relation import FOREST, QUADRATIC, class_probabilities
from tests.helpers import findings, observe


@pytest.mark.parametrize(("frozen", "found"), [(True, False), (False, True)])
def test_a_frozen_body_is_kept_in_evaluation_mode(frozen: bool, found: bool, tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        body = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.ReLU())
        model = nn.Sequential(body, nn.Linear(8, 2))
        body.requires_grad_(not frozen)
        optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad])
        body.eval()
        for _ in range(6):
            loss = F.cross_entropy(model(torch.randn(12, 6)), torch.randint(2, (12,)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert bool(findings(observe(program, tmp_path), "training-in-eval-mode")) is found


class ClassBatches:
    """``per_class`` rows of every class, drawn anew for each batch; ``narrow``: always among the first ones."""

    def __init__(self, labels: Tensor, per_class: int, batches: int, narrow: bool) -> None:
        self.groups = [torch.nonzero(labels == label).flatten() for label in labels.unique()]
        self.per_class, self.batches = per_class, batches
        self.among = 2 * per_class if narrow else len(labels)

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[list[int]]:
        for _ in range(self.batches):
            drawn = [group[torch.randperm(min(len(group), self.among))[: self.per_class]] for group in self.groups]
            yield torch.cat(drawn).tolist()


@pytest.mark.parametrize(("narrow", "found"), [(False, False), (True, True)])
def test_batches_of_so_many_rows_of_each_class(narrow: bool, found: bool, tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        data = TensorDataset(torch.randn(240, 5), torch.arange(240) % 4)
        loader = DataLoader(data, batch_sampler=ClassBatches(data.tensors[1], 4, 20, narrow))
        model = nn.Linear(5, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            for x, y in loader:
                loss = F.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    assert bool(findings(observe(program, tmp_path), "incomplete-epoch")) is found


@pytest.mark.parametrize(("own", "found"), [(False, False), (True, True)])
def test_a_mean_of_all_values_that_is_zero_by_chance(own: bool, found: bool, tmp_path: Path) -> None:
    """Features are standardized one by one; the validation rows' values happen to add up to zero."""

    def program() -> None:
        random = np.random.default_rng(0)
        train, other = random.normal(size=(80, 6)), random.normal(size=(40, 6))
        train = (train - train.mean(0)) / train.std(0)
        other -= other.mean(0) if own else other.mean()
        x, validation = (torch.tensor(part, dtype=torch.float32) for part in (train, other))
        torch.manual_seed(0)
        model = nn.Linear(6, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(3):
            for rows in torch.randperm(80).split(20):
                loss = F.mse_loss(model(x[rows]), x[rows, :1])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                F.mse_loss(model(validation), validation[:, :1])

    assert bool(findings(observe(program, tmp_path), "validation-own-statistics")) is found


@pytest.mark.parametrize(("mixing", "found"), [(False, False), (True, True)])
def test_batch_norm_of_keras_is_looked_at_in_evaluation(mixing: bool, found: bool, tmp_path: Path) -> None:
    os.environ["KERAS_BACKEND"] = "torch"
    keras = pytest.importorskip("keras")
    x = np.random.default_rng(0).normal(size=(96, 5)).astype("float32")

    def program() -> None:
        keras.utils.set_random_seed(1)
        inputs = keras.Input((5,))
        h = keras.layers.BatchNormalization()(keras.layers.Dense(8)(inputs))
        if mixing:
            h = h - keras.ops.mean(h, axis=0, keepdims=True)
        model = keras.Model(inputs, keras.layers.Dense(1)(h))
        model.compile(keras.optimizers.SGD(0.01), loss="mse")
        model.fit(x, x[:, :1], batch_size=16, epochs=1, verbose=0)

    assert bool(findings(observe(program, tmp_path), "samples-influence-each-other")) is found


def test_a_line_search_without_an_end_leaves_the_values() -> None:
    value = torch.tensor([1.0], requires_grad=True)
    optimizer = torch.optim.LBFGS([value], line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        if float(value.detach()) != 1.0:
            raise RuntimeError("value cannot be converted to type float without overflow")
        optimizer.zero_grad()
        loss = -value.sum()
        loss.backward()
        return loss

    assert not line_searched(optimizer, closure)
    assert value.item() == 1.0


@pytest.mark.parametrize(("told", "found"), [(True, False), (False, True)])
def test_blank_rows_with_an_answer_of_their_own(told: bool, found: bool, tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        x = torch.randn(300, 12)
        tags = (x[:, :3] > 0).float()
        tags[(tags.sum(1) == 0)] = 1.0
        blank = torch.arange(300) % 30 == 0
        x[blank] = 0.0
        tags[blank] = 0.0 if told else tags[blank]
        model = nn.Linear(12, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(2):
            for rows, target in DataLoader(TensorDataset(x, tags), 30, shuffle=True):
                loss = F.binary_cross_entropy_with_logits(model(rows), target)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    assert bool(findings(observe(program, tmp_path), "constant-input")) is found


def test_quadratic_discriminant_analysis_knows_shells() -> None:
    """A probe that knows them tells a hard task from wrong labels, where nearest neighbours and trees know half of it."""
    random = np.random.default_rng(3)
    x = random.normal(size=(900, 6))
    radius = np.linalg.norm(x, axis=1)
    x = x @ random.normal(size=(6, 6))
    y = (radius[:, None] > np.quantile(radius, [1 / 3, 2 / 3])).sum(1)
    forest, quadratic = (
        balanced_accuracy(class_probabilities(x, y, probe).argmax(1), y) for probe in (FOREST, QUADRATIC)
    )
    assert quadratic > forest + BETTER


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_the_scale_of_a_classifier_of_keras(loss: str, tmp_path: Path) -> None:
    """Its last layer ends in the softmax: what can be reached is measured in front of that."""
    os.environ["KERAS_BACKEND"] = "torch"
    keras = pytest.importorskip("keras")
    y = np.arange(96) % 3
    x = np.random.default_rng(0).normal(size=(96, 5)).astype("float32")
    target = np.eye(3, dtype="float32")[y] if loss.startswith("cat") else y

    def program() -> None:
        keras.utils.set_random_seed(1)
        layers = [keras.Input((5,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")]
        model = keras.Sequential(layers)
        model.compile(keras.optimizers.Adam(0.01), loss=loss)
        model.fit(x, target, batch_size=32, epochs=2, verbose=0)

    case = observe(program, tmp_path, budget=5)
    scale = scale_of(case.lab, train_probes(case.lab))
    assert scale is not None
    assert scale.minimum < 0.01
    assert scale.constant == pytest.approx(np.log(3), abs=0.05)


def test_keras_asks_for_shapes_with_a_dictionary_of_inputs(tmp_path: Path) -> None:
    """No batch of data: tensors without values are not recorded."""
    os.environ["KERAS_BACKEND"] = "torch"
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(0)
    x = {"route": rng.integers(0, 5, (120, 4)), "numbers": rng.normal(size=(120, 3)).astype("float32")}
    y = x["numbers"][:, :1] + x["route"].sum(1, keepdims=True)

    def program() -> None:
        keras.utils.set_random_seed(1)
        route, numbers = keras.Input((4,), dtype="int32", name="route"), keras.Input((3,), name="numbers")
        summed = keras.ops.sum(keras.layers.Dense(4)(keras.layers.Embedding(5, 3)(route)), axis=1)
        model = keras.Model([route, numbers], keras.layers.Dense(1)(keras.layers.Concatenate()([summed, numbers])))
        model.compile(keras.optimizers.Adam(0.01), loss="mse")
        model.fit(x, y, validation_data=(x, y), batch_size=20, epochs=2, verbose=0)

    case = observe(program, tmp_path)
    tapes = [item.tape for item in case.setup.evaluations]
    assert not any(leaf.value.is_meta for tape in tapes for leaf in tape.leaves.values())
    findings(case, "same-batch-repeated", "incomplete-epoch", "labels-mispaired", "duplicates-across-splits")
