"""More epochs, as many times as the experiment went on for; twice that where it was still far from the end."""

from __future__ import annotations

import re

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.constants import literal_of
from paramedic.remedies.objects import LOOPS, method_calls
from paramedic.remedies.source import NoPatch, Source, argument, dotted, names_in, number

CHECKS = ("stopped-too-early",)
TRAINERS = {
    "Trainer": ("max_epochs", "max_steps"),
    "TrainingArguments": ("num_train_epochs", "max_steps"),
    "fit": ("epochs", "nb_epoch"),
    "NeuralNetClassifier": ("max_epochs",),
    "NeuralNetRegressor": ("max_epochs",),
}
LEARNED = 0.2  # u up to which a run is not failing (GAIN of the experiments)
FURTHER = 2
# Schedules that are made for a number of steps: with more of them they end, or turn.
TIMED = frozenset("CosineAnnealingLR OneCycleLR LinearLR PolynomialLR CyclicLR".split())


def rewrite(source: Source, finding: Finding) -> None:
    times = re.search(r"(\d+) times as long", finding.summary)
    if times is None:
        raise NoPatch("how much longer is not known")
    literal = literal_of(source, _count(source))
    value = number(literal)
    if value is None or value != int(value) or not isinstance(literal, cst.Integer):
        raise NoPatch("the number of epochs is no whole number")
    for call in source.calls():
        if source.called(call) in TIMED and not _follows(source, call, literal):
            raise NoPatch("a schedule is made for the number of steps as it is")
    on_the_way = finding.proof is not None and isinstance(finding.proof.after, float) and finding.proof.after > LEARNED
    source.replace(literal, str(int(value) * int(times.group(1)) * (FURTHER if on_the_way else 1)))


def _count(source: Source) -> cst.BaseExpression:
    """The number of rounds of the outermost loop around the training step, or a trainer's setting."""
    given = [
        item.value for call in source.calls() for name in TRAINERS.get(source.called(call), ())
        if (item := argument(call, name)) is not None and (number(item.value) or 0.0) >= 0
    ]
    if len(given) == 1:
        return given[0]
    loops: dict[int, cst.CSTNode] = {}
    for _, _, statement in method_calls(source, "backward"):
        around = source.around(statement, LOOPS)
        if around:
            loops[id(around[-1])] = around[-1]
    if len(loops) != 1:
        raise NoPatch("no single training loop")
    loop = next(iter(loops.values()))
    call = loop.iter if isinstance(loop, cst.For) else None
    if isinstance(call, cst.Call) and source.called(call) in ("tqdm", "trange") and call.args:
        inner = call.args[0].value
        call = inner if isinstance(inner, cst.Call) else call if source.called(call) == "trange" else None
    if not isinstance(call, cst.Call) or dotted(call.func) is None or source.called(call) not in ("range", "trange"):
        raise NoPatch("the outermost loop does not count")
    given = [item.value for item in call.args if item.keyword is None]
    if not 1 <= len(given) <= 2:
        raise NoPatch("the loop counts in steps")
    return given[-1]


def _follows(source: Source, call: cst.Call, literal: cst.BaseExpression) -> bool:
    """Whether the number of epochs enters a schedule by its name."""
    for name in names_in(call):
        try:
            if any(literal_of(source, node.value) is literal for node in source.assignments(name)):
                return True
        except NoPatch:
            continue
    return False
