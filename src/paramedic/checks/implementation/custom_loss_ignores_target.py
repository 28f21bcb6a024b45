"""A loss that does not look at the targets."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import torch

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.custom_loss import SYMPTOMS, loss_place, trials
from paramedic.experiments.loss_trial import LossTrial
from paramedic.measurements.source import (
    Function,
    calls_with,
    counters,
    function_at,
    parameters,
    parsed,
    root_name,
    trains,
    unpacked,
    unread_parameters,
)
from paramedic.trace.place import Place

OWN_CHOICE = frozenset({"argmax", "argmin", "max", "topk"})


class CustomLossIgnoresTarget(Check):
    """The loss does not depend on the targets.

    What it measures: whether other targets (the next class, the other value, reversed rows) leave the loss exactly
    as it is at several outputs; whether outputs are compared with their own argmax while no target enters the loss;
    whether a loss function of the user's is given a tensor that it never reads.
    Why it matters: the network learns something that has nothing to do with the task, and the loss still falls.
    Fix: compare with the target.
    Not a fault when: the training is unsupervised; no loss function is then given a target.
    References: the article's reasons 18 and 4.
    """

    reason = "R18"
    name = "custom-loss-ignores-target"
    also = ("R04",)
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        seen: set[str] = set()
        for index, trial in trials(case):
            unread = self._unread(trial) if _compares_with_inputs_only(case, index, trial) else ()
            for finding in (self._insensitive(trial), self._own_choice(trial), *unread):
                if finding is not None and not seen:
                    seen.add(str(finding.where))
                    yield finding

    def _insensitive(self, trial: LossTrial) -> Finding | None:
        if trial.free.agree is None or not any(trial.ignores(target) for target in trial.free.targets):
            return None
        if any(not trial.ignores(target) for target in trial.free.targets):
            return None
        return self._finding_of(
            "other targets leave the loss exactly as it is: it does not depend on them", loss_place(trial),
            Evidence("change of the loss with other targets", 0.0, "not 0"),
        )

    def _own_choice(self, trial: LossTrial) -> Finding | None:
        """Outputs compared with their own argmax; no constant enters the loss."""
        if trial.tail.constants:
            return None
        free = trial.tail.depends_on(trial.tail.outputs)
        for call in trial.tail.calls:
            if call.name in OWN_CHOICE and any(id(item) in free for item in call.inputs):
                chosen = [item for item in call.outputs if not item.is_floating_point()]
                if any(id(item) in _read_by(trial, item_id=id(item)) for item in chosen):
                    return self._finding_of(
                        f"outputs are compared with their own {call.name}, and no target enters the loss", call.place,
                        Evidence("targets that enter the loss", 0, "at least 1"),
                    )
        return None

    def _unread(self, trial: LossTrial) -> Iterator[Finding]:
        """A function on the way to the loss that is given a tensor which it never reads."""
        for place in dict.fromkeys(call.place for call in trial.tail.calls if call.place is not None):
            tree = parsed(place.file)
            function = function_at(tree, place.line) if tree is not None else None
            if tree is None or function is None or len(parameters(function)) < 2 or trains(function):
                continue
            for name in unread_parameters(function):
                given = _given(tree, function, name)
                if given is not None:
                    yield self._finding_of(
                        f"{function.name} is given {given} as {name}, and never reads it", place,
                        Evidence("uses of the parameter", 0, "at least 1"),
                    )
                    return

    def _finding_of(self, summary: str, place: Place | None, evidence: Evidence) -> Finding:
        return self.fault(
            f"{summary}: compare the outputs with the targets",
            where=place,
            evidence=(evidence,),
            remedy="compare the outputs with the targets in the loss",
            explains=(*SYMPTOMS, "custom-loss-wrong-minimum"),
            exact=True,
        )


def _compares_with_inputs_only(case: Case, index: int, trial: LossTrial) -> bool:
    """Whether every constant of the loss that has the size of an output (a target) is an input of the network."""
    call = case.lab.model_call(index)
    inputs = call.inputs if call is not None else []
    sizes = {item.numel() for item in trial.tail.outputs}
    targets = [item for item in trial.tail.constants if item.numel() in sizes]
    return all(any(item.shape == other.shape and torch.equal(item, other) for other in inputs) for item in targets)


def _read_by(trial: LossTrial, item_id: int) -> set[int]:
    """{item_id} if a later operation of the loss reads the value."""
    return {item_id} if any(id(item) == item_id for call in trial.tail.calls for item in call.inputs) else set()


def _given(tree: ast.Module, function: Function, name: str) -> str | None:
    """What the calls of ``function`` (or of an object whose forward it is) give for a parameter, as written; None if
    no such call is seen, or it gives a number, a counter or settings."""
    position = parameters(function).index(name)
    names = {function.name}
    if function.name in ("forward", "__call__"):
        names |= _instances(tree, function)
    values = unpacked(tree) - counters(tree)
    for call in calls_with(tree, position + 1):
        called = call.func.attr if isinstance(call.func, ast.Attribute) else root_name(call.func)
        if called not in names or called in ("forward", "__call__"):
            continue
        argument = call.args[position]
        root = root_name(argument)
        if root is not None and root in values:
            return ast.unparse(argument)
    return None


def _instances(tree: ast.Module, function: Function) -> set[str]:
    """Names of variables and attributes that hold instances of the class of ``function``."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    owner = next((node.name for node in classes if function in node.body), None)
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and root_name(node.value.func) == owner:
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.add(target.id)
                elif isinstance(target, ast.Attribute):
                    found.add(target.attr)
    return found
