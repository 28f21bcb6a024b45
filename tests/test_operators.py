"""Faults that benchmarks put into healthy programs: one change, in the lines that are said."""

from __future__ import annotations

import ast

import pytest

from benchmarks.accuracy.operators import OPERATORS, Operator, inject, inject_two
from benchmarks.programs import ROOT
from paramedic.catalogue import ROW_BY_ID

ENOUGH = 3  # programs that an operator is tried on
HEALTHY = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "programs/healthy").glob("*.py"))}


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=lambda item: item.name)
def test_operator_changes_some_healthy_program_in_the_lines_it_says(operator: Operator) -> None:
    found = {}
    for name, text in HEALTHY.items():
        item = inject(operator, text)
        if item is not None:
            found[name] = item
        if len(found) == ENOUGH:
            break
    assert found, "no program to put it into"
    for name, item in found.items():
        ast.parse(item.text)
        assert item.text != HEALTHY[name]
        assert item.lines and max(item.lines) <= len(item.text.splitlines())
    assert {operator.reason, *operator.also} <= set(ROW_BY_ID)


def test_there_are_operators_enough() -> None:
    assert len(OPERATORS) >= 40
    assert len({item.reason for item in OPERATORS.values()}) >= 20


def test_the_place_is_that_of_the_change() -> None:
    text = (
        "opt = torch.optim.SGD(net.parameters(), lr=0.1)\nfor x, y in loader:\n    opt.zero_grad()\n"
        "    loss = f(net(x), y)\n    loss.backward()\n    opt.step()\n"
    )
    item = inject(OPERATORS["no_zero_grad"], text)
    assert item is not None and "zero_grad" not in item.text
    assert [item.text.splitlines()[line - 1].strip() for line in item.lines] == [
        "opt = torch.optim.SGD(net.parameters(), lr=0.1)",
        "for x, y in loader:",
        "loss.backward()",
        "opt.step()",
    ]


def test_two_faults_keep_both_places() -> None:
    text = HEALTHY["digits_mlp_adam"]
    both = inject_two(OPERATORS["rate_times_100"], OPERATORS["no_zero_grad"], text)
    assert both is not None
    second, first = both
    assert first and second.lines and set(first) != set(second.lines)
