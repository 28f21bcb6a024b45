"""Features of rows for cheap probes: standardized principal components, random convolutions, token counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Floats = NDArray[np.float64]
COMPONENTS = 30
HASHED_TOKENS = 256


def row_features(inputs: Tensor, components: int = COMPONENTS) -> Floats:
    """(n, d) features of (n, ...) rows: numbers as standardized principal components, tokens as hashed counts."""
    return principal(_columns(inputs), components)


def _columns(inputs: Tensor) -> NDArray[Any]:
    if not inputs.is_floating_point() and inputs.dtype != torch.uint8 and inputs[0].numel() > 1:
        return token_counts(inputs)
    return inputs.detach().double().cpu().numpy().reshape(len(inputs), -1)


def principal(values: NDArray[Any], components: int = COMPONENTS) -> Floats:
    """Standardized columns, and their leading principal components where there are more than ``components``."""
    standard = _standardized(values)
    if standard.shape[1] <= components:
        return standard if standard.shape[1] else np.zeros((len(standard), 1))
    left, scale, _ = _leading(standard, components)
    return np.asarray(left * scale)


def _standardized(values: NDArray[Any]) -> Floats:
    """The columns that are not constant."""
    finite = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    spread = finite.std(axis=0)
    used = finite[:, spread > 1e-12 * (np.abs(finite).max(axis=0) + 1e-300)]
    return np.asarray((used - used.mean(axis=0)) / used.std(axis=0))


def variance_kept(inputs: Tensor, features: Floats) -> float:
    """Share of the variance of (n, ...) rows that their ``row_features`` have; 1 where all columns are features."""
    total = _standardized(_columns(inputs))
    return float((features**2).sum() / (total**2).sum()) if total.size else 1.0


def _leading(matrix: Floats, components: int) -> tuple[Floats, Floats, Floats]:
    """Leading singular triples; randomized (Halko, Martinsson and Tropp 2011) where the matrix is large."""
    from sklearn.utils.extmath import randomized_svd

    if min(matrix.shape) <= 2 * components:
        left, scale, right = np.linalg.svd(matrix, full_matrices=False)
        return left[:, :components], scale[:components], right[:components]
    found = randomized_svd(matrix, n_components=components, random_state=0)
    return found[0], found[1], found[2]


def token_counts(tokens: Tensor) -> Floats:
    """(n, HASHED_TOKENS) square roots of hashed unigram and bigram counts of integer rows."""
    rows = tokens.detach().cpu().reshape(len(tokens), -1).long().numpy()
    pairs = rows[:, :-1] * 1_000_003 + rows[:, 1:] + 17
    counts = np.zeros((len(rows), HASHED_TOKENS))
    for codes in (rows, pairs):
        hashed = (codes * 2_654_435_761 >> 7) % HASHED_TOKENS
        for column in range(hashed.shape[1]):
            counts[np.arange(len(rows)), hashed[:, column]] += 1
    return np.sqrt(counts)


def random_convolutions(images: Tensor, filters: int = 64, size: int = 5, seed: int = 0) -> Floats:
    """(n, 2 * filters) mean and maximum over positions of random filters on (n, C, H, W): features without training.

    Rows are standardized together first. Reference: Saxe et al., "On random weights and unsupervised feature
    learning", 2011.
    """
    generator = torch.Generator().manual_seed(seed)
    values = images.detach().float().cpu()
    values = (values - values.mean()) / (values.std() + 1e-12)
    size = min(size, *values.shape[2:])
    weight = torch.randn(filters, values.shape[1], size, size, generator=generator, device="cpu", dtype=torch.float32)
    weight = weight - weight.mean(dim=(1, 2, 3), keepdim=True)
    weight = weight / weight.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]
    with torch.no_grad():
        maps = [functional.relu(functional.conv2d(part, weight)) for part in values.split(64)]
    pooled = torch.cat([torch.cat([part.mean(dim=(2, 3)), part.amax(dim=(2, 3))], dim=1) for part in maps])
    return np.asarray(pooled.double().numpy())


def random_kernels(series: Tensor, kernels: int = 240, length: int = 9, seed: int = 0) -> Floats:
    """(n, 2 * kernels) share of positive values and maximum of random dilated kernels on (n, C, T): no training.

    Channels are standardized over all rows first. Reference: Dempster, Petitjean and Webb, "ROCKET", 2020.
    """
    generator = torch.Generator().manual_seed(seed)
    values = series.detach().float().cpu()
    spread = values.std(dim=(0, 2), keepdim=True)
    values = (values - values.mean(dim=(0, 2), keepdim=True)) / spread.clamp_min(1e-12)
    length = min(length, values.shape[2])
    reach = (values.shape[2] - 1) // max(1, length - 1)
    dilations = [2**power for power in range(max(1, reach).bit_length()) if 2**power <= max(1, reach)]
    pooled = []
    for dilation in dilations:
        count = -(-kernels // len(dilations))
        weight = torch.randn(count, values.shape[1], length, generator=generator, dtype=torch.float32)
        weight = weight - weight.mean(dim=2, keepdim=True)
        with torch.no_grad():
            answers = torch.cat([functional.conv1d(part, weight, dilation=dilation) for part in values.split(64)])
        # The bias is drawn from the kernel's own answers, so that some values are above it and some below.
        drawn = torch.randint(answers[:, 0].numel(), (count,), generator=generator)
        bias = answers.transpose(0, 1).reshape(count, -1)[torch.arange(count), drawn]
        pooled.append((answers > bias[None, :, None]).double().mean(dim=2))
        pooled.append(answers.amax(dim=2).double())
    return np.asarray(torch.cat(pooled, dim=1).numpy())
