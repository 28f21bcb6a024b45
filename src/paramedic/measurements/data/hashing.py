"""64-bit hashes of the rows of a tensor: equal rows have equal hashes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

_BLOCK_WORDS = 1 << 15  # 256 KiB of 64-bit words: a block and its temporary stay in the second-level cache
_NARROW = 8  # numpy sums rows of fewer words than this one by one, several times slower than column by column
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xFF51AFD7ED558CCD)
_SECOND = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(33)
_SHORT_SHIFT = np.uint64(29)


def row_hashes(values: Tensor | np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """One 64-bit hash for each entry of the first dimension; a scalar counts as one row.

    Works on the bytes, so that rows with equal bytes (NaN included) and only those are equal, up to about
    n^2 / 2^65 expected collisions among n rows. Rows of another dtype or another row size hash differently.
    Each 64-bit word is keyed by its position and mixed (finalizer of MurmurHash3, Appleby 2011), and the words
    are summed: about 1 GB/s on one core.
    """
    tensor = values if isinstance(values, Tensor) else torch.from_numpy(np.ascontiguousarray(values))
    dtype = str(tensor.dtype)
    data = _bytes(tensor)
    rows, size = data.shape
    words = _words(data)
    total = np.zeros(rows, dtype=np.uint64)
    width = words.shape[1]
    columns = min(width, _BLOCK_WORDS) or 1
    height = max(1, _BLOCK_WORDS // columns)
    keys = _keys(width)
    for top in range(0, rows, height):
        for left in range(0, width, columns):
            block = words[top : top + height, left : left + columns] ^ keys[left : left + columns]
            total[top : top + height] += _row_sums(_mixed(block))
    return _mixed(total ^ np.uint64(_seed(dtype, size)))


def _bytes(tensor: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(rows, bytes of a row), without a copy where the tensor is contiguous and on the CPU."""
    flat = tensor.detach()
    if flat.layout != torch.strided:
        flat = flat.to_dense()
    if flat.is_quantized:
        flat = flat.int_repr()
    flat = flat.resolve_conj().resolve_neg().cpu().contiguous()
    rows = flat.shape[0] if flat.dim() else 1
    if flat.numel() == 0:
        return np.zeros((rows, 0), dtype=np.uint8)
    return flat.reshape(rows, -1).view(torch.uint8).numpy()


def _words(data: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Rows of bytes as 64-bit words, padded with zeros."""
    rows, size = data.shape
    if size == 4:
        return data.view(np.uint32).astype(np.uint64)
    if size % 8:
        padded = np.zeros((rows, -(-size // 8) * 8), dtype=np.uint8)
        padded[:, :size] = data
        data = padded
    return data.view(np.uint64)


def _mixed(words: np.ndarray[Any, np.dtype[np.uint64]]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """A bijective scrambling of every word, in place."""
    words *= _FIRST
    words ^= words >> _SHIFT
    words *= _SECOND
    words ^= words >> _SHORT_SHIFT
    return words


def _row_sums(block: np.ndarray[Any, np.dtype[np.uint64]]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    if block.shape[1] < _NARROW:
        return np.add.reduce([block[:, column] for column in range(block.shape[1])], axis=0, dtype=np.uint64)
    return block.sum(axis=1, dtype=np.uint64)


@lru_cache(maxsize=8)
def _keys(width: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """A key for each position in a row (the Weyl sequence of splitmix64, mixed)."""
    positions = np.arange(1, width + 1, dtype=np.uint64)
    return _mixed(positions * _GOLDEN)


def _seed(dtype: str, size: int) -> int:
    """A number for the kind of row: dtype and size in bytes."""
    seed = size + 1
    for character in dtype:
        seed = (seed * 0x100000001B3 ^ ord(character)) & 0xFFFFFFFFFFFFFFFF
    return seed
