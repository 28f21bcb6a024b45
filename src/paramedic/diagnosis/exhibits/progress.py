"""Chance level and floor of the loss, and the curves of the experiments."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from paramedic.checks.case import Case
from paramedic.experiments.progress import loss_of, validation_probes

MAX_REPLAYS = 12
MAX_SEEDS = 4
MAX_POINTS = 120  # of each curve: means over equal stretches


def levels(case: Case) -> dict[str, float] | None:
    """The loss of the best constant output (chance) and of free outputs (floor), of the main loss."""
    lab = case.workshop
    if lab is None or lab.why_not_replayable() is not None:
        return None
    found = lab._cache.get(("free output", 0))  # what a check has measured; not measured for the picture alone
    if found is None or not math.isfinite(found.constant) or not math.isfinite(found.u(found.constant)):
        return None
    floor = {} if found.unbounded or not math.isfinite(found.minimum) else {"floor": found.minimum}
    return {"chance": found.constant, **floor, **_validation(case)}


def _validation(case: Case) -> dict[str, float]:
    """The loss of recorded validation batches at the last weights, where it can be computed as in training."""
    probes = validation_probes(case.lab)
    if not probes:
        return {}
    with case.lab.at("final"):
        loss = loss_of(case.lab, probes)
    return {"validation": loss} if math.isfinite(loss) else {}


def replays(case: Case) -> list[dict[str, Any]] | None:
    """Every experiment that trained again: what was changed, and its loss curves by seed; the base first."""
    lab = case.workshop
    if lab is None or not lab.replays:
        return None
    groups: dict[str, dict[int, tuple[float, ...]]] = defaultdict(dict)
    for replay in lab.replays:
        known = groups[replay.changed].get(replay.seed, ())
        if len(replay.losses) > len(known):  # the base was shortened to what the budget allows: the longest shows most
            groups[replay.changed][replay.seed] = replay.losses
    ordered = sorted(groups.items(), key=lambda item: (item[0] != "nothing", -len(item[1])))
    return [
        {
            "changed": changed,
            "curves": [
                {"seed": seed, "losses": averaged(losses), "steps": len(losses)}
                for seed, losses in sorted(seeds.items())[:MAX_SEEDS]
            ],
        }
        for changed, seeds in ordered[: MAX_REPLAYS + 1]
        if any(seeds.values())
    ]


def averaged(losses: tuple[float, ...]) -> list[float | None]:
    """At most MAX_POINTS means of neighbours; None where one of them is not finite."""
    count = min(MAX_POINTS, len(losses))
    result: list[float | None] = []
    for at in range(count):
        part = losses[at * len(losses) // count : (at + 1) * len(losses) // count]
        mean = sum(part) / len(part)
        result.append(float(f"{mean:.5g}") if math.isfinite(mean) else None)
    return result
