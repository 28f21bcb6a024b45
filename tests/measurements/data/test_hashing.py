"""Row hashes against the bytes themselves."""

import hashlib
import warnings

import numpy as np
import pytest
import torch

from paramedic.measurements.data.hashing import row_hashes


def groups(keys):
    """For each row, the number of the first row that equals it."""
    first = {}
    return [first.setdefault(key, number) for number, key in enumerate(keys)]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(50, 3, 7),
        torch.randint(0, 2, (200, 5)),
        torch.randint(0, 3, (300, 3), dtype=torch.uint8),
        torch.randint(0, 4, (100,)),
        torch.randint(0, 4, (100,), dtype=torch.int32),
        torch.randn(40, 3).bfloat16().round(),
        torch.randint(-1, 2, (500, 6)).float(),
        torch.randint(0, 2, (64, 9)).bool(),
        torch.randn(3, 70_001),
        torch.randn(8, 4, 6).transpose(1, 2),
    ],
)
def test_rows_are_equal_exactly_where_their_bytes_are(tensor):
    tensor = torch.cat([tensor, tensor[::3]])
    flat = tensor.contiguous().reshape(len(tensor), -1).view(torch.uint8).numpy()
    slow = groups(hashlib.blake2b(row.tobytes()).digest() for row in flat)
    assert groups(row_hashes(tensor).tolist()) == slow


def test_sign_flips_and_swapped_cells_are_seen():
    row = torch.ones(1, 16, dtype=torch.float64)
    flips = torch.ones(16, 16, dtype=torch.float64) - 2 * torch.eye(16, dtype=torch.float64)
    pairs = torch.stack([row[0] * flips[i] * flips[j] for i in range(16) for j in range(i)])
    hashes = row_hashes(torch.cat([row, flips, pairs]))
    assert len(set(hashes.tolist())) == len(hashes)


def test_small_integers_spread_over_all_bits():
    hashes = row_hashes(torch.arange(4096))
    bits = np.unpackbits(hashes.view(np.uint8)).mean()
    assert abs(bits - 0.5) < 0.01
    assert len(np.unique(hashes >> np.uint64(32))) > 4090


def test_nan_equals_itself_and_inputs_stay_as_they_are():
    tensor = torch.tensor([[float("nan"), 1.0], [float("nan"), 1.0], [0.0, 1.0]], requires_grad=True)
    before = tensor.detach().clone()
    hashes = row_hashes(tensor)
    assert hashes[0] == hashes[1] != hashes[2]
    assert torch.equal(tensor.detach().nan_to_num(7), before.nan_to_num(7))


def test_dtype_and_size_matter():
    zeros = [
        torch.zeros(1, 2),
        torch.zeros(1, 4),
        torch.zeros(1, 2, dtype=torch.int32),
        torch.zeros(1, 1).double(),
    ]
    assert len({int(row_hashes(item)[0]) for item in zeros}) == len(zeros)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (4, 0)])
def test_empty_and_scalar(shape):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(row_hashes(torch.zeros(shape))) == (shape[0] if shape else 1)


def test_numpy_and_torch_agree_and_readonly_works():
    array = np.random.default_rng(0).normal(size=(20, 5))
    assert (row_hashes(array) == row_hashes(torch.from_numpy(array.copy()))).all()
