"""The program's own network, made anew with one of its constructor's small numbers larger: a wider copy of it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from paramedic.checks.check import NotChecked
from paramedic.experiments import half_learned
from paramedic.experiments.counterfactual import (
    SEEDS,
    VALIDATION_GAIN,
    Diagnosis,
    Outcome,
    Trial,
    outcome,
    run,
)
from paramedic.experiments.interventions import Remedy, Together
from paramedic.experiments.lab import Curve, Intervention, Lab, Repeatable, row_constants
from paramedic.experiments.progress import Probe, main_tapes, penalties, scale_of, spread
from paramedic.measurements.data.hashing import row_hashes
from paramedic.trace.setup import ModelRecord, StepEvent
from paramedic.trace.tape import Tape, tensors_of

SMALL = 8  # numbers above it are no bottleneck by themselves (a guess, 2026-11-26; the bottlenecks of programs/ are 1 to 4)
WIDER, LEAST_WIDE = 4, 16  # times as large, and at least so large
SMALL_FACTOR, FACTOR_WIDER = 0.5, 16  # a factor of widths below this (MobileNet has 0.25 to 2), times so much, at most 1
HELD_OUT = 4  # one of so many recorded steps, the last ones, is not trained on but measured
SEEN = 0.2  # of the held-out rows: more of them among the trained ones, and nothing is held out
MOST_STEPS = 2000
SHARE_OF_TIME = 0.6  # of what is left, for all replays
LEAST_STEPS = 20
PREFIX = "wider-copy-"


@dataclass(frozen=True)
class Number:
    """A small number in the constructor's arguments: of the argument itself, or of what it holds (a configuration).

    A whole one counts units, factors, heads or layers; a fraction may be a factor of all widths.
    """

    argument: str
    key: str | None
    value: float

    @property
    def name(self) -> str:
        return self.argument if self.key is None else f"{self.argument}.{self.key}"

    @property
    def wide(self) -> float:
        if isinstance(self.value, int):
            return max(WIDER * self.value, LEAST_WIDE)
        return min(1.0, FACTOR_WIDER * self.value)

    def enlarged(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        changed = dict(arguments)
        if self.key is None:
            changed[self.argument] = self.wide
        else:
            held = changed[self.argument] = copy.copy(changed[self.argument])
            if isinstance(held, dict):
                held[self.key] = self.wide
            else:
                setattr(held, self.key, self.wide)
        return changed


def numbers(arguments: Mapping[str, Any]) -> list[Number]:
    """All of them, smallest first."""
    found = []
    for name, value in arguments.items():
        held = value if isinstance(value, dict) else getattr(value, "__dict__", {}) if not callable(value) else {}
        pairs = [(None, value)] if isinstance(value, int | float) else list(held.items())
        found += [Number(name, key, item) for key, item in pairs if _is_small(item)]
    return sorted(found, key=lambda item: item.value)


def _is_small(item: Any) -> bool:
    return type(item) is int and 1 <= item <= SMALL or type(item) is float and 0 < item < SMALL_FACTOR


class WiderCopy(Remedy):
    """The main network made anew with one number larger, trained by the program's own optimizer."""

    rows = ("R24",)
    cause = "network-too-small"
    measured_on = "the last recorded batches"

    def __init__(self, record: ModelRecord, number: Number) -> None:
        self.record, self.number = record, number
        self.changes = f"{number.name} = {number.wide} in the place of {number.value}"
        self.name = f"{PREFIX}{number.name}={number.wide}"
        self.remedy = f"raise {number.name} from {number.value}"
        self.model: nn.Module | None = None

    def why_not(self, lab: Lab) -> str | None:
        """Also where the copy is no larger, or gives something of another shape (the number counts classes or features)."""
        tape = lab.main_backward.tape
        assert tape is not None
        if len({id(node.module) for node in tape.module_calls()} - {id(self.record.module)}):
            return "the loss is computed by several networks"
        if len(lab.setup.optimizers) != 1 or any(map(lab.setup.was_loaded, self.record.module.parameters())):
            return "there are several optimizers, or the network was trained before"
        before = _outputs(lab, tape, self.record.module)
        try:
            self.begin(lab)
            with self.applied(lab):
                after = _outputs(lab, tape, self.record.module)
        except Exception as error:  # the program's own code, with a number that it was not made for
            return f"it cannot be made with {self.changes}: {type(error).__name__}"
        assert self.model is not None
        if after != before or _size(self.model) <= _size(self.record.module):
            return "the number says nothing of the network's width"
        return None

    def begin(self, lab: Lab) -> None:
        assert self.record.arguments is not None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # a repetition gets the same first weights
            self.model = type(self.record.module)(**self.number.enlarged(self.record.arguments))

    @contextmanager
    def applied(self, lab: Lab) -> Iterator[None]:
        module = self.record.module

        def forward(*args: Any, **kwargs: Any) -> Any:
            assert self.model is not None
            return self.model.train(module.training)(*args, **kwargs)

        module.forward = forward
        try:
            yield
        finally:
            del module.forward

    def optimizer(self, lab: Lab, index: int) -> torch.optim.Optimizer | None:
        assert self.model is not None
        record = lab.setup.optimizers[index]
        settings = {key: value for key, value in record.groups[0].items() if key != "initial_lr"}
        group = {**settings, "params": list(self.model.parameters())}
        return type(record.optimizer)([group], lr=settings.get("lr", 1e-3))  # type: ignore[call-arg]

    def steps(self, lab: Lab, recorded: list[list[StepEvent]]) -> list[list[StepEvent]]:
        return trained_on(recorded)


class AsItIs(Intervention):
    """The program's own network on the same part of the recorded steps."""

    changes = "nothing, on a part of the batches"

    def steps(self, lab: Lab, recorded: list[list[StepEvent]]) -> list[list[StepEvent]]:
        return trained_on(recorded)


class OnAPart(Together):
    """Remedies on the same part of the recorded steps."""

    def steps(self, lab: Lab, recorded: list[list[StepEvent]]) -> list[list[StepEvent]]:
        return trained_on(super().steps(lab, recorded))


def trained_on(recorded: list[list[StepEvent]]) -> list[list[StepEvent]]:
    return recorded[: len(recorded) - len(recorded) // HELD_OUT]


def _size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _outputs(lab: Lab, tape: Tape, module: nn.Module) -> list[tuple[int, ...]]:
    """Shapes of what the module gives in the first step."""
    shapes: list[tuple[int, ...]] = []
    hook = module.register_forward_hook(
        lambda _, args, result: shapes.extend(tuple(item.shape) for item in tensors_of(result) if isinstance(item, Tensor))
    )
    try:
        with lab.at("initial"), torch.no_grad():
            tape.loss()
    finally:
        hook.remove()
    return shapes


def wider_trial(
    lab: Lab, found: Diagnosis, rivals: Sequence[Remedy] = (), substantially: bool = False
) -> Trial | None:
    """The wider copy that learns more of batches that it has not seen than the program's network has learned of the same
    batches: on all seeds. None where there is none, or no batch that can be held out.

    rivals: remedies that help as well; then also None where the wider copy does not get much further than the network does
    with them. substantially: by more than SUBSTANTIAL and half of what is left, in as many steps as the program made.
    """
    record = lab.setup.models[0] if lab.setup.models else None
    if record is None or record.owner is not None or not record.arguments:
        return None
    held = _held_out(lab, found)
    if held is None:
        return None
    remedies = [item for number in numbers(record.arguments) if (item := WiderCopy(record, number)).why_not(lab) is None]
    if not remedies:
        return None
    share = half_learned.SHARE_OF_TIME if substantially else SHARE_OF_TIME
    seconds = share * lab.time_left() / (len(remedies) + 2 * SEEDS - 1)
    if substantially:
        half_learned.enough_time(lab, found.total_steps * (len(remedies) + 2 * SEEDS - 1))  # which measures a step's cost
    steps = min(found.total_steps, MOST_STEPS, int(seconds / max(1e-4, lab.seconds_per_step)))
    if steps < (found.total_steps if substantially else LEAST_STEPS):
        return None
    base = [run(lab, held, AsItIs(), 0, steps)]
    trials = [Trial(item, [run(lab, held, item, 0, steps)], base, held.ended) for item in remedies]
    best = max(trials, key=lambda trial: trial.gain)
    for seed in range(1, SEEDS):
        if best.gain <= 0 or lab.time_left() <= 0:
            return None
        base.append(run(lab, held, AsItIs(), seed, steps))
        best.outcomes.append(run(lab, held, best.remedy, seed, steps))
    held.steps = steps
    if held.probes is found.validation:
        best.remedy.measured_on = "the validation batches"  # type: ignore[attr-defined]
    if substantially:
        if not (half_learned.is_substantial(best.gain, best.before()) and best.significant()):
            return None
    elif not best.helps():
        return None
    if rivals and run(lab, held, OnAPart(rivals), 0, steps).train - best.after() <= VALIDATION_GAIN:
        return None
    lab.repeatable.append(Repeatable(best.proof(), steps, len(found.probes), held.ended.train))
    return best


def wider_again(lab: Lab, found: Diagnosis, name: str, steps: int, ended: float | None) -> tuple[Trial, list[Curve]]:
    """The trial of one wider copy once more, with the curves of its first seed. Raises NotChecked where it cannot be made."""
    record = lab.setup.models[0] if lab.setup.models else None
    known = numbers(record.arguments) if record is not None and record.arguments else []
    remedy = next((item for number in known if (item := WiderCopy(record, number)).name == name), None)  # type: ignore[arg-type]
    held = _held_out(lab, found)
    if remedy is None or held is None or remedy.why_not(lab) is not None:
        raise NotChecked(f'"{name}" would change nothing in this run of the program')
    trial = Trial(remedy, ended=Outcome(ended, math.nan) if ended is not None else None)
    for seed in range(SEEDS):
        trial.base.append(run(lab, held, AsItIs(), seed, steps))
        trial.outcomes.append(run(lab, held, remedy, seed, steps))
    names = (AsItIs.name, remedy.name)
    return trial, [next(c for key, c in held.curves.items() if key.startswith(f"{name} (0,")) for name in names]


def _held_out(lab: Lab, found: Diagnosis) -> Diagnosis | None:
    """How far the program got on the batches of the last recorded steps, or where their rows are trained on as well on
    validation batches; None where there are none.
    """
    tapes = main_tapes(lab)
    last = tapes[len(tapes) - len(tapes) // HELD_OUT :]
    if len(last) < 2:
        return None
    hashes = [np.concatenate([_hashes(tape) for tape in part]) for part in (tapes[: -len(last)], last)]
    if not len(hashes[1]) or np.isin(hashes[1], hashes[0]).mean() > SEEN:
        if not found.validation:
            return None
        ended = Outcome(found.ended.validation, math.nan)
        return replace(found, probes=found.validation, validation=[], ended=ended, units={}, curves={}, thin=1)
    probes = [Probe(tape, penalties(tape)) for tape in spread(last, max(2, len(found.probes)))]
    scale = scale_of(lab, probes)
    if scale is None:
        return None
    with lab.at("final"):
        ended = outcome(lab, scale, probes, [])
    return replace(found, scale=scale, probes=probes, validation=[], ended=ended, units={}, curves={}, thin=1)


def _hashes(tape: Tape) -> np.ndarray:  # type: ignore[type-arg]
    """Of each row's inputs, all constants together."""
    each = [row_hashes(tape.leaves[number].value) for number in row_constants(tape)]
    return np.bitwise_xor.reduce(each) if each else np.zeros(0, dtype=np.uint64)
