"""A small search for better settings: what it proposes, and how much further training gets with it."""

from __future__ import annotations

import importlib.util
import math
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import (
    GAIN,
    LEAST_EFFECT,
    SEEDS,
    Diagnosis,
    Outcome,
    Trial,
    diagnosis,
    known_fault,
    plan_replays,
    run,
    run_or_fail,
)
from paramedic.experiments.interventions import Remedy
from paramedic.experiments.lab import Intervention, Lab
from paramedic.experiments.settings import DECAYS, DROPOUTS, RATES, OtherSettings, Space, Values, space_of
from paramedic.experiments.wording import learned, optimizer_place, percent, rates

MISSING = "extra [search] is not installed: pip install 'paramedic[search]'"
SHARE = 0.4  # of the time left; a search for something better is worth less than the checks for what is wrong
FEWEST, MOST = 8, 24  # trials; METHODS (row 29) planned 20
STARTED_AT_RANDOM = 5  # trials before the sampler follows what it saw
LITTLE_LEFT = 0.1  # in u: a run that got nearer to the best than this has little to gain
PROPOSED = {  # evidence, as the patch reads it
    "rate": "learning rate",
    "decay": "weight decay",
    "momentum": "momentum or beta1",
    "parts": "steps per batch",
    "dropout": "factor of the dropout",
}
AS_GOOD = 0.02  # in u: a changed setting that is worth less is left as it was


class SettingsNotTuned(Check):
    """Other settings of the same training get further than the program's own.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) on validation batches (on training batches,
        where there are none) after replays of the recorded steps with other learning rates, weight decays, momenta,
        batch sizes and dropout probabilities, as far as the program has them: some 20 sets that Optuna's TPE sampler
        chooses on one seed. The best set is then compared on three others with the program's own settings and with its
        whole run.
    Why it matters: settings that nobody searched are seldom good, and they depend on each other.
    Fix: start from the proposal, and search again with the whole run's length: the best rate falls with it.
    Not a fault when: ever: it is a proposal; it is a suspect where the run failed and the settings alone mend it.
    References: the article's reason 29; Akiba et al., "Optuna", 2019; Bergstra & Bengio, "Random search for
        hyper-parameter optimization", 2012; Wu et al., "Short-horizon bias in meta-optimization", 2018.
    """

    reason = "R29"
    name = "settings-not-tuned"
    needs = ("replay", "budget")
    cost = "experiment"
    after_facts = 2

    def examine(self, case: Case) -> Iterator[Finding]:
        if importlib.util.find_spec("optuna") is None:
            raise NotChecked(MISSING)
        found, lab = diagnosis(case), case.lab
        known = known_fault(case.findings)
        if known is not None or found.causes:
            raise NotApplicable("the cause is known: which settings are good shows once it is mended")
        if found.not_tried is not None:
            raise NotChecked(found.not_tried)
        if any(record.kind == "LBFGS" for record in lab.setup.optimizers):
            raise NotApplicable("LBFGS searches its own step length")
        ended = _measured(found.ended)
        if ended <= LITTLE_LEFT:
            raise Passed(f"{learned(ended)} is learned at the end of the run: little is left to gain")
        search = _Search(lab, found)
        proposal = search.proposal()
        if proposal is None:
            raise Passed(f"{search.tried} sets of settings tried, none of them better than the program's own")
        trial = search.compared(proposal)
        if trial is None or trial.gain < LEAST_EFFECT or not trial.significant():
            gain = "" if trial is None else f" (gain {trial.gain:.2f})"
            raise Passed(f"{search.tried} sets of settings tried: no significant gain on other seeds{gain}")
        yield self._proposal(case, search, trial, proposal)

    def _proposal(self, case: Case, search: _Search, trial: Trial, values: Values) -> Finding:
        found = search.found
        found.trials.append(trial)
        low, high = (-value for value in reversed(trial.interval()))
        mends = found.failing and trial.gain > GAIN and trial.after() <= GAIN
        rate = f" (that is {rates(case, values.rate)})" if values.rate is not None else ""
        say = self.suspect if mends else self.note
        return say(
            f"{trial.remedy.changes}: {learned(trial.after())} on {search.rows} batches after {found.steps} steps, the "
            f"program's own settings {percent(trial.before())} (gain {100 * trial.gain:.0f} points, 95 % interval "
            f"{100 * low:.0f} to {100 * high:.0f}, {SEEDS} seeds; the best of {search.tried} sets)",
            where=optimizer_place(case),
            evidence=(
                Evidence("sets of settings tried", search.tried),
                Evidence("gain in u on seeds that the search did not see", round(trial.gain, 3), "above 0.05", "u"),
                *(Evidence(f"proposed {name}", value) for name, value in _proposed(case, values)),
            ),
            remedy=f"try {trial.remedy.changes}{rate}; then search around it with the whole run's length",
            proof=trial.proof(),
            gain=trial.gain,
        )


def _proposed(case: Case, values: Values) -> Iterator[tuple[str, float]]:
    """The settings as they would stand in the program; the rate only where all groups have the same."""
    own = {float(group["lr"]) for record in case.lab.setup.optimizers for group in record.groups if "lr" in group}
    for name, value in values.changed().items():
        if name != "rate":
            yield PROPOSED[name], value
        elif len(own) == 1:
            yield PROPOSED[name], own.pop() * value


def _measured(outcome: Outcome) -> float:
    """On validation batches, where there are some."""
    return outcome.train if math.isnan(outcome.validation) else outcome.validation


@dataclass(frozen=True)
class _Tried:
    values: Values
    u: float


class _Search:
    """A search of the settings that the set-up has, within its share of the time."""

    def __init__(self, lab: Lab, found: Diagnosis) -> None:
        self.lab, self.found = lab, found
        self.seconds = SHARE * lab.time_left()
        self.started = time.thread_time()
        self.tried = 0
        self.rows = "training" if math.isnan(found.ended.validation) else "validation"
        if not found.steps:  # the run is not failing: nothing was replayed so far
            plan_replays(lab, found, self.seconds / (MOST + 2 * SEEDS))

    def spent(self) -> float:
        return time.thread_time() - self.started

    def reached(self, change: Intervention, seed: int) -> float:
        return _measured(run_or_fail(self.lab, self.found, change, seed))

    def proposal(self) -> Values | None:
        """The best set on the first seed, with nothing changed that is not needed; None without a better one."""
        own = self.reached(Intervention(), 0)
        count = min(MOST, int(self.seconds / max(1e-3, self.spent())) - 2 * SEEDS)
        if count < FEWEST:
            raise NotChecked(f"budget of {self.lab.budget:g} s: a search needs {FEWEST} replays and more")
        best = min(self._search(count), key=lambda item: item.u)
        if min(own, _measured(self.found.ended)) - best.u < LEAST_EFFECT:
            return None
        return self._needed(best)

    def _search(self, count: int) -> list[_Tried]:
        import optuna

        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            sampler = optuna.samplers.TPESampler(n_startup_trials=STARTED_AT_RANDOM, seed=0)
            study = optuna.create_study(sampler=sampler)
            space, seen = space_of(self.lab), list[_Tried]()
            if self.found.thin > 1:
                space = replace(space, parts=(1,))
            for _ in range(count):
                if self.spent() > self.seconds * count / (count + 2 * SEEDS):
                    break
                trial = study.ask()
                values = _chosen(trial, space)
                seen.append(_Tried(values, self.reached(OtherSettings(values), 0)))
                study.tell(trial, seen[-1].u)
            self.tried = len(seen)
            if len(seen) < FEWEST:
                raise NotChecked(f"budget of {self.lab.budget:g} s: a search needs {FEWEST} replays and more")
            return seen
        finally:
            optuna.logging.set_verbosity(verbosity)

    def _needed(self, best: _Tried) -> Values:
        """What the gain does not need goes back to the program's own."""
        for name in ("dropout", "decay", "parts", "momentum", "rate"):
            rest = replace(best.values, **{name: None})
            if getattr(best.values, name) is None or not rest.changed() or self.spent() > self.seconds:
                continue
            u = self.reached(OtherSettings(rest), 0)
            if u <= best.u + AS_GOOD:
                best = _Tried(rest, min(u, best.u))
        return best.values

    def compared(self, values: Values) -> Trial | None:
        """The proposal and the program's own settings on seeds that the search did not see; None without time."""
        remedy: Remedy = OtherSettings(values)
        trial = Trial(remedy, ended=self._as_train(self.found.ended))
        for seed in range(1, SEEDS + 1):
            if self.lab.time_left() <= 0:
                return None
            for change, outcomes in ((Intervention(), trial.base), (remedy, trial.outcomes)):
                outcomes.append(self._as_train(run(self.lab, self.found, change, seed, self.found.steps)))
            if statistics.fmean(trial.gains()) < 0:
                break
        return trial if len(trial.outcomes) == SEEDS else None

    def _as_train(self, outcome: Outcome) -> Outcome:
        """An outcome whose first number is the one that is compared."""
        return Outcome(_measured(outcome), outcome.validation)


def _chosen(trial: Any, space: Space) -> Values:
    parts = trial.suggest_categorical("parts", space.parts) if len(space.parts) > 1 else 1
    dropout = trial.suggest_categorical("dropout", DROPOUTS) if space.dropout else 1.0
    return Values(
        rate=trial.suggest_float("rate", *RATES, log=True),
        decay=trial.suggest_float("decay", *DECAYS, log=True) if space.decay else None,
        momentum=trial.suggest_categorical("momentum", space.momenta) if space.momenta else None,
        parts=parts if parts > 1 else None,
        dropout=dropout if dropout < 1 else None,
    )
