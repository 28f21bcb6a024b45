"""An output that does not depend on the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.places import method_place
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.equal_units import equal_units
from paramedic.experiments.lab import Lab
from paramedic.experiments.one_input import unread_inputs
from paramedic.experiments.operations import Operation, Operations, loss_calls
from paramedic.experiments.padding_alone import contents_exchanged, gaps_exchanged, hiding
from paramedic.experiments.progress import measuring
from paramedic.experiments.units import RECTIFIERS
from paramedic.experiments.wording import SYMPTOMS, model_place
from paramedic.measurements.source import overwritten_at, parsed
from paramedic.trace.place import Place
from paramedic.trace.tape import Tape

FADED = 1e-3  # of its rms: less of the input reaches the operation in which it is lost, so that no operation loses it
EXPLAINS = (*SYMPTOMS, "R12", "R22", "R23", "R25", "R04", "R05", "R28", "R36")
NO_CHANGE = 1e-6  # of the output's rms: rounding; the prototype's 91 destroyed inputs gave exactly 0


@dataclass(frozen=True)
class Change:
    """What moving every sample's input to its neighbour does to the prediction.

    relative: largest change over the prediction's rms. destroyed: the last operation that gets a changed input; None
    if the prediction changes. faded: whether the input got lost little by little before that operation.
    """

    relative: float
    destroyed: Operation | None
    faded: bool = False


class InputIgnored(Check):
    """The network's output is the same whatever its input.

    What it measures: the change of the predictions when every sample gets its neighbour's input, and when all get
        the same, with the same random numbers, at the initial and at the final weights; and the operation after which
        nothing of the input is left. Where the network has several inputs: the same for each of them. Where rows are
        padded to one length: the change when their content is exchanged and the padding left in its place. Where values
        are missing (not a number): the change when the others are exchanged.
    Why it matters: a network that does not see its input can at best learn the average of the targets.
    Fix: mend the operation that the report names.
    Not a fault when: never, where the network is to predict something from its input; one of several inputs may be left
        unused on purpose.
    References: the article's reason 2.
    """

    reason = "R02"
    name = "input-ignored"
    needs = ("replay",)
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        lab = case.lab
        start, end = change(lab, "initial"), change(lab, "final")
        if max(start.relative, end.relative) > NO_CHANGE:
            yield from self._padding_alone(case)
            yield from self._gaps_alone(case)
            yield from self._one_of_several(case)
            return
        if equal_units(case):
            return
        place = _place(end.destroyed)
        if end.destroyed is not None and end.destroyed.name in RECTIFIERS:
            return  # dead units, which have their own check
        if start.faded or end.faded:
            return  # a deep network in which the signal dies out, a matter of rows 28 and 35
        name = end.destroyed.name if end.destroyed is not None else "none found"
        yield self.fault(
            f"the output ignores the input: with every sample's input replaced by its neighbour's, predictions change "
            f"by {end.relative:.1g} of their size (expected about 1), before and after training; the input is last "
            f"seen in `{name}`",
            where=place or _forward(case) or model_place(case),
            module=end.destroyed.module_path if end.destroyed is not None else None,
            evidence=(
                Evidence("relative change of predictions at the initial weights", start.relative, "about 1"),
                Evidence("relative change of predictions at the final weights", end.relative, "about 1"),
                Evidence("last operation that gets the input", name),
            ),
            remedy="pass the input on: mend this operation",
            explains=EXPLAINS,
            exact=True,
        )

    def _padding_alone(self, case: Case) -> Iterator[Finding]:
        """A network that sees how long its rows are and nothing of what they hold."""
        lab = case.lab
        tape = lab.main_backward.tape
        assert tape is not None
        found = contents_exchanged(_moved_inputs(lab, tape), {number: leaf.value for number, leaf in tape.leaves.items()})
        if found is None:
            return
        values, filled = found
        relative = max(_effect(lab, tape, state, values).relative for state in ("initial", "final"))
        if relative > NO_CHANGE or equal_units(case):
            return
        with lab.at("initial"), measuring(lab, tape):
            hidden = hiding(lab.log(tape, modes=False), filled)
        by = f"; a mask hides all {int(filled.sum())} steps with content" if hidden is not None else ""
        yield self.fault(
            f"the output sees the padding alone: with the content of the samples exchanged and the padding left where it is, "
            f"predictions change by {relative:.1g} of their size (expected about 1), before and after training{by}",
            where=(hidden.place if hidden is not None else None) or _forward(case) or model_place(case),
            module=hidden.module_path if hidden is not None else None,
            evidence=(Evidence("relative change of predictions with the content exchanged", relative, "about 1"),),
            remedy="let the network see the content: a mask of nn.Transformer and nn.MultiheadAttention is True where "
            "a step is to be ignored",
            explains=EXPLAINS,
            exact=True,
        )


    def _gaps_alone(self, case: Case) -> Iterator[Finding]:
        """A network that sees which values are missing and none of the others."""
        lab = case.lab
        tape = lab.main_backward.tape
        assert tape is not None
        moved = _moved_inputs(lab, tape)
        found = {number: gaps_exchanged(tape.leaves[number].value) for number in moved}
        values = {number: item[0] for number, item in found.items() if item is not None}
        others = [tape.leaves[number].value for number, item in found.items() if item is None]
        if not values or any(bool((item != item.flatten()[0]).any()) for item in others):
            return
        relative = max(_effect(lab, tape, state, values).relative for state in ("initial", "final"))
        if relative > NO_CHANGE or equal_units(case):
            return
        known = next(item[1] for item in found.values() if item is not None)
        with lab.at("initial"), measuring(lab, tape):
            hidden = hiding(lab.log(tape, modes=False), known)
        by = f"; a mask hides all {int(known.sum())} values that are there" if hidden is not None else ""
        yield self.fault(
            f"the output sees which values are missing, and none of the others: with the values of every column exchanged "
            f"among the samples, predictions change by {relative:.1g} of their size (expected about 1), before and after "
            f"training{by}",
            where=(hidden.place if hidden is not None else None) or _forward(case) or model_place(case),
            module=hidden.module_path if hidden is not None else None,
            evidence=(Evidence("relative change of predictions with the values exchanged", relative, "about 1"),),
            remedy="fill the missing values and keep the others: masked_fill fills where its mask is True",
            explains=EXPLAINS,
            exact=True,
        )
    def _one_of_several(self, case: Case) -> Iterator[Finding]:
        """A network that is given several inputs and uses only some of them."""
        lab = case.lab
        tape = lab.main_backward.tape
        assert tape is not None
        moved = _moved_inputs(lab, tape)
        for item in unread_inputs(lab, tape, moved, NO_CHANGE):
            if item.dead and item.last is not None and item.last.name in RECTIFIERS:
                continue  # dead units, which have their own check
            shape = tuple(moved[item.number].shape)
            last = f"; `{item.last.name}` is the last to get it, and what it makes of it is not used" if item.last else ""
            yield self.suspect(
                f"one of the network's inputs, of shape {shape}, has no effect: exchanged among the samples it changes "
                f"neither predictions nor loss (by more than {NO_CHANGE:g} of their size), before and after training{last}",
                where=_place(item.last) or _forward(case) or model_place(case),
                module=item.last.module_path if item.last is not None else None,
                evidence=(Evidence("effect of this input on the predictions", 0.0, "above 0"),),
                remedy="use it, or leave it out of the network's arguments",
            )


def change(lab: Lab, state: str) -> Change:
    """The effect of the input on the prediction in a state of the weights."""
    tape = lab.main_backward.tape
    assert tape is not None
    moved = _moved_inputs(lab, tape)
    found = _effect(lab, tape, state, moved)
    if found.relative > NO_CHANGE:
        return found
    # a set is the same set with its elements in another order: now all of them are the first one
    alike = {number: value[-1:].expand_as(value).clone() for number, value in moved.items()}
    other = _effect(lab, tape, state, alike)
    return found if other.relative <= NO_CHANGE else other


def _effect(lab: Lab, tape: Tape, state: str, moved: dict[int, Tensor]) -> Change:
    with lab.at(state), measuring(lab, tape):
        one = lab.log(tape, modes=False)
        two = lab.log(tape, modes=False, replace=moved)
    first, second = _prediction(one), _prediction(two)
    if first is not None and not _made_from(tape, one, set(moved)):
        raise NotChecked("the loss's first prediction is made from other inputs than those of the batch")
    if first is None or second is None or first.shape != second.shape:
        raise NotChecked("the prediction could not be told from the loss's other inputs")
    if not bool(torch.isfinite(first).all()):
        raise NotChecked("the predictions are not finite")
    scale = max(float(first.double().pow(2).mean().sqrt()), 1e-30)
    relative = float((first.double() - second.double()).abs().max()) / scale
    if relative > NO_CHANGE:
        return Change(relative, None)
    destroyed = _trail_end(one, two)
    return Change(relative, destroyed, destroyed is not None and _faded(destroyed, one, two))


def _moved_inputs(lab: Lab, tape: Tape) -> dict[int, Tensor]:
    """Every constant with a row per sample, but the target, moved by one sample."""
    batches = lab.batches(limit=1)
    size = batches[0][0][0].shape[0] if batches and batches[0][0] and batches[0][0][0].dim() else 0
    nodes = [node for node in tape.nodes if node.module is not None]
    inputs = (
        {number for node in nodes for number in node.inputs()} & set(tape.constants()) if nodes else set()
    )
    target = batches[0][1] if batches else None
    moved = {}
    for number, leaf in tape.constants().items():
        rows = leaf.value.dim() > 0 and leaf.value.shape[0] == size > 1 and leaf.value.layout == torch.strided
        if rows and (number in inputs or leaf.value is not target):
            moved[number] = leaf.value.roll(1, dims=0)
    if all(torch.equal(value, tape.leaves[number].value) for number, value in moved.items()):
        raise NotApplicable("all rows of the first batch are equal")
    return moved


def _prediction(log: Operations) -> Tensor | None:
    found = loss_calls(log)
    return found[0].input.detach() if found else None


def _made_from(tape: Tape, log: Operations, moved: set[int]) -> bool:
    """Whether the calls that lead to the prediction were given one of the moved inputs, whatever they make of it."""
    node = loss_calls(log)[0].operation.node
    needed: set[int] = set(node.inputs()) if node is not None else set()
    for other in reversed(tape.nodes):
        if needed & {number for number in other.outputs if number is not None}:
            needed.update(other.inputs())
    return node is None or bool(needed & moved)


def _trail_end(one: Operations, two: Operations) -> Operation | None:
    """The last operation before the prediction that gets a changed input: there the input is lost."""
    if [call.name for call in one.calls] != [call.name for call in two.calls]:
        return None
    found = loss_calls(one)
    made = [k for k, call in enumerate(one.calls) if any(item is found[0].input for item in call.outputs)]
    end = made[-1] + 1 if made else len(one.calls)
    pairs = list(zip(one.calls[:end], two.calls[:end], strict=True))
    return next((first for first, second in reversed(pairs) if _differ(first.inputs, second.inputs)), None)


def _faded(destroyed: Operation, one: Operations, two: Operations) -> bool:
    """Whether hardly anything of the change arrives at the operation after which nothing of it is left."""
    other = two.calls[one.calls.index(destroyed)]
    changes = [
        float((a.double() - b.double()).abs().max()) / max(float(a.double().square().mean().sqrt()), 1e-30)
        for a, b in zip(destroyed.inputs, other.inputs, strict=False)
        if a.shape == b.shape and a.is_floating_point() and a.numel()
    ]
    return 0 < max(changes, default=0.0) < FADED


def _differ(one: Sequence[Tensor], two: Sequence[Tensor]) -> bool:
    pairs = list(zip(one, two, strict=False))
    return any(a.shape != b.shape or not torch.equal(a.detach(), b.detach()) for a, b in pairs)


def _forward(case: Case) -> Place | None:
    """Where the network's ``forward`` begins, if it is the user's."""
    models = case.setup.models
    return method_place(models[0].module, "forward", lambda node: False) if models else None


def _place(destroyed: Operation | None) -> Place | None:
    """The line of the operation; where its result is overwritten unread, the line that does so."""
    place = destroyed.place if destroyed is not None else None
    tree = parsed(place.file) if place is not None else None
    if place is None or tree is None:
        return place
    return Place(place.file, overwritten_at(tree, place.line) or place.line, place.function)
