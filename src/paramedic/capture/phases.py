"""Programs that train one thing after the other: pretraining and fine-tuning, folds, a sweep, several models.

Where an optimizer is made over other parameters than those that were trained so far, a new phase begins: a Setup of its
own, with its own first weights and its own densely recorded first steps. Optimizers that take turns (GANs,
actor and critic, meta-learning) are one phase. When the program has ended, the phase that is diagnosed is chosen.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from paramedic.trace.identity import ByIdentity
from paramedic.trace.place import Place
from paramedic.trace.setup import (
    BackwardRecord,
    EvaluationRecord,
    LoaderRecord,
    OptimizerRecord,
    Phase,
    Setup,
    Source,
    parameters_of,
)
from paramedic.trace.tape import Node

# Optimizers that take turns do so within this many steps of one another: critics get 1 to 10 steps per step of the
# generator (Arjovsky et al. 2017: 5), delayed actors 2 (Fujimoto et al. 2018). Later, another part of the program begins.
TURNS = 30
KEPT_PHASES = 3  # besides the running one: the first, and those before it
KEPT_BYTES = 64 << 20  # of weights (with their optimizers' states, four times), batches and evaluations of those
# The observer's own processor time up to which every phase is recorded; later ones are while it stays below this share.
RECORDING_SECONDS = 5.0
RECORDING_SHARE = 0.05
LEAST_TRAINED = 4  # elements: fewer are a calibration after the training (a temperature, a scale and a shift)
WARM = 0.7  # a first loss below this share of that of the same training before goes on from trained weights


class Phases:
    """Divides what an observer records into phases, and chooses one of them in the end."""

    def __init__(self) -> None:
        self.kept: list[Setup] = []
        self.count = 1
        self.recorded = True  # whether the running phase is
        self._trained = ByIdentity()  # phase by parameter
        self._optimizers = ByIdentity()  # phase by optimizer
        self._taking_turns: set[Place | None] = set()  # where optimizers are made that are none of a new phase

    # -- where a phase begins ---------------------------------------------------------------------------------

    def begins_with(self, optimizer: torch.optim.Optimizer, place: Place | None, setup: Setup) -> bool:
        """Whether the optimizer that was just made is the first of a new phase."""
        if place in self._taking_turns or not any(record.steps for record in setup.optimizers):
            return False
        mine = _ids(parameters_of(optimizer))
        return bool(mine) and all(mine != _ids(record.parameters) for record in setup.optimizers)

    def begins_after(self, optimizer: torch.optim.Optimizer, setup: Setup) -> bool:
        """Whether the first step of an optimizer that was made before begins a phase: the others had theirs long ago."""
        if optimizer in self._optimizers:
            return False
        own = next((record for record in setup.optimizers if record.optimizer is optimizer), None)
        if own is None or own.constructed in self._taking_turns:
            return False
        return max(record.steps for record in setup.optimizers) >= TURNS

    def stepped(self, optimizer: torch.optim.Optimizer, setup: Setup) -> None:
        """Note who trains what; an optimizer of an earlier phase that goes on belongs to this one, and takes turns."""
        earlier = self._optimizers.get(optimizer)
        if earlier == self.count:
            return
        self._optimizers[optimizer] = self.count
        for parameter in parameters_of(optimizer):
            self._trained[parameter] = self.count
        if earlier is not None:
            self._taking_turns.add(setup.phase.begun)
            self.kept = [item for item in self.kept if item.phase.number != earlier]

    def known(self, optimizer: torch.optim.Optimizer) -> OptimizerRecord | None:
        """The record of an optimizer of an earlier phase, to be taken over."""
        for setup in self.kept:
            for record in setup.optimizers:
                if record.optimizer is optimizer:
                    return replace(record, steps=0)
        return None

    def affordable(self, spent: float, elapsed: float) -> bool:
        return spent < RECORDING_SECONDS + RECORDING_SHARE * elapsed

    def next(self, setup: Setup, step: int, event: int, begun: Place | None) -> Setup:
        """End the phase of ``setup``, and the Setup of the one that begins."""
        self.end(setup, step, event)
        if self.recorded:
            self.kept.append(setup)
        self._bound()
        self.count += 1
        following = Setup(constructed=setup.constructed, froze=setup.froze, loaded=dict(setup.loaded))
        following.loaded.update({id(p): weakref.ref(p) for record in setup.optimizers for p in record.parameters})
        following.phase = Phase(self.count, step, None, event, None, begun)
        following.sharded = setup.sharded
        return following

    def end(self, setup: Setup, step: int, event: int) -> None:
        phase = setup.phase
        phase.end_step, phase.end_event = step, event
        if phase.number > 1:
            used = _used(setup)
            setup.models = [item for item in setup.models if id(item.module) in used] or setup.models

    def _bound(self) -> None:
        """Drop the phases after the first while there are too many, or they hold too much."""
        while len(self.kept) > KEPT_PHASES or sum(map(_nbytes, self.kept)) > KEPT_BYTES:
            del self.kept[1 if len(self.kept) > 1 else 0]

    # -- whose an evaluation is -------------------------------------------------------------------------------

    def owner(self, nodes: list[Node], setup: Setup) -> Setup | None:
        """The phase that trained the modules which are evaluated; None if it is no longer kept."""
        numbers = {
            number
            for node in nodes
            if node.module is not None
            for p in node.module.parameters()
            if (number := self._trained.get(p)) is not None
        }
        if not numbers or max(numbers) == self.count or not any(record.steps for record in setup.optimizers):
            return setup
        return next((item for item in self.kept if item.phase.number == max(numbers)), None)

    def parts(self, nodes: list[Node], setup: Setup) -> list[list[Node]]:
        """Nodes of evaluations cut where a model of another phase is called on data of its own, not on the last one's."""
        if self.count == 1:
            return [nodes]
        parts: list[list[Node]] = [[]]
        owner: Setup | None = None
        outputs: set[int | None] = set()
        for node in nodes:
            if node.module is not None:
                other = self.owner([node], setup)
                if parts[-1] and other is not owner and not outputs.intersection(node.inputs()):
                    parts.append([])
                    outputs.clear()
                owner = other
            parts[-1].append(node)
            outputs.update(node.outputs)
        return parts

    # -- the choice --------------------------------------------------------------------------------------------

    def choose(self, setup: Setup, step: int, event: int, evaluated: int | None) -> Setup:
        """The phase that is diagnosed, with the others beside it.

        evaluated: the phase of the last evaluation.
        """
        self.end(setup, step, event)
        if self.count == 1:
            return setup
        phases = [*self.kept, *([setup] if self.recorded else [])]
        full = [item for item in phases if _elements(item) >= LEAST_TRAINED and _first_loss(item) is not None]
        chosen = full[-1] if full else setup
        why = "the last one"
        owner = next((item for item in full if item.phase.number == evaluated), None)
        if owner is not None and owner is not chosen and not _same_model(owner, chosen):
            chosen, why = owner, "its model is evaluated last"
        start = _same_training(full, chosen)
        if start is not None:
            chosen, why = start, "the later ones go on from its weights"
            start.phase.goes_on = True
        chosen.phase.last = chosen is setup
        chosen.phase.chosen = why
        chosen.phase.count = self.count
        chosen.others = [item for item in phases if item is not chosen]
        known = {_kind(chosen): chosen.phase.number}
        for item in chosen.others:
            item.phase.like = known.setdefault(_kind(item), item.phase.number)
            item.phase.last = False
        return chosen


def carried(loaders: Iterable[LoaderRecord], wanted: set[int]) -> dict[int, LoaderRecord]:
    """By their number, the loaders whose pass goes on across the beginning of a phase, with that pass alone."""
    return {
        number: replace(
            record, role="unknown", iterations=record.iterations[-1:], fingerprints=_last_pass(record.fingerprints, record),
            positions=_last_pass(record.positions, record),
        )
        for number, record in enumerate(loaders)
        if number in wanted and record.iterations
    }


def without_loaders(record: EvaluationRecord) -> EvaluationRecord:
    """An evaluation that is handed to another phase, whose loaders have other numbers."""
    for leaf in record.tape.leaves.values():
        if isinstance(leaf.source, Source) and leaf.source.loader is not None:
            leaf.source = replace(leaf.source, loader=None, drawn=None)
    record.loader = None
    return record


def _last_pass(kept: list[list[Any]], record: LoaderRecord) -> list[list[Any]]:
    return kept[-1:] if len(kept) == len(record.iterations) else [[]]


def _ids(parameters: Iterable[Tensor]) -> frozenset[int]:
    return frozenset(map(id, parameters))


def _used(setup: Setup) -> set[int]:
    """Ids of the modules that its recorded steps or evaluations call."""
    tapes = [record.tape for record in setup.backwards() if record.tape is not None]
    tapes += [record.tape for record in setup.evaluations]
    return {id(node.module) for tape in tapes for node in tape.nodes if node.module is not None}


def _nbytes(setup: Setup) -> int:
    seen: dict[int, int] = {}
    tapes = [record.tape for record in setup.backwards() if record.tape is not None]
    for tape in (*tapes, *(record.tape for record in setup.evaluations)):
        for leaf in tape.constants().values():
            seen[id(leaf.value)] = leaf.value.numel() * leaf.value.element_size()
    return sum(seen.values()) + 4 * setup.initial.nbytes


def _elements(setup: Setup) -> int:
    """Elements of the parameters of modules that the phase's optimizers hold."""
    modules: list[nn.Module] = [record.module for record in setup.models]
    own = {id(p) for module in modules for p in module.parameters()}
    held = {id(p): p for record in setup.optimizers if record.steps for p in record.parameters if id(p) in own}
    return sum(p.numel() for p in held.values())


def _first_loss(setup: Setup) -> float | None:
    return next((record.loss for record in setup.backwards() if isinstance(record, BackwardRecord)), None)


def _same_model(one: Setup, other: Setup) -> bool:
    """Whether two phases train one module: it is evaluated as the later one left it."""
    return bool(one.models and other.models) and one.models[0].module is other.models[0].module


def _same_training(phases: list[Setup], chosen: Setup) -> Setup | None:
    """The earliest phase of the same training (made by the same line, of the same shapes) if ``chosen`` goes on from it."""
    first = next((item for item in phases if _kind(item) == _kind(chosen)), chosen)
    before, after = _first_loss(first), _first_loss(chosen)
    if first is chosen or before is None or after is None or not 0 <= after < WARM * before:
        return None
    return first


def _kind(setup: Setup) -> tuple[Any, ...]:
    record = max(setup.optimizers, key=lambda item: item.steps)
    return str(record.constructed), tuple(tuple(p.shape) for p in record.parameters)
