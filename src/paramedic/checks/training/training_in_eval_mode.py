"""The model trains in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.places import calls, line_fits
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.wiring import learned
from paramedic.checks.training.modes import calls_of, kinds, mode_dependent
from paramedic.trace.place import Place

LATER_SHARE = 0.5  # of all steps; a training loop that forgets model.train() is back in evaluation for the rest


class TrainingInEvalMode(Check):
    """Training steps run with the model in evaluation mode.

    What it measures: the ``training`` flags of dropout and batch norm layers in the forward passes that were
    differentiated, and the model's flag at every optimizer step.
    Why it matters: dropout does nothing, and batch norm uses running statistics that are never updated.
    Fix: ``model.train()`` at the beginning of every training epoch.
    Not a fault when: pretrained batch norm layers are kept in evaluation mode on purpose while fine-tuning.
    References: the article's reason 32; torch.nn.Module.train.
    """

    reason = "R32"
    name = "training-in-eval-mode"

    def examine(self, case: Case) -> Iterator[Finding]:
        modes, layers, place, steps = _flags(case)
        if not layers:
            raise NotApplicable("no layer of the trained model depends on the mode")
        idle = {path: layer for path, layer in layers.items() if not modes[path]}
        loaded = learned(case, [p for layer in layers.values() for p in layer.parameters(recurse=False)])
        switched = _place_of_eval(case)
        if len(idle) == len(layers):
            say = self.note if loaded or _pretrained(case) else self.fault
            yield self._finding_of(say, idle, f"all {steps} recorded training steps", place, switched)
        elif idle and any(isinstance(layer, _BatchNorm) for layer in idle.values()) and not _pretrained(case):
            yield self._finding_of(self.note, idle, "training", place, switched)
        else:
            share, since = _later(case)
            if share > LATER_SHARE:
                text = f"{share:.0%} of the training steps (from step {since} on)"
                yield self._finding_of(self.fault, layers, text, place, switched)

    def _finding_of(self, say, idle, when, place, switched):  # type: ignore[no-untyped-def]
        where = f" (model.eval() at {switched})" if switched else ""
        return say(
            f"the model is in evaluation mode in {when}{where}: {kinds(list(idle.values()))} do not work as in "
            "training (expected training=True): call model.train() at the beginning of every epoch",
            where=switched or place,
            module=next(iter(idle)),
            evidence=(
                Evidence("training flag in training steps", False, "True"),
                Evidence("layers concerned", len(idle), "0"),
            ),
            remedy="call model.train() at the beginning of every training epoch",
            explains=("R28", "R35", "R33", "R30", "R36", "R31", "R24", "R17", "R29", "stale-batchnorm-statistics"),
            exact=True,
        )


def _flags(case: Case) -> tuple[dict[str, bool], dict[str, nn.Module], Place | None, int]:
    """Per mode-dependent layer, whether it was ever in training mode in a differentiated forward pass."""
    modes: dict[str, bool] = {}
    layers: dict[str, nn.Module] = {}
    place: Place | None = None
    steps = 0
    names = {id(record.module): record.name for record in case.setup.models}
    for record in case.setup.backwards():
        steps += 1
        for call in calls_of(record.tape) if record.tape is not None else ():
            module = call.node.module
            if not call.node.grad or module is None or not _trained(module):
                continue
            for path, flag in call.flags.items():
                if not _trained_part(module, path):
                    continue
                full = ".".join(filter(None, (names.get(id(module), ""), path)))
                modes[full] = modes.get(full, False) or flag
                layers[full] = call.layers[path]
                place = place or (call.node.place if not flag else None)
    return modes, layers, place, steps


def _trained(module: nn.Module) -> bool:
    return any(p.requires_grad for p in module.parameters())


def _trained_part(model: nn.Module, path: str) -> bool:
    """Whether the part of the model that a layer stands in is trained: the smallest one with parameters. A body that is
    frozen is kept in evaluation mode on purpose.
    """
    names = path.split(".") if path else []
    for end in range(len(names), -1, -1):
        part = model.get_submodule(".".join(names[:end]))
        if next(part.parameters(), None) is not None:
            return _trained(part)
    return False


def _pretrained(case: Case) -> bool:
    """Whether a model's weights were loaded before its first step."""
    return any(
        learned(case, list((record.owner or record.module).parameters()))
        for record in case.setup.models[:1]
    )


def _later(case: Case) -> tuple[float, int]:
    """Share of all optimizer steps at which the main model's flag was False, and the first of them."""
    changes = [(step, flags[0]) for step, flags in case.setup.modes if flags]
    if not changes or not any(mode_dependent(part) for part in case.setup.models[0].module.modules()):
        return 0.0, 0
    total = max(sum(record.steps for record in case.setup.optimizers), changes[-1][0] + 1)
    ends = [step for step, _ in changes[1:]] + [total]
    idle = sum(end - step for (step, flag), end in zip(changes, ends, strict=True) if not flag)
    return idle / total, next((step for step, flag in changes if not flag), 0)


def _place_of_eval(case: Case) -> Place | None:
    """Where the program first switched to evaluation, if it does so itself (a framework's own switches are undone)."""
    for event in case.trace.events("mode"):
        file, _, line = str(event.data.get("place")).rpartition(":")
        place = Place(file, int(line)) if file and line.isdigit() else None
        if event.data.get("training") is False and line_fits(place, calls("eval", "train")):
            return place
    return None


