"""How well outputs give a target."""

from __future__ import annotations

import torch

from paramedic.measurements.loss import agreement


def test_mixed_labels_agree_with_the_logits_that_give_them() -> None:
    """Rows of a mixed-up pair of labels: most entries are zero, whose logits may have any order."""
    generator = torch.Generator().manual_seed(0)
    target = torch.zeros(64, 10)
    rows = torch.arange(64)
    share = torch.rand(64, generator=generator)
    target[rows, torch.randint(10, (64,), generator=generator)] += share
    target[rows, torch.randint(10, (64,), generator=generator)] += 1 - share
    logits = target.clamp(min=1e-4).log() + 0.3 * torch.randn(64, 10, generator=generator) * (target == 0)
    found = agreement(logits, target)
    assert found is not None and found > 0.99
    other = agreement(logits.roll(1, 0), target)
    assert other is not None and other < 0.5
