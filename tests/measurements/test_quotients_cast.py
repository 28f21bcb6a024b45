"""Quotients that become integers, by the source's text."""

from __future__ import annotations

import ast

import pytest

from paramedic.measurements.source import quotients_cast_to_integers


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("(raw / raw.max()).astype(np.uint8)", [1]),
        ("(raw / 255.0).astype('uint8')", [1]),
        ("(raw / 255).to(torch.uint8)", [1]),
        ("(raw / 255).to(dtype=torch.long)", [1]),
        ("(raw / 255).byte()", [1]),
        ("np.uint8(raw / 255)", [1]),
        ("(raw / 255).astype(np.float32)", []),
        ("(raw / 255 > 0.5).astype(np.uint8)", []),
        ("(raw // 255).astype(np.uint8)", []),
        ("(raw / 255 * 255).astype(np.uint8)", []),
        ("raw.astype(np.uint8) / 255", []),
        ("(raw / 255).to(device)", []),
    ],
)
def test_the_lines_that_cast_a_quotient(text: str, lines: list[int]) -> None:
    assert quotients_cast_to_integers(ast.parse(text)) == lines
