"""Which one change makes a failing training learn: remedies tried on copies, ranked by minimal change.

First it is asked whether the program is failing at all: its own whole run is judged by u at its last weights. Only
a run that did not learn is treated; a remedy then has to get further, in no more steps than the program made, than
the program itself got, on training and on validation batches, significantly over three seeds.

Prototype figures (one digits network, 23 single faults): top-1 22/23, false alarms 0/5 on healthy controls.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from paramedic.checks.case import Case
from paramedic.checks.check import NotApplicable, NotChecked
from paramedic.checks.finding import Finding, Proof
from paramedic.experiments.interventions import LearningRate, Remedy, Together, candidates
from paramedic.experiments.lab import Curve, Intervention, Lab
from paramedic.experiments.progress import (
    U_LIMIT,
    Probe,
    Scale,
    loss_of,
    scale_of,
    train_probes,
    validation_probes,
)
from paramedic.trace.setup import BackwardRecord, OptimizerStep

GAIN = 0.2  # in u; smaller gains come from shorter horizons alone (prototype: 2/5 healthy controls below it)
VALIDATION_GAIN = 0.1  # in u; a remedy that only memorizes more is none
SHARE_OF_BEST = 0.6  # remedies this close to the best are equals: the narrowest of them is the cause
SEEDS = 3
SIGNIFICANCE = 2.9  # mean / (sd / sqrt(3) + SLACK): t of two degrees of freedom at 5 %, one-sided
SLACK = 0.02
T_95 = 4.30  # two-sided 95 % quantile of t with two degrees of freedom
MOST_STEPS = 100
LAST_LOSSES = 20
MOVED = 0.3  # in u; the loss in training, with dropout and penalties, is rather above that of the probes
LEAST_STEPS = 20
FIRST_SHARE, SECOND_SHARE = 0.45, 0.75  # of the time left, for one seed and for all; the rest is for other checks
CAUSES = 3
STILL_FAILING = 0.5  # u after the first remedies: only then a further cause is looked for, for a replay is a short run


@dataclass(frozen=True)
class Outcome:
    """Where one replay ended: u on training batches, and on validation batches (nan without)."""

    train: float
    validation: float


@dataclass(eq=False)
class Trial:
    """One remedy with its outcomes by seed, and those of the base it is compared with."""

    remedy: Remedy
    outcomes: list[Outcome] = field(default_factory=list)
    base: list[Outcome] = field(default_factory=list)
    ended: Outcome | None = None

    def gains(self) -> list[float]:
        """Per seed, how much further the remedy got than its base and than the program's whole run."""
        return [
            min(base.train - own.train, (self.ended.train if self.ended else math.inf) - own.train)
            for own, base in zip(self.outcomes, self.base, strict=False)
        ]

    @property
    def gain(self) -> float:
        return statistics.fmean(self.gains())

    def after(self) -> float:
        return statistics.median(item.train for item in self.outcomes)

    def before(self) -> float:
        own = statistics.median(item.train for item in self.base)
        return min(own, self.ended.train) if self.ended is not None else own

    def interval(self) -> tuple[float, float]:
        """95 % interval of the difference after - before."""
        gains = self.gains()
        half = T_95 * statistics.stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else 0.0
        return (-self.gain - half, -self.gain + half)

    def significant(self) -> bool:
        gains = self.gains()
        deviation = statistics.stdev(gains) if len(gains) > 1 else 0.0
        return self.gain / (deviation / math.sqrt(len(gains)) + SLACK) > SIGNIFICANCE

    def holds_on_validation(self) -> bool:
        """Whether validation batches gain as well; True where none were recorded."""
        gains = [
            base.validation - own.validation
            for own, base in zip(self.outcomes, self.base, strict=False)
            if not math.isnan(own.validation) and not math.isnan(base.validation)
        ]
        return not gains or statistics.fmean(gains) > VALIDATION_GAIN

    def helps(self) -> bool:
        return self.gain > GAIN and self.significant() and self.holds_on_validation()

    def proof(self) -> Proof:
        return Proof(
            experiment=f"training replayed from the initial weights with one change: {self.remedy.changes}",
            before=round(self.before(), 4),
            after=round(self.after(), 4),
            interval=(round(self.interval()[0], 4), round(self.interval()[1], 4)),
            seeds=len(self.outcomes),
            changed=self.remedy.changes,
        )


@dataclass(eq=False)
class Diagnosis:
    """What the remedies showed.

    ended: u of the program's own last weights. base: replays without a change, by seed. steps: their length.
    trials: all remedies that were tried, best last stage included. causes: the chosen ones, main cause first.
    """

    scale: Scale
    probes: list[Probe]
    validation: list[Probe]
    start: Outcome
    ended: Outcome
    total_steps: int
    steps: int = 0
    base: list[Outcome] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    causes: list[Trial] = field(default_factory=list)
    curves: dict[str, Curve] = field(default_factory=dict)
    not_tried: str | None = None

    @property
    def failing(self) -> bool:
        """Whether a remedy could gain GAIN at all."""
        return self.ended.train > GAIN

    def cause(self, name: str) -> Trial | None:
        return next((trial for trial in self.causes if trial.remedy.cause == name), None)


def assess(case: Case) -> Diagnosis:
    """How far the program got, before any remedy is tried; measured once.

    Raises NotApplicable or NotChecked when progress cannot be measured.
    """
    return _once(case, "assessment", _assess)


def diagnosis(case: Case) -> Diagnosis:
    """The assessment with the remedies tried; made once. Raises as ``assess``."""
    return _once(case, "diagnosis", _diagnose)


def _once(case: Case, key: str, make: Callable[[Case], Diagnosis]) -> Diagnosis:
    cache = case.lab._cache
    if key not in cache:
        try:
            cache[key] = make(case)
        except (NotApplicable, NotChecked) as reason:
            cache[key] = reason
    if isinstance(cache[key], Exception):
        raise cache[key]
    return cache[key]  # type: ignore[no-any-return]


def proven(case: Case, name: str) -> Trial | None:
    """The trial that proves the named cause; None if the run learned or something else is the cause.

    Raises NotChecked where the remedies could not be tried.
    """
    found = diagnosis(case)
    trial = found.cause(name)
    if trial is None and found.failing and found.not_tried is not None:
        raise NotChecked(found.not_tried)
    return trial


def _assess(case: Case) -> Diagnosis:
    lab = case.lab
    problem = lab.why_not_replayable()
    if problem is not None:
        raise NotChecked(problem)
    _applicable(lab)
    with lab.spending():
        probes = train_probes(lab)
        scale = scale_of(lab, probes)
        if scale is None:
            raise NotChecked("how far the loss can fall could not be measured")
        validation = validation_probes(lab)
        start, ended = (_outcome_at(lab, state, scale, probes, validation) for state in ("initial", "final"))
    if _moved_on(case, scale, ended):
        raise NotChecked("the loss on the first batches says nothing about the last ones: the data changed on the way")
    total = max(1, sum(record.steps for record in lab.setup.optimizers))
    return Diagnosis(scale, probes, validation, start, ended, total)


def _diagnose(case: Case) -> Diagnosis:
    found = assess(case)
    if found.failing:
        confounder = confounding(case.findings)
        if confounder is not None:
            found.not_tried = f"{confounder.reason} {confounder.check} has to be fixed first"
        elif problem := case.lab.why_no_budget():
            found.not_tried = problem
        else:
            _try_remedies(case.lab, found)
    return found


def _moved_on(case: Case, scale: Scale, ended: Outcome) -> bool:
    """Whether the program's own last losses are far below that of its first batches at the last weights.

    So it is where the network makes its own data (reinforcement learning), or where the data drift.
    """
    losses = [row.loss for row in case.trace.steps()][-LAST_LOSSES:]
    if not losses or not all(math.isfinite(loss) for loss in losses):
        return False
    return ended.train - scale.u(statistics.median(losses)) > MOVED


def _applicable(lab: Lab) -> None:
    optimized = [step for step in lab.setup.steps if any(isinstance(event, OptimizerStep) for event in step)]
    if not optimized:
        raise NotChecked("no optimizer step was recorded")
    main = lab.main_backward.tape
    assert main is not None
    used = {event.optimizer for step in optimized for event in step if isinstance(event, OptimizerStep)}
    kinds = {
        tuple(node.name for node in event.tape.nodes)
        for step in optimized
        for event in step
        if isinstance(event, BackwardRecord) and event.tape is not None
    }
    if len(used) > 1 and len(kinds) > 1:
        raise NotApplicable("several losses are trained in turn by several optimizers")


# An exact fact in these rows changes what training does: remedies tried beside it would treat its symptoms.
CONFOUNDING = frozenset(
    "R01 R02 R03 R04 R07 R10 R14 R18 R19 R22 R23 R25 R26 R28 R32 R33 R34 R36 S3 S4".split()
)


def confounding(findings: Sequence[Finding]) -> Finding | None:
    """A proven fault that has to be fixed before soft causes can be told apart."""
    return next((item for item in findings if item.level == "fault" and item.reason in CONFOUNDING), None)


def _outcome_at(lab: Lab, state: str, scale: Scale, probes: list[Probe], validation: list[Probe]) -> Outcome:
    with lab.at(state):
        return outcome(lab, scale, probes, validation)


def outcome(lab: Lab, scale: Scale, probes: list[Probe], validation: list[Probe]) -> Outcome:
    """u in the present state."""
    train = scale.u(loss_of(lab, probes))
    return Outcome(train, scale.u(loss_of(lab, validation)) if validation else math.nan)


# -- trying --------------------------------------------------------------------------------------------------------


def _try_remedies(lab: Lab, found: Diagnosis) -> None:
    remedies = [remedy for remedy in candidates() if _worth_trying(lab, remedy)]
    clock = _Clock(lab)
    recorded = sum(any(isinstance(e, OptimizerStep) for e in step) for step in lab.setup.steps)
    found.steps = min(MOST_STEPS, max(recorded, min(found.total_steps, MOST_STEPS)))
    try:
        found.base = [run(lab, found, Intervention(), 0, found.steps)]
    except Exception as error:  # the program's own code, on a step that depends on what was not recorded
        found.not_tried = f"the recorded steps cannot be trained again: {type(error).__name__}: {str(error)[:120]}"
        return
    try:
        affordable = clock.first / max(1e-3, lab.seconds_per_step) / (len(remedies) + 4)
        shorter = int(min(found.steps, max(LEAST_STEPS, affordable)))
        if shorter < found.steps:
            found.steps = shorter
            found.base = [run(lab, found, Intervention(), 0, found.steps)]
        fixed: list[Remedy] = []
        base, ended = found.base, found.ended
        for _ in range(CAUSES):
            trials = _first_stage(lab, found, remedies, fixed, base, ended, clock)
            found.trials.extend(trials)
            chosen = _second_stage(lab, found, trials, fixed, clock)
            if chosen is None:
                break
            found.causes.append(chosen)
            fixed.append(chosen.remedy)
            base, ended = chosen.outcomes, Outcome(statistics.fmean(o.train for o in chosen.outcomes), math.nan)
            remedies = [item for item in remedies if item.cause != chosen.remedy.cause]
            if ended.train <= STILL_FAILING:
                break
    except _OutOfBudget:
        found.not_tried = f"budget of {lab.budget:g} s used up"


class _Clock:
    """The shares of the budget: for trying every remedy once, and for the other seeds."""

    def __init__(self, lab: Lab) -> None:
        self.started = time.thread_time()
        self.first = FIRST_SHARE * lab.time_left()
        self.second = SECOND_SHARE * lab.time_left()

    def first_is_over(self) -> bool:
        return time.thread_time() - self.started > self.first

    def second_is_over(self) -> bool:
        return time.thread_time() - self.started > self.second


class _OutOfBudget(Exception):
    pass


def _worth_trying(lab: Lab, remedy: Remedy) -> bool:
    try:
        return remedy.why_not(lab) is None
    except Exception:
        return False  # a remedy that does not fit this program


def _first_stage(
    lab: Lab,
    found: Diagnosis,
    remedies: list[Remedy],
    fixed: list[Remedy],
    base: list[Outcome],
    ended: Outcome,
    clock: _Clock,
) -> list[Trial]:
    """Every remedy once, narrowest first, with the recorded order and random numbers, as far as the time reaches."""
    trials: list[Trial] = []
    for remedy in remedies:
        if clock.first_is_over():
            if not any(trial.gain > GAIN for trial in trials):
                raise _OutOfBudget
            break
        trial = Trial(remedy, base=base, ended=ended)
        try:
            trial.outcomes.append(run(lab, found, _with(fixed, remedy), 0, found.steps))
        except Exception:
            continue  # a remedy that does not fit this program (a batch that cannot be cut, say)
        trials.append(trial)
    return trials


def _with(fixed: list[Remedy], remedy: Remedy) -> Remedy:
    return Together([*fixed, remedy]) if fixed else remedy


def _second_stage(
    lab: Lab, found: Diagnosis, trials: list[Trial], fixed: list[Remedy], clock: _Clock
) -> Trial | None:
    """The remedies near the best on the other seeds, narrowest first, until one is proven."""
    best = max((trial.gain for trial in trials), default=0.0)
    if best <= GAIN:
        return None
    near = [trial for trial in trials if trial.gain >= max(GAIN, SHARE_OF_BEST * best)]
    for trial in sorted(near, key=lambda item: (item.remedy.order, -item.gain)):
        for seed in range(1, SEEDS):
            if clock.second_is_over():
                raise _OutOfBudget
            if len(found.base) <= seed:
                found.base.append(run(lab, found, Intervention(), seed, found.steps))
            trial.outcomes.append(run(lab, found, _with(fixed, trial.remedy), seed, found.steps))
        if trial.helps():
            return trial
    return None


def run(lab: Lab, found: Diagnosis, change: Intervention, seed: int, steps: int) -> Outcome:
    """u after a replay of ``steps`` steps with one change."""
    outcomes: list[Outcome] = []

    def measure() -> float:
        outcomes.append(outcome(lab, found.scale, found.probes, found.validation))
        return outcomes[-1].train

    steps *= getattr(change, "longer", 1)
    curve = lab.train(change, steps=steps, seed=seed, after=measure)
    found.curves[f"{change.changes} ({seed})"] = curve
    if not curve.finite:
        return Outcome(U_LIMIT, U_LIMIT if found.validation else math.nan)
    return outcomes[-1]


def best_learning_rate(found: Diagnosis, below: bool) -> Trial | None:
    """The best learning rate that was tried on one side of the program's own."""
    tried = [
        trial
        for trial in found.trials
        if isinstance(trial.remedy, LearningRate) and (trial.remedy.factor < 1) == below
    ]
    return max(tried, key=lambda trial: trial.gain, default=None)
