"""A loss whose minimum lies elsewhere than at the targets."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.custom_loss import AGREE, SYMPTOMS, comparable_trials, loss_place
from paramedic.experiments.loss_trial import LossTrial
from paramedic.measurements.loss import is_class_index

CLASS_LOSSES = frozenset({"cross_entropy", "nll_loss"})
STUCK = 0.1  # of what lies between the loss at first and that of the best constant output
PERFECT = 0.01  # of the loss of the best constant output


class CustomLossWrongMinimum(Check):
    """The outputs with the smallest loss do not give the targets.

    What it measures: the outputs themselves, as free variables, are optimized with the program's own loss, and the
    best ones are compared with the targets: accuracy for classes, correlation for continuous targets.
    Why it matters: not even a perfect network could learn the task with this loss.
    Fix: look at each line of the loss with a batch of two samples: indexing (log_probs[:, labels] takes all pairs,
    gather takes one per row), the order of mean and square, the axis of a reduction.
    Not a fault when: samples are compared with each other (contrastive losses), or the outputs are rewarded: then
    nothing is said.
    References: the article's reason 18.
    """

    reason = "R18"
    name = "custom-loss-wrong-minimum"
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        seen: set[str] = set()
        for trial in comparable_trials(case):
            place = loss_place(trial)
            if str(place) in seen:
                continue
            unseen = trial.unseen_value()
            if unseen is not None:
                seen.add(str(place))
                yield self._unseen(trial, unseen)
                continue
            if not self._wrong(trial):
                continue
            seen.add(str(place))
            free = trial.free
            yield self.fault(
                f"the best outputs for this loss agree with the targets only to {free.agree:.2f} (expected above "
                f"{AGREE}): its minimum ({free.minimum:.3g}) lies elsewhere; check its indexing and reductions",
                where=place,
                evidence=(
                    Evidence("agreement of the best outputs with the targets", free.agree, f"> {AGREE}"),
                    Evidence("smallest loss", free.minimum),
                    Evidence("loss of the best constant output", free.constant, "well above the smallest loss"),
                ),
                remedy="correct the loss so that outputs equal to the targets have the smallest loss",
                explains=SYMPTOMS,
                exact=True,
            )

    def _unseen(self, trial: LossTrial, value: float) -> Finding:
        other = next(item for target in trial.free.targets for item in target.unique().tolist() if item != value)
        return self.fault(
            f"samples with target {value:g} have no gradient, whatever their outputs: only those with target {other:g} "
            "are learned; the loss expects other labels (-1 and 1?)",
            where=loss_place(trial),
            evidence=(Evidence(f"gradient of outputs with target {value:g}", 0.0, "not 0"),),
            remedy="give the loss the labels that its formula is made for (2 * target - 1 for a hinge loss)",
            explains=(*SYMPTOMS, "custom-loss-ignores-target"),
            exact=True,
        )

    @staticmethod
    def _wrong(trial: LossTrial) -> bool:
        free = trial.free
        if free.agree is None or free.agree >= AGREE or not free.complete or not free.finite:
            return False
        if free.minimum - free.constant > STUCK * abs(free.start - free.constant):
            return False  # one answer for all is clearly better than what the search found: it got stuck
        if not any(_one_to_one(output, target) for output in trial.tail.outputs for target in free.targets):
            return False  # frames that are aligned with fewer symbols
        if 0 <= free.minimum <= PERFECT * free.constant and {call.name for call in trial.tail.calls} & CLASS_LOSSES:
            return False  # a cross entropy of nothing is a right answer everywhere, whatever masks keep from view
        if trial.mixes_outputs() or trial.without_gradient():
            return False
        if all(trial.ignores(target) for target in free.targets):
            return False  # custom-loss-ignores-target
        agree, endless = trial.negated()
        if free.unbounded:
            return False  # custom-loss-sign, or a reward
        if not (endless or agree is None or agree < AGREE):
            return False
        polished = trial.polished_agreement()
        return polished is not None and polished < AGREE


def _one_to_one(output: Tensor, target: Tensor) -> bool:
    """Whether an output has as many places (without its classes) as there are class numbers in a target; other targets may be
    compared in other ways.
    """
    return not is_class_index(target) or any(output.numel() == size * target.numel() for size in output.shape)
