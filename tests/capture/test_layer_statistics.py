"""The statistics of all sampled tensors of a step, computed in one go."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from paramedic.capture.observer import Observer
from paramedic.capture.sampling import SAMPLE, quick_sample, sample, statistics
from paramedic.report.charts import charts
from paramedic.trace.store import Trace, TraceWriter
from tests.helpers import observe


@pytest.mark.parametrize("other", [torch.zeros(()), torch.randn(3000), torch.randn(5, dtype=torch.float64)])
def test_each_tensor_has_its_own_statistics(other: torch.Tensor) -> None:
    torch.manual_seed(0)
    tensors = [torch.randn(5000) * 3 + 1, torch.randn(7).half(), torch.randn(40, 50).t(), torch.zeros(3), other]
    for tensor, found in zip(tensors, statistics([sample(item) for item in tensors]), strict=True):
        values = sample(tensor).double()
        wanted = [values.mean(), values.std(correction=0), values.min(), values.max(), (values == 0).double().mean(), 0.0]
        assert found == pytest.approx([float(item) for item in wanted], rel=1e-4, abs=1e-6)


def test_nonfinite_values_are_counted_and_left_out() -> None:
    inf, nan = math.inf, math.nan
    some, none = statistics([torch.tensor([nan, 1.0, 2.0, 0.0, inf]), torch.tensor([inf, -inf, nan])])
    assert some == pytest.approx([1.0, math.sqrt(2 / 3), 0.0, 2.0, 1 / 3, 2 / 5])
    assert all(math.isnan(value) for value in none[:4]) and none[4:] == [0.0, 1.0]


def test_a_sample_is_a_copy_spread_over_the_tensor() -> None:
    tensor = torch.arange(10.0 * SAMPLE, requires_grad=True)
    found = sample(tensor)
    assert 0.8 * SAMPLE < len(found) <= SAMPLE and not found.requires_grad
    assert set(found.diff().tolist()) == {11.0}
    with torch.no_grad():
        tensor.zero_()
    assert float(found[-1]) > 10.0 * SAMPLE - 12


SHAPES = [(256, 64), (300, 1500), (64, 32, 3, 3), (7, 1024), (1025, 1), (2, 600), (42, 30), (32, 16, 24, 24)]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_sample_comes_from_all_columns_and_rows(shape: tuple[int, ...]) -> None:
    """A pixel that is always black has no gradient at its weights; the others have."""
    position = torch.arange(torch.Size(shape).numel(), dtype=torch.float64).reshape(shape)
    found = sample(position).long()
    assert torch.equal(torch.as_tensor(quick_sample(position)).long(), found)
    assert 0.5 * SAMPLE <= len(found) == len(found.unique()) <= SAMPLE
    last = found % shape[-1]
    assert len(last.unique()) >= min(shape[-1], 0.6 * len(found))
    assert len((found // shape[-1]).unique()) >= min(position.numel() // shape[-1], 0.5 * len(found))
    assert int(found.min()) == 0 and int(found.max()) >= 0.99 * position.numel() - 2


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
def test_a_quick_sample_is_the_same_sample(kind: torch.dtype) -> None:
    for tensor in (torch.randn(7), torch.randn(60, 90), torch.randn(60, 90).t(), torch.randn(3 * SAMPLE + 5), torch.zeros(0)):
        tensor = tensor.to(kind)
        found = quick_sample(tensor)
        assert torch.equal(torch.as_tensor(found), sample(tensor))
        tensor.zero_()
        assert not len(found) or bool((found != 0).any()), "a copy"


def test_samples_of_many_steps_wait_for_each_other_and_all_arrive(tmp_path: Path) -> None:
    observer = Observer(TraceWriter(tmp_path / "trace.sqlite"), overhead=1e9)
    observer.install()
    try:
        torch.manual_seed(0)
        model = torch.nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        weights = []
        for _ in range(200):
            optimizer.zero_grad()
            weights.append(float(model.weight.detach().mean()))
            model(torch.ones(2, 4)).square().mean().backward()
            optimizer.step()
    finally:
        observer.remove()
        observer.writer.close()
    trace = Trace(tmp_path / "trace.sqlite")
    rows = [row for row in trace.layers("weight") if row.path.endswith("weight")]
    trace.close()
    dense = {0, 1, 2, 4, 8, 16, 32, 64, *range(66, 200)}
    assert {row.step for row in rows} >= dense - {65}
    assert all(row.mean == pytest.approx(weights[row.step], abs=1e-6) for row in rows)


@pytest.mark.parametrize(("scale", "share"), [(1e-3, 0.0), (1e3, 1.0)])
def test_the_share_of_saturated_values_is_followed(scale: float, share: float, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 30), nn.Tanh(), nn.Linear(30, 30), nn.Sigmoid(), nn.Linear(30, 1), nn.ReLU())
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.weight.mul_(scale)
            layer.bias.mul_(scale)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)

    def program() -> None:
        for _ in range(5):
            optimizer.zero_grad()
            model(torch.randn(16, 4)).mean().backward()
            optimizer.step()

    trace = observe(program, tmp_path).trace
    rows = trace.layers("saturated")
    assert {row.path for row in rows} == {"model.1", "model.3"}  # not of functions without a flat part
    assert [row.mean for row in rows] == pytest.approx([share] * len(rows), abs=0.06)
    (map_,) = [item for item in charts(trace)["heat"] if "saturated" in item["title"]]
    assert map_["layers"] == ["model.1", "model.3"] and map_["scale"] == "share"
