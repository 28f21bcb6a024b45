"""A loss that is added up over the batch."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.finding import Evidence, Finding, percent_learned
from paramedic.checks.implementation.custom_loss import result_place, trials
from paramedic.experiments.counterfactual import SEEDS, Trial, diagnosis, run
from paramedic.experiments.interventions import LearningRate
from paramedic.experiments.lab import Intervention
from paramedic.measurements.loss import is_class_index

LEAST_ROWS = 8  # of a batch; with fewer rows sum and mean hardly differ
SHARE_OF_FACTOR = 30.0  # the rate that helps is lower by up to this many times the elements that are added up


class SumReducedLoss(Check):
    """The loss is the sum over the samples of a batch, and training fails by its size.

    What it measures: whether the loss doubles when every sample stands in the batch twice; and, where the run failed,
    how far the same training gets with steps that are smaller by about the number of rows.
    Why it matters: gradients grow with the batch size: a learning rate that suits a mean is too high by a factor of
    the batch size, and it changes whenever the batch size does.
    Fix: mean over the samples (reduction="mean"), or divide the loss by the batch size.
    Not a fault when: the run learns: a sum with a learning rate made for it is a choice (VAEs, Adam).
    References: the article's reason 18.
    """

    reason = "R18"
    name = "sum-reduced-loss"
    also = ("R20",)
    needs = ("replay", "budget")
    cost = "experiment"
    after_facts = 2

    def examine(self, case: Case) -> Iterator[Finding]:
        for _, trial in trials(case):
            rows = trial.tail.outputs[0].shape[0] if trial.tail.outputs[0].dim() else 0
            if rows < LEAST_ROWS or not trial.sum_over_rows():
                continue
            place = result_place(trial)
            classes = any(is_class_index(target) for target in trial.free.targets)
            elements = rows if classes else trial.tail.outputs[0].numel()
            proof = self._proof(case, elements) or self._as_a_mean(case, elements)
            if proof is None:
                return
            assert isinstance(proof.remedy, LearningRate)
            yield self.fault(
                f"the loss is a sum over {rows} rows (twice the rows: 2.00 times the loss): its gradients are {rows} "
                f"times those of a mean; with {proof.remedy.changes}, {percent_learned(proof.after())} is learned "
                f"instead of {percent_learned(proof.before())} of the way from chance to perfect",
                where=place,
                evidence=(
                    Evidence("loss with every row twice", 2.0, "1 times the loss"),
                    Evidence("rows in a batch", rows),
                ),
                remedy='take the mean over the batch (reduction="mean")',
                proof=proof.proof(),
                gain=proof.gain,
                explains=("R36", "R35", "R37", "R33", "R31", "R28", "R24", "R34", "R29", "R30", "R12", "S5"),
                exact=True,
                extra={"in_place_of": ("learning-rate-too-high",)},
            )
            return
        raise NotApplicable("no loss is a sum over the batch")

    @staticmethod
    def _as_a_mean(case: Case, elements: int) -> Trial | None:
        """The trial with steps as small as those of a mean, which no other check needs to try."""
        found = diagnosis(case)
        if not found.failing or not found.steps or case.lab.why_no_budget() is not None:
            return None
        trial = Trial(LearningRate(1.0 / elements), base=found.base, ended=found.ended)
        for seed in range(SEEDS):
            if len(found.base) <= seed:
                found.base.append(run(case.lab, found, Intervention(), seed, found.steps))
            trial.outcomes.append(run(case.lab, found, trial.remedy, seed, found.steps))
        return trial if trial.helps() else None

    @staticmethod
    def _proof(case: Case, elements: int) -> Trial | None:
        """The trial with a lower learning rate that made the failing run learn."""
        found = diagnosis(case)
        if not found.failing:
            return None
        lower = [
            item for item in found.trials
            if isinstance(item.remedy, LearningRate) and item.remedy.factor < 1 and item.helps()
            and 1 / item.remedy.factor <= SHARE_OF_FACTOR * elements
        ]
        if not lower and found.not_tried is not None:
            raise NotChecked(found.not_tried)
        return max(lower, key=lambda item: item.gain, default=None)
