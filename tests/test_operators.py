"""Faults that benchmarks put into healthy programs: one change, in the lines that are said."""

from __future__ import annotations

import ast

import pytest

from benchmarks.accuracy.injected import direction, harms
from benchmarks.accuracy.intervals import wilson
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


def test_wilson_interval() -> None:
    low, high = wilson(8, 10)  # 0.490 and 0.943 in Brown, Cai and DasGupta 2001
    assert abs(low - 0.490) < 1e-3 and abs(high - 0.943) < 1e-3
    assert wilson(0, 0) == (0.0, 1.0)


def test_what_counts_as_harm() -> None:
    assert harms(0.95, 0.5, rises=1, metric=False) and not harms(0.95, 0.93, rises=1, metric=False)
    assert harms(0.10, 0.20, rises=-1, metric=False) and not harms(0.10, 0.11, rises=-1, metric=False)
    assert harms(0.9, None, rises=1, metric=False) and harms(0.9, 1.4, rises=1, metric=True)
    assert direction('print("acc", a, "test mse", b)') == -1 and direction('print("loss", x)') is None
