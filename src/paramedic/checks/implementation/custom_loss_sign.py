"""A loss that rewards the wrong answers."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.custom_loss import AGREE, SYMPTOMS, comparable_trials, result_place
from paramedic.experiments.loss_trial import LossTrial


class CustomLossSign(Check):
    """The loss is smallest when the outputs contradict the targets.

    What it measures: the outputs themselves, as free variables, are optimized with the program's own loss; then with
    its negative. The fault is there when the loss has no floor (or its best outputs run against the targets), while
    its negative has a floor just where outputs and targets agree.
    Why it matters: gradient descent minimizes: a missing minus sign teaches the opposite, and usually diverges.
    Fix: turn the sign of the loss (a log-likelihood, a similarity or a score has to be negated).
    Not a fault when: there is no target to compare with (critics, rewards, energies): then nothing is said.
    References: the article's reason 18.
    """

    reason = "R18"
    name = "custom-loss-sign"
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        seen: set[str] = set()
        for trial in comparable_trials(case):
            place = result_place(trial)
            if not suspicious(trial) or str(place) in seen:
                continue
            agree, endless = trial.negated()
            if endless or agree is None or agree < AGREE:
                continue
            seen.add(str(place))
            free = trial.free
            fall = "falls without end" if free.unbounded else f"is smallest ({free.minimum:.3g})"
            yield self.fault(
                f"the loss {fall} where outputs contradict the targets (agreement {free.signed or 0.0:.2f}); its "
                f"negative is smallest where they agree ({agree:.2f}): turn the sign",
                where=place,
                evidence=(
                    Evidence("agreement of the best outputs with the targets", free.signed, "1"),
                    Evidence("the same for the negated loss", agree, "at most 0"),
                    Evidence("loss has a floor", not free.unbounded, "True"),
                ),
                remedy="negate the loss",
                explains=(*SYMPTOMS, "R37", "custom-loss-wrong-minimum"),
                exact=True,
            )


def suspicious(trial: LossTrial) -> bool:
    """Endless, or best where every compared value runs against the targets."""
    free = trial.free
    if free.unbounded:
        return True
    if free.agree is None:
        return False
    return free.agree < AGREE or (free.signed is not None and free.signed <= -AGREE)
