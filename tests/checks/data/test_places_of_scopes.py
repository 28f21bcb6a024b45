"""Lines that a person would change: around a call, inside the functions that a line calls, and the user's own calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic.checks.data.places import REORDERING, calls, line_fits, one_sided_line, scope_of_call
from paramedic.trace.place import Place

PROGRAM = """\
import numpy as np, torch

@torch.no_grad()
def embed(model, x):
    return model(x)

def ranks(values):
    return np.argsort(values)

def show(model, x):
    with torch.inference_mode():
        y = model(x)
    return y + model(x)

x, raw = load()
q = ranks(raw)
loss = compare(model(x), q)
trainer.fit(model)
scheduler.step()
"""


@pytest.fixture
def at(tmp_path: Path):  # type: ignore[no-untyped-def]
    (tmp_path / "program.py").write_text(PROGRAM)
    return lambda line: Place(str(tmp_path / "program.py"), line)


@pytest.mark.parametrize(("line", "scope"), [(5, 3), (12, 11), (13, None), (15, None)])
def test_where_gradients_are_switched_off(at, line: int, scope: int | None) -> None:  # type: ignore[no-untyped-def]
    found = scope_of_call(at(line), "no_grad", "inference_mode")
    assert (found.line if found is not None else None) == scope


def test_in_the_function_that_only_one_side_goes_through(at) -> None:  # type: ignore[no-untyped-def]
    found = one_sided_line(at(17), calls(*REORDERING))
    assert found is not None and found.line == 8


def test_a_framework_makes_the_call(at) -> None:  # type: ignore[no-untyped-def]
    assert line_fits(at(19), calls("step")) and not line_fits(at(18), calls("step"))
    assert not line_fits(None, calls("step"))
