"""A penalty on the weights that the optimizer never feels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.lab import Lab
from paramedic.experiments.loss_components import breakdown, leaf_tensors_of
from paramedic.experiments.loss_tail import _parameter_values
from paramedic.experiments.operations import Operation, Operations
from paramedic.experiments.progress import ADDITIONS, Probe, main_tapes
from paramedic.trace.place import Place
from paramedic.trace.setup import parameters_of
from paramedic.trace.tape import DERIVATIVE, Leaf, Tape

STACKS = frozenset({"stack", "cat"})
SUMS = frozenset("add __add__ __radd__ add_ __iadd__ sum stack cat".split())
LEAST_VALUES = 2  # different ones over the recorded steps: the same number at every step is a setting
FACTORS = frozenset("mul __mul__ __rmul__ multiply div __truediv__ divide neg __neg__ squeeze view reshape".split())


@dataclass(frozen=True)
class Idle:
    """A term of the loss without effect: its value, where it is added, and what keeps the gradient from the weights."""

    value: float
    added: Place | None
    why: str
    cut: Place | None


class PenaltyWithoutGradient(Check):
    """A penalty on the weights is added to the loss, but its gradient reaches no weight that is trained.

    What it measures: which terms of the loss are computed from weights alone, and whether a gradient goes from them to
        a parameter of an optimizer: none does after `.data`, `.detach()`, `torch.no_grad()`, for copies made earlier,
        and for the weights of another model.
    Why it matters: the loss that is printed contains the penalty, training does not: it regularizes nothing.
    Fix: compute the penalty from the parameters themselves, at every step, with gradients on.
    Not a fault when: the term is there for the printed number alone.
    References: the article's reason 17 (more regularization has to raise the loss).
    """

    reason = "R17"
    name = "penalty-without-gradient"
    also = ("R30",)
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        lab = case.lab
        with lab.at("initial"):
            tape = lab.main_backward.tape
            assert tape is not None
            log = lab.log(tape)
            known = _parameter_values(log, False)
            idle = [*_cut_off(log, known), *_copies(lab, log, known), *_new_leaves(lab, log)]
            found, penalized = _of_strangers(lab)
            outputs = _of_outputs(log, known)
        idle += found
        if not idle and not penalized and not outputs:
            raise NotApplicable("the loss has no penalty on the weights, and no term without a gradient")
        for item in idle[:1]:
            total = lab.main_backward.loss
            yield self.fault(
                f"the penalty on the weights ({item.value:.3g} of a loss of {total:.3g}) regularizes nothing: {item.why}",
                where=item.cut or item.added,
                evidence=(
                    Evidence("value of the penalty at the first step", item.value),
                    Evidence("trained parameters that its gradient reaches", 0, "all that are penalized"),
                    *((Evidence("added to the loss", str(item.added)),) if item.added is not None else ()),
                ),
                remedy="compute the penalty from the parameters that are trained, at every step and with their gradients",
                exact=True,
            )
        for item in outputs[:1]:
            yield self.suspect(
                f"a term of the loss ({item.value:.3g} of {lab.main_backward.loss:.3g}) is computed from the network's output "
                f"and has no effect on training: {item.why}",
                where=item.cut or item.added,
                evidence=(
                    Evidence("value of the term at the first step", item.value),
                    Evidence("parameters that its gradient reaches", 0, "those of the network"),
                    *((Evidence("added to the loss", str(item.added)),) if item.added is not None else ()),
                ),
                remedy="compute the term with its gradient (no .detach(), create_graph=True), or leave it out",
                explains=("R02", "R31", "R24", "R36", "R20"),
            )


def _terms(log: Operations) -> list[tuple[Operation, Tensor]]:
    """Numbers without a gradient that are added to what has one, in the linear part above the loss's terms."""
    found: list[tuple[Operation, Tensor]] = []
    assert log.root is not None
    waiting, before = [(log.root, len(log.calls))], set()
    while waiting:
        value, end = waiting.pop()
        made = ((n, c) for n, c in reversed(list(enumerate(log.calls[:end]))) if any(out is value for out in c.outputs))
        number, call = next(made, (0, None))
        if call is None or (id(value), number) in before:
            continue
        before.add((id(value), number))
        stacked = call.name in STACKS or value.numel() == 1 and call.name in ("sum", "mean")
        if not stacked and (value.numel() != 1 or call.name not in ADDITIONS | FACTORS):
            continue
        if call.name in ADDITIONS:
            found += [(call, item) for item in call.inputs if not item.requires_grad and item.numel() == 1]
        waiting += [(item, number) for item in call.inputs if item.requires_grad]
    return found


def _cut_off(log: Operations, known: set[int]) -> list[Idle]:
    """Terms computed from trainable parameters alone, without their gradient."""
    found = []
    for call, item in _terms(log):
        if id(item) not in known or item.is_leaf and item.requires_grad:
            continue
        cut = _cut(log, item)
        name = "the gradients are off where it is computed"
        if cut is not None:
            word = {"data": ".data", "detach": ".detach()"}.get(cut.name)
            place = f" ({cut.place})" if cut.place else ""
            name = f"{word} takes the weights out of the graph{place}" if word else f"it is computed without gradients{place}"
        found.append(Idle(float(item), call.place, name, cut.place if cut is not None else None))
    return found


def _of_outputs(log: Operations, known: set[int]) -> list[Idle]:
    """Terms that are added to the loss and depend on what the network computes, without a gradient.

    What is subtracted is left alone: ``loss - loss.detach()`` keeps a value and its gradient apart on purpose.
    """
    found = []
    for call, item in _terms(log):
        cut = _cut(log, item)
        if call.name not in SUMS or id(item) in known or cut is None or not float(item):
            continue
        word = {"data": ".data", "detach": ".detach()"}.get(cut.name, cut.name)
        place = f" ({cut.place})" if cut.place else ""
        found.append(Idle(float(item), call.place, f"{word} takes it out of the graph{place}", cut.place))
    return found


def _cut(log: Operations, item: Tensor) -> Operation | None:
    """The call that loses the gradient on the way to ``item``."""
    waiting = [item]
    seen: set[int] = set()
    first: Operation | None = None
    while waiting:
        value = waiting.pop()
        call = next((c for c in log.calls if any(out is value for out in c.outputs)), None)
        if call is None or id(call) in seen:
            continue
        seen.add(id(call))
        if any(given.requires_grad for given in call.inputs) and not any(out.requires_grad for out in call.outputs):
            first = call
        waiting.extend(given for given in call.inputs if not given.requires_grad)
    return first


def _copies(lab: Lab, log: Operations, known: set[int]) -> list[Idle]:
    """Terms computed from copies of the weights that were made before the step."""
    tape = lab.main_backward.tape
    assert tape is not None
    kept = lab.setup.initial.tensors
    weights = [value.to(live.device) for live, value in kept if live.requires_grad and value.numel() > 1]
    found = []
    for call, item in _terms(log):
        if id(item) in known:
            continue
        sources = [value for value in _origins(log, item) if value.numel() > 1]
        copies = all(any(_equal(value, weight) for weight in weights) for value in sources)
        if sources and copies:
            found.append(Idle(float(item), call.place, "it is computed from copies of the first weights", None))
    return found


def _new_leaves(lab: Lab, log: Operations) -> list[Idle]:
    """Terms that a new tensor was made for at every step, which requires a gradient and has no history."""
    held = _held(lab)
    found = []
    for number, leaf in _lone_leaves(lab.main_backward.tape):
        values = [
            float(other.value) for tape in main_tapes(lab) for k, other in _lone_leaves(tape) if k[1] == number[1]
        ]
        if id(leaf.value) in held or len(set(values)) < LEAST_VALUES:
            continue
        added = next((call.place for call in log.calls if any(item is log.values.get(number[0]) for item in call.inputs)), None)
        why = "it is turned into a number, and the tensor that is made of it has no history: its gradient ends there"
        found.append(Idle(float(leaf.value), added, why, None))
    return found


def _lone_leaves(tape: Tape | None) -> list[tuple[tuple[int, int], Leaf]]:
    """Single numbers that require a gradient and are no parameters: (number, which of them) and leaf."""
    lone = [
        (number, leaf)
        for number, leaf in (tape.leaves.items() if tape is not None else ())
        if leaf.value.requires_grad and not leaf.parameter and leaf.value.numel() == 1
    ]
    asked = {n for node in (tape.nodes if tape is not None else ()) if node.name == DERIVATIVE for n in node.inputs()}
    return [((number, k), leaf) for k, (number, leaf) in enumerate(lone) if number not in asked]


def _origins(log: Operations, item: Tensor) -> list[Tensor]:
    """The tensors that ``item`` is computed from and that no call has made."""
    waiting, found, seen = [item], [], set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        call = next((c for c in log.calls if any(out is value for out in c.outputs)), None)
        if call is None or any(given is value for given in call.inputs):
            found.append(value)
        else:
            waiting.extend(call.inputs)
    return found


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other)


def _of_strangers(lab: Lab) -> tuple[list[Idle], bool]:
    """Penalties none of whose parameters any optimizer holds; and whether there is a penalty at all."""
    tape = lab.main_backward.tape
    assert tape is not None
    taken = breakdown(lab, Probe(tape))
    penalty = next((item for item in taken.components if item.penalty), None) if taken is not None else None
    if taken is None or penalty is None:
        return [], False
    held = _held(lab)
    penalized = leaf_tensors_of(taken, penalty)
    if not held or any(id(item) in held for item in penalized) or not penalty.share:
        return [], True
    names = [name for item in penalized if (name := lab.setup.parameter_name(item)) is not None]
    of = f" ({names[0]} and others)" if names else ""
    why = f"no optimizer holds the weights that it is computed from{of}"
    return [Idle(penalty.share, penalty.joined, why, penalty.operation.place if penalty.operation else None)], True


def _held(lab: Lab) -> set[int]:
    """Ids of the parameters that any optimizer holds, or held when it was made."""
    return {id(p) for record in lab.setup.optimizers for p in (*record.parameters, *parameters_of(record.optimizer))}
