"""The ladder: from the smallest configuration that learns, the program's pieces are added back until it fails.

Reference: Zeller & Hildebrandt, "Simplifying and isolating failure-inducing input", 2002 (delta debugging).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.experiments.interventions import (
    ConstantRate,
    NoDropout,
    NoPenalty,
    NoWeightDecay,
    OtherOptimizer,
    Remedy,
    StandardInitialization,
    StandardizedInput,
    StepAtEveryBackward,
)
from paramedic.experiments.lab import Lab
from paramedic.experiments.operations import Operation
from paramedic.experiments.repairs import EditedOperations, passed_on
from paramedic.experiments.wording import main_optimizer, model_place, module_place, optimizer_place
from paramedic.trace.place import Place
from paramedic.trace.setup import GradientEdit, StepEvent

MOST_PIECES = 16


@dataclass(frozen=True, eq=False)
class Piece:
    """A part of the program that can be done without. name: what it is; without: the replay that does without it."""

    name: str
    without: Remedy
    where: Place | None = None
    module: str | None = None


class LeftOut(Remedy):
    """A layer whose result has the shape of its one input hands the input on."""

    rows = ("S6",)
    cause = "piece-breaks-training"

    def __init__(self, module: nn.Module, path: str) -> None:
        self.module = module
        self.name = f"without-{path}"
        self.changes = f"without {path}"
        self.remedy = f"leave out {path}, or look at what it does"

    @contextmanager
    def applied(self, lab: Lab) -> Iterator[None]:
        with ExitStack() as stack:
            # ``* 1``: an operation in place behind it must not write to what others read
            handle = self.module.register_forward_hook(lambda _, args, result: args[0] * 1)
            stack.callback(handle.remove)
            yield


class NoClipping(Remedy):
    """The gradients as they are, without the program's own clipping."""

    rows = ("S6",)
    cause = "piece-breaks-training"
    changes = "without the clipping of the gradients"
    name = "without-clipping"

    def why_not(self, lab: Lab) -> str | None:
        clips = any(isinstance(event, GradientEdit) for step in lab.setup.steps for event in step)
        return None if clips else "gradients are not clipped"

    def events(self, events: list[StepEvent]) -> list[list[StepEvent]]:
        return [[event for event in events if not isinstance(event, GradientEdit)]]


def pieces(case: Case) -> list[Piece]:
    """What the program can do without: settings of its training first, then layers and operations of its network."""
    lab = case.lab
    record = main_optimizer(case)
    training = optimizer_place(case)
    clip = next((e.place for step in case.setup.steps for e in step if isinstance(e, GradientEdit)), None)
    optimizer = f"the optimizer ({record.kind})" if record is not None else "the optimizer"
    settings = [
        Piece("the scale of the inputs", StandardizedInput(), model_place(case)),
        Piece("dropout", NoDropout(), model_place(case)),
        Piece("weight decay", NoWeightDecay(), training),
        Piece("the penalty in the loss", NoPenalty(), lab.main_backward.place),
        Piece("the learning rate schedule", ConstantRate(), training),
        Piece("the accumulation of gradients", StepAtEveryBackward(), training),
        Piece("the clipping of the gradients", NoClipping(), clip),
        Piece("the initialization", StandardInitialization(), model_place(case)),
        Piece(optimizer, OtherOptimizer("Adam"), training),
    ]
    found = [item for item in settings if _applies(lab, item.without)]
    return [*found, *_layers(case), *_operations(case)][:MOST_PIECES]


def _applies(lab: Lab, remedy: Remedy) -> bool:
    try:
        return remedy.why_not(lab) is None
    except Exception:  # it does not fit this program
        return False


def _layers(case: Case) -> Iterator[Piece]:
    """The outermost layers inside the network whose result has the shape of their input, and is another one."""
    lab = case.lab
    same: dict[int, bool] = {}

    def hook(module: nn.Module, args: tuple[object, ...], result: object) -> None:
        one = len(args) == 1 and isinstance(args[0], Tensor) and isinstance(result, Tensor)
        keeps = one and args[0].shape == result.shape and args[0].is_floating_point()  # type: ignore[attr-defined]
        same[id(module)] = bool(keeps and not torch.equal(args[0], result)) and same.get(id(module), True)  # type: ignore[arg-type]

    with lab.at("initial"), ExitStack() as stack:
        for root in lab.modules():
            for module in root.modules():
                stack.callback(module.register_forward_hook(hook).remove)
        assert lab.main_backward.tape is not None
        lab.main_backward.tape.loss()
    for record in case.setup.models:
        inside: list[nn.Module] = []
        for path, module in record.module.named_modules():
            if not path or any(module is part for whole in inside for part in whole.modules()):
                continue
            if same.get(id(module)) and not isinstance(module, (nn.Sequential, nn.modules.dropout._DropoutNd)):
                inside.append(module)
                name = f"{record.name}.{path}"
                yield Piece(f"{name} ({type(module).__name__})", LeftOut(module, name), module_place(case, module), name)


def _operations(case: Case) -> Iterator[Piece]:
    """Operations on one tensor in the user's own modules, before the last operation with parameters."""
    calls = case.lab.operations(0).on_path()
    parametric = [k for k, call in enumerate(calls) if any(isinstance(item, nn.Parameter) for item in call.inputs)]
    for call in calls[: parametric[-1]] if parametric else []:
        if call.place is None or call.module is None or type(call.module).__module__.startswith("torch."):
            continue
        if _keeps_shape(call):
            edited = EditedOperations("piece-breaks-training", f"without {call.name} at {call.place}")
            edited.add(case.lab, 0, call, passed_on)
            edited.defines_loss = False
            edited.name = f"without-{call.name}-{call.place.line}"
            yield Piece(f"{call.name}(...)", edited, call.place, call.module_path)


def _keeps_shape(call: Operation) -> bool:
    if len(call.inputs) != 1 or len(call.outputs) != 1 or not call.args or call.args[0] is not call.inputs[0]:
        return False
    given, result = call.inputs[0], call.outputs[0]
    same = given.shape == result.shape and given.is_floating_point() and result.is_floating_point()
    return same and not torch.equal(given, result)


def isolate(given: Sequence[Piece], fails: Callable[[Sequence[Piece]], bool]) -> list[Piece]:
    """The fewest of the pieces that make it fail when they alone are added back (1-minimal).

    fails: whether it fails with these pieces added back; it does with all of them, and not with none.
    """
    guilty, parts = list(given), 2
    while len(guilty) >= 2:
        size = -(-len(guilty) // parts)
        subsets = [guilty[k : k + size] for k in range(0, len(guilty), size)]
        failing = next((subset for subset in subsets if fails(subset)), None)
        if failing is not None:
            guilty, parts = failing, 2
            continue
        rests = [[item for item in guilty if item not in subset] for subset in subsets] if len(subsets) > 2 else []
        failing = next((rest for rest in rests if fails(rest)), None)
        if failing is not None:
            guilty, parts = failing, max(2, parts - 1)
        elif parts >= len(guilty):
            break
        else:
            parts = min(len(guilty), 2 * parts)
    return guilty
