"""The loss at the start, against chance."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import nn

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotChecked, Passed
from paramedic.checks.data.samples import CLASS_LOSSES
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import assess
from paramedic.experiments.free_output import FreeOutput
from paramedic.experiments.wording import module_place
from paramedic.trace.place import Place

# In loss per range of the loss (u). Healthy set-ups start at .95 to 1.32, those whose last bias ignores the mean of
# the target at up to 13.6 (METHODS, row 17): the number is worth a note and proves nothing.
FAR_ABOVE_CHANCE = 15.0
# Times the loss of outputs of zero: METHODS, row 17: 0 of 84 healthy starts, most with the last layer times 30.
FAR_ABOVE_ZERO = 2.0
ABOVE_CHANCE = 2.0  # in u, beside that: an output of zero may be right by itself (residuals, log ratios)
# From here on a suspect, where a loss of classes is not learned at the end: of 91 programs of programs/healthy (2026-11-27)
# none with such a loss starts above FAR_ABOVE_ZERO; a GPT whose output is tied to an embedding of deviation 1 starts at 10.
HOPELESS = 5.0
STILL_UNLEARNED = 0.25  # u at the end of the run: training has not got over it


class LossAboveChanceAtStart(Check):
    """The first loss is far above that of knowing nothing.

    What it measures: the first recorded loss, at the initial weights, against the loss of the best constant output (chance,
        for any loss: ln C for C classes alike, the entropy of labels that are not, the variance of the targets for a squared
        error, all with the weights of the program's own loss), outputs of zero, and the best that any outputs reach
        (free-output test).
    Why it matters: a network that knows nothing should lose what chance loses; more means outputs of the wrong scale.
    Fix: smaller initial weights in the last layer, its bias at the mean of the target, standardized targets.
    Not a fault when: training gets over it, as it mostly does: this is a note, but for scores of classes that lose five times
        what scores of zero do, in a run that has not learned its rows at the end.
    References: the article's reason 17; Karpathy, "A recipe for training neural networks", 2019.
    """

    reason = "R17"
    name = "loss-above-chance-at-start"
    needs = ("replay", "budget")
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        lab = case.lab
        free = lab.free_output()
        first = lab.main_backward
        u = math.nan if free is None else free.u(first.loss)
        if free is None or not math.isfinite(u) or free.unbounded:
            raise NotChecked("chance level could not be measured for this loss")
        with lab.at("initial"), torch.no_grad():
            of_zero = float(free.tail.loss([torch.zeros_like(item) for item in free.tail.outputs]))
        times = first.loss / of_zero if of_zero > 0 else math.nan
        if not (u > FAR_ABOVE_CHANCE or u > ABOVE_CHANCE and times > FAR_ABOVE_ZERO):
            raise Passed(f"the first loss is {first.loss:.4g}, and chance {free.constant:.4g}")
        scattered = times > FAR_ABOVE_ZERO
        say, where = self.note, first.place
        if times > HOPELESS and self._not_got_over(case):
            say, where = self.suspect, _made(case, free) or first.place
        yield say(
            f"the first loss is {first.loss:.4g}, chance is {free.constant:.4g} and the best {free.minimum:.4g}: "
            + (f"outputs of zero would lose {of_zero:.4g}, so the network is sure of what it cannot know" if scattered
               else "the outputs start on another scale than the targets")
            + " (expected a first loss near chance)",
            where=where,
            evidence=(
                Evidence("u by the first loss", round(u, 2), "about 1", "u"),
                Evidence("first loss over that of outputs of zero", round(times, 2), f"below {FAR_ABOVE_ZERO:g}"),
            ),
            remedy="start the last layer's weights smaller" if scattered
            else "start the last bias at the target's mean, or standardize the targets",
        )  # fmt: skip

    def _not_got_over(self, case: Case) -> bool:
        classes = any(call.name in CLASS_LOSSES for call in case.lab.loss_calls(0))
        if not classes or any(case.setup.was_loaded(item) for item in case.lab.parameters()):
            return False
        try:
            return assess(case).ended.train > STILL_UNLEARNED
        except NotChecked:
            return False


def _made(case: Case, free: FreeOutput) -> Place | None:
    """Where the user constructed the first module that holds the last layer's weights (an embedding that an output is tied
    to)."""
    weights = [item for item in free.tail.terminals[-1].inputs if isinstance(item, nn.Parameter) and item.dim() > 1]
    for root in case.lab.modules():
        for module in root.modules():
            if any(item is weight for item in module.parameters(recurse=False) for weight in weights):
                return module_place(case, module)
    return None
