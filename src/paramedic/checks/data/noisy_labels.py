"""Wrong labels among the training rows."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.relations import probes_of, stronger_probe
from paramedic.checks.data.samples import rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.label_noise import confident_learning, core_error

# Calibrated on 10 classification sets with a good probe: no false alarm; power 0.6 at 5 % noise, 1.0 from 10 %.
LEAST_NOISE = 0.02  # 0.016 was reached by photographs whose grass looks like the class "grass", 2026-11
ONE_CONFUSION = (
    0.8  # share of the wrong rows with one and the same pair (label, looks like): two classes overlap
)
LEAST_OF_CONFUSION = 0.05  # in place of LEAST_NOISE for those
# 13 tables with 0, 10 and 20 % flips: probes that can do the task reach 0.9 (1 - q) and more, 2026-11.
GOOD_PROBE = 0.85  # balanced accuracy on the labels as given, over that of a perfect probe at this noise
# Wrong labels lie everywhere, so that their rate among typical rows is that of all errors. Sets with overlapping
# classes (one-hot tables cut into thirds, Gaussians, ordinal quantiles): 16 at most 0.61, one 0.63; 11 of 12 with 10,
# 20 and 40 % flips (digits, cancer, tokens, make_classification) 0.71 and more, tokens at 10 % 0.48. Chosen on these
# same sets, without any held out, 2026-11.
EXPLAINED = 0.67  # error rate among typical rows, over that of the better probe on all rows
BETTER = 0.05  # balanced accuracy of extra trees above that of the two probes
LEAST_WRONG = 3


class NoisyLabels(Check):
    """Some of the labels are wrong.

    What it measures: among the most typical rows of every class (those on which two out-of-fold probes agree and are
    most sure), the share that carries another label, with its lower 99 % limit. Classes overlap at their boundaries,
    noise is everywhere: it speaks only where typical rows disagree nearly as often as all rows, and where the probes can
    do the task; otherwise noise and a hard task look alike.
    Why it matters: wrong labels bound the accuracy, and a network that memorizes them validates badly.
    Fix: look at the listed rows; correct or drop wrong ones; a robust loss or label smoothing if they cannot be found.
    Not a fault when: the listed rows turn out to be right.
    References: the article's reason 6; Northcutt, Jiang and Chuang 2021.
    """

    reason = "R06"
    name = "noisy-labels"
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        if any(item.check in ("labels-unrelated", "labels-mispaired") for item in case.findings):
            raise NotApplicable("the labels do not belong to the inputs: see row R04")
        found = rows(case)
        probes = probes_of(case)
        if probes is None:
            raise NotApplicable("the targets are no class labels, or there are fewer than 200 rows")
        core = core_error(probes.linear, probes.nearby, probes.codes)
        if core.accuracy < GOOD_PROBE * (1 - core.rate):
            raise NotChecked(
                f"the best probe is right on {core.accuracy:.0%} of the rows only: noise or a hard task"
            )
        least = LEAST_OF_CONFUSION if core.classes > 2 and core.concentration > ONE_CONFUSION else LEAST_NOISE
        if core.least <= least or core.wrong < LEAST_WRONG:
            return
        if core.rate < EXPLAINED * (1 - core.accuracy):
            raise NotChecked(
                f"typical rows disagree with their label less often than others ({core.rate:.0%}, all "
                f"{1 - core.accuracy:.0%}): classes overlap"
            )
        if stronger_probe(case, probes) > core.accuracy + BETTER:
            raise NotChecked(
                "another probe is clearly better than those that agree: the task is hard, not noisy"
            )
        listed = confident_learning((probes.linear + probes.nearby) / 2, probes.codes)
        worst = [int(probes.kept[row]) for row in dict.fromkeys((*core.worst, *(listed or ())))]
        known = ", ".join(found.names(worst)) if found.index is not None else "recorded rows"
        yield self.suspect(
            f"{core.wrong} of the {core.core} most typical rows carry another label than all that look like them: about "
            f"{core.rate:.0%} of the labels are wrong, at least {core.least:.1%} (expected 0; look at {known})",
            where=found.place(worst) or data_place(case),
            evidence=(
                Evidence("wrong labels among typical rows", core.rate, "0"),
                Evidence("lower 99 % limit", core.least, f"<= {least}"),
                Evidence("accuracy of the better probe", core.accuracy, f">= {GOOD_PROBE}"),
                *((Evidence("labels that confident learning doubts", len(listed)),) if listed else ()),
            ),
            remedy="look at the listed rows; correct or drop wrong labels",
            explains=("R05", "R30", "R31", "R24", "conflicting-labels"),
            extra={"samples": ("train", tuple(worst))},
        )
