"""Progress of networks that several optimizers train in turn by different losses.

A generator's own loss says how well it fools its judge at that moment, and nothing of how good it is: what is measured is
how far its samples are from the real ones that the judge is shown. Other losses are measured each by itself, where what it
learns from stays the same while the other networks change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from paramedic.checks.check import NotChecked
from paramedic.experiments.interventions import (
    LEARNING_RATE_FACTORS,
    LearningRate,
    Remedy,
    StandardInitialization,
)
from paramedic.experiments.lab import Intervention, Lab
from paramedic.experiments.progress import Probe, Scale, scale_of, spread, train_probes, weighs_own_samples
from paramedic.measurements.contest import Contest, contest_of, losses_of
from paramedic.measurements.energy_distance import distance_of_a_constant, energy_distance
from paramedic.trace.setup import BackwardRecord, OptimizerStep, Setup, StepEvent, parameters_of
from paramedic.trace.tape import Tape

TAPES = 8  # recorded steps of each side that samples are taken from
SAMPLES = 512  # of each side: equal ones are then 0.002 of the distance of a constant apart, at most 0.008 (digits, 2026-11-26)
LEAST_SAMPLES = 16
# u at the end of a run: -0.02 to 0.35 with eight healthy pairs of networks of programs/, 1.5 with one that was hardly trained
# (2026-11-26).
FAILING = 0.5
SHARES = 0.5, 0.9  # of the time left (see counterfactual.FIRST_SHARE): most other experiments are not made there
MOST_STEPS = 400  # optimizer steps of a replay; six healthy pairs of programs/ reach u = 0.05 to 0.4 in so many, one 0.7 to 1.0
TRIED = frozenset({"learning-rate-too-high", "learning-rate-too-low", "badly-scaled-initialization"})
NOT_TRIED = "networks are trained in turn by different losses: only learning rates and initial weights are tried there"


@dataclass(eq=False)
class GeneratedSamples(Probe):
    """The energy distance of what a generator makes to the real samples."""

    pairs: Sequence[tuple[Tape, int]] = ()
    real: Tensor = field(default_factory=lambda: torch.zeros(0, 1))

    def loss(self) -> float:
        return energy_distance(judged(self.pairs, self.change), self.real)


@dataclass(eq=False)
class OneLoss(Probe):
    """u of one of several losses."""

    probes: Sequence[Probe] = ()
    scale: Scale = field(default_factory=lambda: Scale(0.0, 1.0))

    def loss(self) -> float:
        return self.scale.u(sum(probe.loss() for probe in self.probes) / len(self.probes))


@dataclass(frozen=True)
class Gauge:
    """What progress is measured by. of_samples: by what a generator makes; unmeasured: losses that have no measure.

    in_turn: several networks are trained in turn; else the loss has no scale of its own (``own_floor``). tried: the causes
    whose remedies are tried, and ``remedies`` gives; why_not_tried: why no others are.
    """

    probes: list[Probe]
    scale: Scale
    of_samples: bool
    unmeasured: int = 0
    in_turn: bool = True
    tried: frozenset[str] = TRIED
    why_not_tried: str = NOT_TRIED
    remedies: Callable[[Lab], list[Remedy]] = field(default_factory=lambda: remedies)


def trained_in_turn(steps: Iterable[Sequence[StepEvent]]) -> bool:
    """Whether several optimizers train by different losses."""
    steps = list(steps)
    used = {event.optimizer for step in steps for event in step if isinstance(event, OptimizerStep)}
    kinds = {
        _kind(event.tape)
        for step in steps
        for event in step
        if isinstance(event, BackwardRecord) and event.tape is not None
    }
    return len(used) > 1 and len(kinds) > 1


def gauge(lab: Lab, count: int, change: Intervention) -> Gauge:
    """How progress is measured. Raises NotChecked where it cannot be.

    count: batches per loss; change: what makes a loss another one.
    """
    contest = contest_of(lab.setup)
    if contest is not None:
        return _of_samples(lab, contest, change)
    return _of_losses(lab, count, change)


def no_verdict(gauge: Gauge, failed: int | None) -> str | None:
    """Why a cause that was not found may be there. failed: of a run that failed, the steps in which no change helped."""
    if failed is not None and failed < MOST_STEPS:
        return f"no change helped within replays of {failed} steps, which may be too few: a larger --budget makes them longer"
    if not gauge.unmeasured:
        return None
    return (
        f"{gauge.unmeasured} of {gauge.unmeasured + len(gauge.probes)} losses that are trained in turn have no measure of "
        "their own: they depend on what another network makes"
    )


def remedies(lab: Lab) -> list[Remedy]:
    """What is tried: the rate of each optimizer and of all, and the initial weights."""
    used = [number for number, record in enumerate(lab.setup.optimizers) if record.steps]
    rates = [LearningRate(factor, number) for number in (*used, None) for factor in LEARNING_RATE_FACTORS]
    return [StandardInitialization(), *rates]


def comes_last(remedy: Remedy) -> bool:
    """All rates at once, which is tried where no rate of one optimizer helps."""
    return isinstance(remedy, LearningRate) and remedy.optimizer_index is None


# -- a generator and its judge --------------------------------------------------------------------------------------


def judged(pairs: Sequence[tuple[Tape, int]], change: Intervention) -> Tensor:
    """What the judge is given, as rows of numbers, at most SAMPLES of them."""
    rows: list[Tensor] = []
    for tape, number in pairs:
        value = tape.run(until=number, modes=False, **change.tape_options(tape))[number].detach()
        rows.append(value.flatten(1).float())
        if sum(map(len, rows)) >= SAMPLES:
            break
    return torch.cat(rows)[:SAMPLES]


def _of_samples(lab: Lab, contest: Contest, change: Intervention) -> Gauge:
    real_pairs, pairs = spread(contest.real, TAPES), spread(contest.generated, TAPES)
    try:
        with lab.at("initial"), torch.no_grad():
            real, made = judged(real_pairs, change), judged(pairs, change)
    except Exception as error:  # no rows of numbers, or rows of several lengths
        raise NotChecked(f"what the judge is given could not be compared: {type(error).__name__}") from error
    if real.shape[1:] != made.shape[1:] or min(len(real), len(made)) < LEAST_SAMPLES:
        raise NotChecked("what the judge is given are no samples that could be compared")
    constant = distance_of_a_constant(real)
    if not (math.isfinite(constant) and constant > 0):
        raise NotChecked("the real samples are all the same, or not finite")
    probe = GeneratedSamples(pairs[0][0], change=change, pairs=pairs, real=real)
    return Gauge([probe], Scale(0.0, constant), of_samples=True)


# -- losses by themselves -------------------------------------------------------------------------------------------


def _of_losses(lab: Lab, count: int, change: Intervention) -> Gauge:
    setup = lab.setup
    by_kind: dict[tuple[str, ...], list[tuple[Tape, int]]] = {}
    for tape, optimizer in losses_of(setup):
        by_kind.setdefault(_kind(tape), []).append((tape, optimizer))
    if any(weighs_own_samples(pairs[0][0]) for pairs in by_kind.values()):
        raise NotChecked(
            "a policy is trained by the return of its own samples: what another rate or another start had earned cannot be "
            "seen on the recorded ones, which the policy as it was has drawn"
        )
    probes: list[Probe] = []
    for pairs in by_kind.values():
        tape = pairs[0][0]
        if tape.derivatives or _read(tape) & _held_by_others(setup, pairs[0][1]):
            continue  # what it learns from changes with another network
        own = train_probes(lab, count, change, [item for item, _ in pairs])
        scale = scale_of(lab, own)
        if scale is not None:
            probes.append(OneLoss(tape, change=change, probes=own, scale=scale))
    if not probes:
        raise NotChecked(
            "networks are trained in turn, each of them by what another one makes: no loss of theirs says how far they are"
        )
    return Gauge(probes, Scale(0.0, 1.0), of_samples=False, unmeasured=len(by_kind) - len(probes))


def _kind(tape: Tape) -> tuple[str, ...]:
    return tuple(node.name for node in tape.nodes)


def _read(tape: Tape) -> set[int]:
    """Ids of all parameters that a loss is computed from."""
    found = {id(leaf.value) for leaf in tape.leaves.values() if leaf.parameter}
    return found | {id(p) for node in tape.module_calls() for p in node.module.parameters()}  # type: ignore[union-attr]


def _held_by_others(setup: Setup, optimizer: int) -> set[int]:
    return {
        id(p) for number, record in enumerate(setup.optimizers) if number != optimizer
        for p in parameters_of(record.optimizer)
    }  # fmt: skip
