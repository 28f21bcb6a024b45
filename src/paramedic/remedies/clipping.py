"""A limit on the norm of the gradients, before the step."""

from __future__ import annotations

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import model_of, optimizers, steps
from paramedic.remedies.source import NoPatch, Source

CHECKS = ("exploding-gradients",)
NORM = 1.0  # what the experiment clips to


def rewrite(source: Source, finding: Finding) -> None:
    if finding.remedy is None or "clip" not in finding.remedy.summary:
        raise NoPatch("the remedy is another one")
    every, stepped = optimizers(source), steps(source)
    if len(every) != 1 or len(stepped) != 1:
        raise NoPatch("not exactly one optimizer and one step")
    name = model_of(source, every[0])
    if name.startswith("self.") != every[0].name.startswith("self."):
        raise NoPatch("the model cannot be read there")
    source.before(stepped[0][1], f"{source.nn()}.utils.clip_grad_norm_({name}.parameters(), {NORM})")
