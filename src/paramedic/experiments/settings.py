"""Other settings of the program's own training, several at once: what a search tries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from typing import Any

from paramedic.experiments.interventions import Remedy, accumulated, batch_size, dropout_modules
from paramedic.experiments.lab import Lab
from paramedic.trace.setup import OptimizerStep

RATES = (0.01, 100.0)  # times the program's own learning rate; farther away it is row R36's
DECAYS = (1e-6, 1e-1)
MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
PARTS = (1, 2, 4, 8)
LEAST_BATCH = 4
DROPOUTS = (0.0, 0.5, 1.0)  # times the program's own probabilities
PREFIX = "settings:"


@dataclass(frozen=True)
class Values:
    """Settings that differ from the program's own; None leaves them as they are.

    rate: times the learning rate. decay: weight decay of every group. momentum: of SGD or RMSprop, or the first of
    Adam's betas. parts: every batch in so many parts, with a step for each. dropout: times the probabilities.
    """

    rate: float | None = None
    decay: float | None = None
    momentum: float | None = None
    parts: int | None = None
    dropout: float | None = None

    def changed(self) -> dict[str, float]:
        return {item.name: value for item in fields(self) if (value := getattr(self, item.name)) is not None}

    def __str__(self) -> str:
        return PREFIX + ",".join(f"{name}={value:g}" for name, value in self.changed().items())

    @staticmethod
    def read(text: str) -> Values:
        """What ``str`` gave."""
        found = {name: float(value) for name, value in re.findall(r"(\w+)=([^,]+)", text)}
        return Values(**{name: int(v) if name == "parts" else v for name, v in found.items()})  # type: ignore[arg-type]


class OtherSettings(Remedy):
    """The same network, data and kind of optimizer with other settings."""

    rows = ("R29",)
    cause = "settings-not-tuned"
    generic = True
    order = 95

    def __init__(self, values: Values) -> None:
        self.values = values
        self.parts = values.parts or 1
        self.name = str(values)
        self.changes = ", ".join(_in_words(name, value) for name, value in values.changed().items()) or "nothing"

    def lr(self, lr: float, optimizer: int) -> float:
        return lr * (self.values.rate or 1.0)

    def group(self, settings: dict[str, Any]) -> None:
        if self.values.decay is not None and "weight_decay" in settings:
            settings["weight_decay"] = self.values.decay
        if self.values.momentum is not None:
            if "betas" in settings:
                settings["betas"] = (self.values.momentum, *settings["betas"][1:])
            elif "momentum" in settings:
                settings["momentum"] = self.values.momentum

    @contextmanager
    def applied(self, lab: Lab) -> Iterator[None]:
        with ExitStack() as stack:
            if self.values.dropout is not None:
                for module, attribute in dropout_modules(lab):
                    own = getattr(module, attribute)
                    stack.callback(setattr, module, attribute, own)
                    setattr(module, attribute, own * self.values.dropout)
            yield


def _in_words(name: str, value: float) -> str:
    words = {
        "rate": f"learning rate x {value:.2g}",
        "decay": f"weight decay {value:.2g}",
        "momentum": f"momentum (or beta1) {value:g}",
        "parts": f"batches of one {value:g}th of the size",
        "dropout": "no dropout" if value == 0 else f"dropout x {value:g}",
    }
    return words[name]


@dataclass(frozen=True)
class Space:
    """Which settings the recorded set-up has, so that they can be searched.

    momenta: values to try beside the program's own. parts: into how many its batches can be cut.
    """

    decay: bool
    momenta: tuple[float, ...]
    parts: tuple[int, ...]
    dropout: bool


def space_of(lab: Lab) -> Space:
    groups = [group for record in lab.setup.optimizers for group in record.groups]
    scheduled = any(
        settings for step in lab.setup.steps for e in step if isinstance(e, OptimizerStep) for settings in e.settings
    )
    momentum = any("momentum" in group or "betas" in group for group in groups) and not scheduled
    size = batch_size(lab)
    return Space(
        decay=any("weight_decay" in group for group in groups),
        momenta=MOMENTA if momentum else (),
        parts=tuple(p for p in PARTS if p == 1 or size // p >= LEAST_BATCH) if accumulated(lab) <= 1 else (1,),
        dropout=bool(dropout_modules(lab)),
    )
