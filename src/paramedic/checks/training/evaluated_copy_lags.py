"""An evaluation of a copy of the network that has not followed its training."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.data.places import calls
from paramedic.checks.data.predicted import answers
from paramedic.checks.data.samples import Batch, batches, class_labels
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.checks.implementation.wiring import initial_value
from paramedic.measurements.source import parsed
from paramedic.trace.place import Place

LEAST_ROWS = 50
LEAST_GAIN = 0.1  # of the rows, right with the trained weights and wrong with the copy's
Z = 4.0
MOST_BATCHES = 40
NEVER = 0.999  # of the initial weights: the copy was never brought up to date


@dataclass(frozen=True)
class Lag:
    """Shares of ``rows`` that are right with the copy's weights and with those of the trained network; kept: the part of the
    initial weights that the copy still has (None where they are not known)."""

    copied: float
    trained: float
    rows: int
    spread: float
    kept: float | None


class EvaluatedCopyLags(Check):
    """What is evaluated is a copy of the network (a moving average of its weights) that lags behind it.

    What it measures: how many of the recorded validation rows the copy gets right with its own weights, and with those of the
    trained network put into it; and how much of the initial weights the copy still holds.
    Why it matters: a decay of 0.9999 forgets its beginning in tens of thousands of updates; after a few hundred the average is
    almost the untrained network. The network itself is fine.
    Fix: a smaller decay, min(decay, (1 + n) / (10 + n)) for update n, or bring the copy up to date before it is evaluated.
    Not a fault when: the copy is meant to be another network (a teacher, the network before fine-tuning) and another
        evaluation looks at the trained one.
    References: Tarvainen and Valpola 2017, "Mean teachers are better role models", on the ramp-up of the decay; the article's
        reason 29.
    """

    reason = "R29"
    name = "evaluated-copy-lags"
    also = ("R31", "R21")
    needs = ("replay", "evaluation")
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        evaluated = [batch for batch in batches(case, "validation") if batch.target is not None]
        pairs = _copies(case, evaluated)
        if not pairs:
            raise NotApplicable("no copy of a trained network is evaluated")
        if any(batch.module is trained for _, trained in pairs for batch in evaluated):
            raise Passed("the trained network is evaluated too")
        for copy, trained in pairs:
            mine = [batch for batch in evaluated if batch.module is copy]
            last = [batch for batch in mine if batch.step == mine[-1].step]
            lag = _compared(case, last[-MOST_BATCHES:], copy, trained)
            if lag is None or lag.rows < LEAST_ROWS:
                raise NotChecked("the answers of the copy could not be had for 50 rows with a class label")
            if lag.trained - lag.copied >= LEAST_GAIN and lag.trained - lag.copied > Z * lag.spread:
                yield self._finding_of(case, lag, mine[-1].place)
                return
        raise Passed("the copy is as good as the trained network")

    def _finding_of(self, case: Case, lag: Lag, place: Place | None) -> Finding:
        holds = f", and still holds {lag.kept:.0%} of the initial weights" if lag.kept is not None else ""
        steps = max((record.steps for record in case.setup.optimizers), default=0)
        never = lag.kept is not None and lag.kept > NEVER
        advice = "bring the copy up to date" if never else "use a smaller decay, or let it grow with the updates"
        gain, half = lag.trained - lag.copied, 1.96 * lag.spread
        return self.fault(
            f"what is evaluated is a copy of the network that lags behind it: it gets {lag.copied:.0%} of {lag.rows} "
            f"validation rows right, and {lag.trained:.0%} with the trained weights (no difference expected){holds} after "
            f"{steps} updates: {advice}",
            where=_averaging(place) or place,
            evidence=(
                Evidence("validation rows that the copy gets right", round(lag.copied, 4), f"about {lag.trained:.2f}"),
                Evidence("part of the initial weights in the copy", round(lag.kept or 0.0, 4), "about 0"),
            ),
            remedy=f"{advice}; evaluate the trained network beside it",
            proof=Proof(
                "the trained weights in the place of the copy's",
                round(lag.copied, 4),
                round(lag.trained, 4),
                (round(gain - half, 4), round(gain + half, 4)),
                1,
                "of the validation rows right",
                "the weights of the copy that is evaluated",
            ),
            explains=("R30", "R32", "R15", "R31"),
            exact=True,
        )


def _copies(case: Case, evaluated: list[Batch]) -> list[tuple[nn.Module, nn.Module]]:
    """Evaluated modules that no optimizer holds, each with the trained module that it is a copy of."""
    held = {id(parameter) for record in case.setup.optimizers for parameter in record.parameters}
    trained = [item for item in case.lab.modules() if any(id(p) in held for p in item.parameters())]
    modules = {id(batch.module): batch.module for batch in evaluated}
    found = []
    for copy in modules.values():
        parameters = list(copy.parameters())
        if not parameters or any(id(parameter) in held for parameter in parameters):
            continue
        same = [item for item in trained if type(item) is type(copy) and _shapes(item) == _shapes(copy)]
        found += [(copy, same[0])] if len(same) == 1 else []
    return found


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in module.state_dict().items()}


def _compared(case: Case, evaluated: list[Batch], copy: nn.Module, trained: nn.Module) -> Lag | None:
    with case.lab.at("final"):
        own = _right(case, evaluated)
        kept = _kept(case, copy, trained)
        with _weights_of(trained, copy):
            other = _right(case, evaluated)
    if own is None or other is None or len(own) != len(other):
        return None
    difference = other.astype(float) - own.astype(float)
    spread = float(difference.std(ddof=1)) / math.sqrt(len(difference)) if len(difference) > 1 else math.inf
    return Lag(float(own.mean()), float(other.mean()), len(own), spread, kept)


def _right(case: Case, evaluated: list[Batch]) -> NDArray[np.bool_] | None:
    """Whether each row's answer is its label."""
    parts = []
    for batch in evaluated:
        labels = class_labels(batch.target, batch.flow.loss)
        given = answers(case, batch) if labels is not None else None
        if labels is None or given is None or len(given) != len(labels):
            return None
        parts.append(given == labels)
    return np.concatenate(parts) if parts else None


def _kept(case: Case, copy: nn.Module, trained: nn.Module) -> float | None:
    """The part of the way back from the trained to the initial weights at which the copy stands: 1 for a copy that was made
    before the training and never changed."""
    along = length = 0.0
    for mine, theirs in zip(copy.parameters(), trained.parameters(), strict=True):
        first = initial_value(case, theirs)
        if first is None or first.shape != theirs.shape:
            continue
        way = first.double() - theirs.detach().double()
        along += float(((mine.detach().double() - theirs.detach().double()) * way).sum())
        length += float(way.square().sum())
    return along / length if length > 0 else None


@contextmanager
def _weights_of(trained: nn.Module, copy: nn.Module) -> Iterator[None]:
    pairs = list(zip(copy.state_dict(keep_vars=True).values(), trained.state_dict(keep_vars=True).values(), strict=True))
    tensors = [(mine, theirs) for mine, theirs in pairs if isinstance(mine, Tensor)]
    before = [mine.detach().clone() for mine, _ in tensors]
    with torch.no_grad():
        try:
            for mine, theirs in tensors:
                mine.copy_(theirs)
            yield
        finally:
            for (mine, _), value in zip(tensors, before, strict=True):
                mine.copy_(value)


def _averaging(place: Place | None) -> Place | None:
    """The line of the file that moves the copy after the network; where the copy is made, if there is none."""
    tree = parsed(place.file) if place is not None else None
    if tree is None or place is None:
        return None
    for pattern in (calls("lerp_"), _moves, calls("update_parameters"), calls("AveragedModel", "deepcopy")):
        lines = [node.lineno for node in ast.walk(tree) if pattern(node)]  # type: ignore[attr-defined]
        if lines:
            return Place(place.file, min(lines))
    return None


def _moves(node: ast.AST) -> bool:
    """``average.mul_(decay).add_(parameter, alpha=1 - decay)``"""
    add = calls("add_")(node)
    return add and isinstance(node.func, ast.Attribute) and calls("mul_")(node.func.value)  # type: ignore[attr-defined]
