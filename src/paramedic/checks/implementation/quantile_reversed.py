"""A quantile loss that learns the opposite quantile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Real

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, Passed
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.custom_loss import SYMPTOMS, loss_place, trials
from paramedic.experiments.loss_trial import MULTIPLICATIONS, LossTrial
from paramedic.measurements.source import function_at, parsed, quantile_names
from paramedic.trace.place import Place

FAR = 1e3  # beyond every target, in their largest size
SAME = 1e-3  # relative difference of slopes that are constant; of quantiles that are equal
NOT_THE_MEDIAN = 0.01
DIFFERENCES = {"sub", "__sub__", "rsub", "__rsub__"}
DIVISIONS = {"div", "__truediv__"}
MOST_FACTORS = 99  # of one tensor


class QuantileReversed(Check):
    """A quantile (pinball) loss weighs its errors the wrong way round: it learns the quantile 1 - q where q is given.

    What it measures: the slopes of the loss above and below all targets, whose ratio is the quantile that it teaches; and the
    quantiles that its formula is given, read from the constants that the errors are multiplied by and from the source
    ("q - 1" or "1 - q").
    Why it matters: the upper end of an interval becomes its lower end; the loss falls as it should.
    Fix: the error is target minus prediction in max(q * error, (q - 1) * error).
    Not a fault when: one weight is a price for predictions that are too large, and no quantile; then only a name tells, and
    a single output is reported only where the program speaks of quantiles.
    References: Koenker and Bassett 1978, "Regression quantiles"; the article's reason 18.
    """

    reason = "R18"
    name = "quantile-reversed"
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        seen = False
        for _, trial in trials(case):
            learned = learned_quantiles(trial)
            given, named, place = _given(trial, len(learned)) if learned else ((), False, None)
            if not given:
                continue
            seen = True
            opposite = all(abs(one + other - 1) < SAME for one, other in zip(learned, given, strict=True))
            decided = max(abs(value - 0.5) for value in given) > NOT_THE_MEDIAN
            if opposite and decided and (named or len(set(given)) > 1):
                yield self._finding_of(learned, given, place)
                return
        if not seen:
            raise NotApplicable("no loss is a quantile's")
        raise Passed("the loss teaches the quantiles that it is given")

    def _finding_of(self, learned: Sequence[float], given: Sequence[float], place: Place | None) -> Finding:
        pairs = ", ".join(f"{one:.3g} where {other:.3g} is given" for one, other in list(zip(learned, given, strict=True))[:4])
        return self.fault(
            f"the quantile loss teaches the opposite quantile: {pairs}: it weighs prediction minus target where "
            "the formula wants target minus prediction",
            where=place,
            evidence=(
                Evidence("quantiles that are learned", ", ".join(f"{item:.3g}" for item in learned[:4]),
                         ", ".join(f"{item:.3g}" for item in given[:4])),
            ),
            remedy="exchange prediction and target in the difference",
            explains=(*SYMPTOMS, "R21"),
            exact=True,
        )


def learned_quantiles(trial: LossTrial) -> list[float]:
    """For each column of the outputs, the quantile of the targets at which a loss of constant slopes is smallest; empty where
    the slopes are not constant, or one side has none."""
    sizes = [float(item.abs().max()) for item in trial.free.targets if item.numel() and item.is_floating_point()]
    if not sizes or any(not item.is_floating_point() or item.dim() == 0 for item in trial.tail.outputs):
        return []
    far = FAR * max(1.0, *sizes)
    above, further, below = (
        trial.gradient([torch.full_like(item, value) for item in trial.tail.outputs]) for value in (far, 2 * far, -far)
    )
    found: list[float] = []
    for high, higher, low in zip(above, further, below, strict=True):
        if not torch.allclose(high, higher, rtol=SAME, atol=0.0):
            return []
        up, down = _columns(high), -_columns(low)
        if bool((up <= 0).any()) or bool((down <= 0).any()):
            return []
        found += (down / (down + up)).tolist()
    return found


def _columns(slopes: Tensor) -> Tensor:
    return slopes.double().reshape(-1, slopes.shape[-1] if slopes.dim() > 1 else 1).sum(0)


def _given(trial: LossTrial, count: int) -> tuple[tuple[float, ...], bool, Place | None]:
    """The quantiles of ``count`` columns that the formula is given; whether the source calls them so; where errors are made."""
    place = loss_place(trial)
    tree = parsed(place.file) if place is not None else None
    function = function_at(tree, place.line) if tree is not None and place is not None else None
    named = quantile_names(function or tree) if tree is not None else None
    if named is None:
        return (), False, place
    tensor = _subtracted_from_one(trial)
    if tensor is not None and tensor.numel() == count:
        return tuple(tensor.detach().double().flatten().tolist()), named.speaks_of_quantiles, place
    factors = list(_factors(trial))
    sign = 1 if named.from_above else -1
    paired = [one for one in factors if any(one * other < 0 and abs(abs(one - other) - 1) < SAME for other in factors)]
    values = [sign * value for value in paired if sign * value > 0]
    if len(set(values)) == 1:
        values = values[:1] * count
    return tuple(values) if len(values) == count else (), named.speaks_of_quantiles, place


def _subtracted_from_one(trial: LossTrial) -> Tensor | None:
    """The tensor of numbers between 0 and 1 of which the formula takes the difference to 1."""
    for call in trial.tail.operations.on_path():
        if call.name in DIFFERENCES and len(call.inputs) == 1 and 1 in [item for item in call.args if isinstance(item, Real)]:
            value = call.inputs[0]
            if not value.requires_grad and bool(((value > 0) & (value < 1)).all()):
                return value
    return None


def _factors(trial: LossTrial) -> Iterator[float]:
    """Constants by which what depends on the outputs is multiplied, one after the other."""
    free = trial.tail.depends_on(trial.tail.outputs)
    for call in trial.tail.calls:
        if call.name not in MULTIPLICATIONS - DIVISIONS:
            continue
        for item in call.args[:2]:
            if isinstance(item, Real) and not isinstance(item, int):
                yield float(item)
            elif isinstance(item, Tensor) and id(item) not in free and item.numel() <= MOST_FACTORS:
                yield from item.detach().double().flatten().tolist()
