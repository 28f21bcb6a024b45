"""The statistics of all sampled tensors of a step, computed in one go."""

from __future__ import annotations

import math

import pytest
import torch

from paramedic.capture.sampling import SAMPLE, sample, statistics


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
    assert len(found) == SAMPLE and not found.requires_grad
    assert float(found[1] - found[0]) == 10.0
    with torch.no_grad():
        tensor.zero_()
    assert float(found[-1]) == 10.0 * (SAMPLE - 1)
