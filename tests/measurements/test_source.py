"""Facts read from a program's source."""

from __future__ import annotations

import ast

from paramedic.measurements.metric_source import evaluation_loops, full_batch_counts
from paramedic.measurements.source import overwritten_at, unpacked

OVERWRITTEN = """
def forward(self, x):
    h = self.embed(x)
    p = self.position(x)
    h = self.blocks(p)
    return h
"""


def test_a_value_that_is_assigned_again_unread() -> None:
    tree = ast.parse(OVERWRITTEN)
    assert overwritten_at(tree, 3) == 5
    assert overwritten_at(tree, 4) is None  # read on line 5


def test_settings_are_no_data() -> None:
    tree = ast.parse("def main(args):\n    for x, y in loader:\n        loss(net(x), y, args)\n    print(args.lr)\n")
    assert {"x", "y"} <= unpacked(tree)
    assert "args" not in unpacked(tree)


def counts(body: str, after: str) -> list[tuple[int, str]]:
    tree = ast.parse(f"total = 0\nfor x, y in loader:\n    {body}\nprint({after})\n")
    loop = next(evaluation_loops(tree, 3))
    return [(found.line, found.divisor) for found in full_batch_counts(tree, loop)]


def test_batches_that_all_count_as_full() -> None:
    assert counts("total += (net(x) == y).float().mean().item() * size", "total / n") == [(3, "size")]
    assert counts("total += (net(x) == y).sum()", "total / (len(loader) * size)") == [(4, "len(loader) * size")]


def test_batches_that_count_with_their_own_rows() -> None:
    assert counts("total += (net(x) == y).float().mean().item() * len(y)", "total / n") == []
    assert counts("total += (net(x) == y).sum()", "total / len(loader.dataset)") == []
    assert counts("total += (net(x) == y).float().mean()", "total / len(loader)") == []
