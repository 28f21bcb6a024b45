"""One experiment of a stored run, repeated by itself: the program runs again, and with it the named replays.

An experiment's name is what is changed, joined by "+": all but the last are changed in both replays that are compared,
the last is the one thing that is tried.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from paramedic.checks.case import Case
from paramedic.checks.check import NotApplicable, NotChecked
from paramedic.checks.finding import Proof
from paramedic.checks.registry import check_classes
from paramedic.diagnosis.examine import examine
from paramedic.experiments.counterfactual import SEEDS, Diagnosis, Fact, Outcome, Trial, assess_mended, run
from paramedic.experiments.going_on import (
    AT_RATE,
    LOSS_AT_RATE,
    TRAIN_ON,
    OneRate,
    gone_on,
    gone_on_at,
    loss_going_on,
    resumed,
    shown,
)
from paramedic.experiments.interventions import AllOf, LearningRate, Remedy, Together
from paramedic.experiments.lab import Intervention
from paramedic.experiments.ladder import pieces
from paramedic.experiments.repairs import hidden_by_others, repair_of
from paramedic.experiments.settings import PREFIX, OtherSettings, Values
from paramedic.experiments.targets import remedies as all_remedies
from paramedic.experiments.term_with_wrong_sign import TURNED, turned_again
from paramedic.experiments.wider_copy import PREFIX as WIDER
from paramedic.experiments.wider_copy import wider_again

POINTS = 12  # of a loss curve that is kept


def experiments_of(case: Case) -> list[dict[str, Any]]:
    """The experiments that were made on a case: what a stored run lists for `paramedic replay`."""
    if case.workshop is None:
        return []
    found = case.workshop._cache.get("diagnosis")
    return [*(_of_diagnosis(case, found) if isinstance(found, Diagnosis) else []), *_of_others(case)]


def _of_others(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "name": item.proof.experiment, "changes": item.proof.changed, "ended": item.ended, "steps": item.steps, "thin": 1,
            "probes": item.probes, "recorded": None if item.whole else max(1, len(case.lab.setup.steps)),
            **_numbers(item.proof),
        }
        for item in case.lab.repeatable
    ]  # fmt: skip


def _of_diagnosis(case: Case, found: Diagnosis) -> list[dict[str, Any]]:
    trials = [fact.trial for fact in found.facts if fact.trial is not None] + found.trials + found.causes
    recorded = max(1, len(case.lab.setup.steps))
    unique = {trial.experiment: trial for trial in trials if trial.outcomes and trial.base}
    made = {"steps": found.steps, "thin": found.thin, "probes": len(found.probes), "recorded": recorded}
    return [
        {
            "name": name,
            "changes": trial.remedy.changes,
            "ended": trial.ended.train if trial.ended is not None else None,
            **made,
            **_result(trial),
        }
        for name, trial in unique.items()
    ]


def _result(trial: Trial) -> dict[str, Any]:
    return _numbers(trial.proof())


def _numbers(made: Proof) -> dict[str, Any]:
    proof = asdict(made)
    return {key: proof[key] for key in ("before", "after", "interval", "seeds", "unit")}


def replay_experiment(
    case: Case,
    name: str,
    steps: int,
    thin: int = 1,
    probes: int | None = None,
    ended: float | None = None,
    seeds: int = SEEDS,
) -> dict[str, Any]:
    """The result of an experiment, with the loss curves of its first seed; {"problem": ...} where it cannot be made.

    steps, thin, probes, ended, seeds: as ``experiments_of`` says that it was made. A busier machine must not change them,
    and most programs do not run to their end this time.
    """
    try:
        if name.startswith(LOSS_AT_RATE):
            return _loss_going_on(case, name, steps)
        if name == TRAIN_ON or name.startswith(AT_RATE):
            return _trained_on(case, name, steps, probes)
        if name.startswith(TURNED):
            return _turned(case, name, steps)
        if name.startswith(WIDER):
            return _wider(case, name, steps, probes, ended)
        facts, remedies = _parts(case, name)
        found = assess_mended(case, facts, probes)
        found.steps, found.thin = steps, thin
        whole = Outcome(ended, math.nan) if ended is not None else None
        trial = Trial(remedies[-1], ended=whole, beside=tuple(remedies[:-1]))
        base, variant = Together(remedies[:-1]), Together(remedies)
        for seed in range(seeds):
            trial.base.append(run(case.lab, found, base, seed, steps))
            trial.outcomes.append(run(case.lab, found, variant, seed, steps))
    except (NotApplicable, NotChecked) as reason:
        return {"problem": str(reason)}
    except Exception as error:  # the program's own code, in a step that was recorded otherwise this time
        return {"problem": f"{type(error).__name__}: {str(error)[:200]}"}
    losses = [
        next(curve.losses for key, curve in found.curves.items() if key.startswith(f"{change.name} (0,"))
        for change in (base, variant)
    ]
    return {"name": name, "changes": trial.remedy.changes, "steps": steps, **_result(trial),
            "base": _thinned(losses[0]), "variant": _thinned(losses[1])}  # fmt: skip


def _trained_on(case: Case, name: str, steps: int, probes: int | None) -> dict[str, Any]:
    found = assess_mended(case, [], probes)
    rate = None if name == TRAIN_ON else float(name.removeprefix(AT_RATE))
    before = shown(found.ended)
    after = resumed(case, found, Intervention() if rate is None else OneRate(rate), steps)
    if rate is None:
        proof = gone_on(case.lab, found, before, after)
    else:
        proof = gone_on_at(case.lab, found, rate, before, after, steps)
    return {"name": name, "changes": proof.changed, "steps": steps, **_numbers(proof), "base": [], "variant": []}


def _loss_going_on(case: Case, name: str, steps: int) -> dict[str, Any]:
    with case.lab.at("final"):
        before = case.lab.probe_loss()
    proof, curves = loss_going_on(case.lab, float(name.removeprefix(LOSS_AT_RATE)), before, steps)
    variant = _thinned(curves[0].losses)
    return {"name": name, "changes": proof.changed, "steps": steps, **_numbers(proof), "base": [], "variant": variant}


def _wider(case: Case, name: str, steps: int, probes: int | None, ended: float | None) -> dict[str, Any]:
    trial, curves = wider_again(case.lab, assess_mended(case, [], probes), name, steps, ended)
    base, variant = (_thinned(curve.losses) for curve in curves)
    return {"name": name, "changes": trial.remedy.changes, "steps": steps, **_result(trial), "base": base, "variant": variant}


def _turned(case: Case, name: str, steps: int) -> dict[str, Any]:
    proof, curves = turned_again(case.lab, name, steps)
    base, variant = (_thinned(curve.losses) for curve in curves)
    return {"name": name, "changes": proof.changed, "steps": steps, **_numbers(proof), "base": base, "variant": variant}


def _thinned(losses: tuple[float, ...]) -> list[tuple[int, float]]:
    """Some points of a curve, evenly spread: (step, loss)."""
    if not losses:
        return []
    last = len(losses) - 1
    places = sorted({round(k * last / (POINTS - 1)) for k in range(POINTS)})
    return [(place, losses[place]) for place in places]


def _parts(case: Case, name: str) -> tuple[list[Fact], list[Remedy]]:
    """The remedies that an experiment's name names, and those of them that mend exact facts."""
    names = name.split("+")
    checks = [item for item in check_classes() if item.name in names]
    findings = examine(case, checks=checks)[0] if checks else []
    facts: dict[str, Fact] = {}
    for finding in findings:
        if finding.level == "fault" and (remedy := repair_of(case, finding)) is not None:
            facts.setdefault(finding.check, Fact(finding, remedy))
    parts = [item.without for item in pieces(case)] if any(part.startswith("without-") for part in names) else []
    others = {item.name: item for item in (*parts, *hidden_by_others(case), *all_remedies())}
    remedies = []
    for part in names:
        if part in facts:
            remedies.append(facts[part].remedy)
            continue
        found = [_named(piece, others) for piece in part.split(AllOf.JOINT)]
        known = [item for item in found if item is not None and item.why_not(case.lab) is None]
        if len(known) < len(found):
            raise NotChecked(f'"{part}" would change nothing in this run of the program')
        remedies.append(AllOf(known) if len(known) > 1 else known[0])
    return list(facts.values()), remedies


def _named(part: str, others: dict[str, Remedy]) -> Remedy | None:
    if part.startswith(PREFIX):
        return OtherSettings(Values.read(part))
    return LearningRate.named(part) or others.get(part)
