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
from dataclasses import dataclass, field, replace

from paramedic.checks.case import Case
from paramedic.checks.check import NotApplicable, NotChecked
from paramedic.checks.finding import Finding, Proof
from paramedic.experiments import in_turn, own_floor
from paramedic.experiments.decisions import SOLVED, balanced_decisions
from paramedic.experiments.fan_out import Job, outcomes
from paramedic.experiments.interventions import (
    LEARNING_RATE_FACTORS,
    AllOf,
    LearningRate,
    MoreSteps,
    OtherOptimizer,
    Remedy,
    Together,
)
from paramedic.experiments.lab import Curve, Intervention, Lab, OutOfTime
from paramedic.experiments.progress import (
    PROBES,
    U_LIMIT,
    Probe,
    Scale,
    loss_of,
    penalty_share,
    scale_of,
    train_probes,
    validation_probes,
    weighs_own_samples,
)
from paramedic.experiments.repairs import ONLY_EVALUATION, hidden_by_others, repair_of
from paramedic.experiments.targets import follows_itself
from paramedic.experiments.targets import remedies as all_remedies
from paramedic.trace.setup import StepEvent

NOTHING = 1.0  # u of the best constant output
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
WANTED_STEPS = 60  # the prototypes' horizon: shorter replays begin to favour the wrong remedies
PROBE_SECONDS = 0.4  # of forward passes each time that progress is measured, on training and on validation batches
LEAST_PROBES = 2
LEAST_ROWS = 8  # of a batch that is cut because its steps cost too much; batch normalization needs several
FIRST_SHARE, SECOND_SHARE = 0.45, 0.75  # of the time left, for one seed and for all; the rest is for other checks
CAUSES = 3
STILL_FAILING = 0.5  # u after the first remedies: below it, one that helps whatever is not finished proves nothing
STILL_LEARNING = 0.1  # in u, between a short replay and a long one: a copy that gains more has not ended
LONG_SHARE = 0.25  # of the time left, for one replay as long as the program's own run
FINER = (3.0, 10.0, 0.3)  # times a learning rate that helps: the ladder's steps are decades
MOST_FACTOR = 1e6  # of the learning rate
LEAST_MOVE = 0.005  # in u, of one rate beyond the next lower one; no movement on the same batches is exact to rounding
BEGINNING = 0.02  # in u; what moves training off the spot, if no further (a healthy network's first steps do as much)
MOST_BEGUN = 3
LONGER = 1.5  # times the steps of the short replays, at least
LEAST_EFFECT = 0.05  # in u; mending a fact that changes less does not matter to training (prototype's least gain)
NARROW = 30  # the order of the remedies that are applied all at once: inputs, regularization, batches, initial weights


@dataclass(frozen=True)
class Outcome:
    """Where one replay ended: u on training batches, and on validation batches (nan without)."""

    train: float
    validation: float


def known(u: float) -> float:
    """u where worse than knowing nothing counts as knowing nothing; nan stays nan."""
    return u if math.isnan(u) else min(u, NOTHING)


def _standard_error(gains: Sequence[float]) -> float:
    return statistics.stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else 0.0


def interval_of(gains: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the mean fall of u, as a difference after - before, by gains of SEEDS seeds."""
    mean, half = statistics.fmean(gains), T_95 * _standard_error(gains)
    return (-mean - half, -mean + half)


def significant(gains: Sequence[float]) -> bool:
    """Whether the mean gain of SEEDS seeds is above chance."""
    return statistics.fmean(gains) / (_standard_error(gains) + SLACK) > SIGNIFICANCE


@dataclass(eq=False)
class Trial:
    """One remedy with its outcomes by seed, and those of the base it is compared with.

    beside: what is changed in the base and in the trial alike. ended: where the base's whole run ended, if known.
    """

    remedy: Remedy
    outcomes: list[Outcome] = field(default_factory=list)
    base: list[Outcome] = field(default_factory=list)
    ended: Outcome | None = None
    beside: tuple[Remedy, ...] = ()

    @property
    def experiment(self) -> str:
        """What `paramedic replay` calls it: what is changed beside it, and last the one thing that is tried."""
        return "+".join(item.name for item in (*self.beside, self.remedy))

    def gains(self) -> list[float]:
        """Per seed, how much further the remedy got than its base and than the program's whole run, from where something
        is known: to have been worse than knowing nothing is no gain.
        """
        ended = known(self.ended.train) if self.ended else math.inf
        return [
            min(known(base.train), ended) - known(own.train)
            for own, base in zip(self.outcomes, self.base, strict=False)
        ]

    @property
    def gain(self) -> float:
        return statistics.fmean(self.gains())

    def sooner(self) -> float:
        """On the first seed, how much further the remedy got than its base in as many steps."""
        return known(self.base[0].train) - known(self.outcomes[0].train)

    def after(self) -> float:
        return statistics.median(item.train for item in self.outcomes)

    def before(self) -> float:
        own = known(statistics.median(item.train for item in self.base))
        return min(own, known(self.ended.train)) if self.ended is not None else own

    def interval(self) -> tuple[float, float]:
        """95 % interval of the difference after - before."""
        return interval_of(self.gains())

    def significant(self) -> bool:
        return significant(self.gains())

    def holds_on_validation(self) -> bool:
        """Whether validation batches gain as well; True where none were recorded."""
        gains = [
            known(base.validation) - known(own.validation)
            for own, base in zip(self.outcomes, self.base, strict=False)
            if not math.isnan(own.validation) and not math.isnan(base.validation)
        ]
        return not gains or statistics.fmean(gains) > VALIDATION_GAIN

    def helps(self) -> bool:
        return self.gain > GAIN and self.significant() and self.holds_on_validation()

    def proof(self) -> Proof:
        return Proof(
            experiment=self.experiment,
            before=round(self.before(), 4),
            after=round(self.after(), 4),
            interval=(round(self.interval()[0], 4), round(self.interval()[1], 4)),
            seeds=len(self.outcomes),
            changed=self.remedy.changes,
        )


@dataclass(eq=False)
class Fact:
    """An exact fact that is mended in the replays: what every other cause is sought on top of.

    trial: training with all other facts mended, against training with this one mended too; None without time.
    harmless: the program learns with it, and mending it changes nothing.
    """

    finding: Finding
    remedy: Remedy
    trial: Trial | None = None
    harmless: bool = False


@dataclass(eq=False)
class Diagnosis:
    """What the remedies showed.

    ended: u of the program's own last weights; where facts are mended, of the mended program after as many steps.
    own: u of the program's own last weights, by the mended loss. base: replays without a change (but with the facts
    mended), by seed. steps: their length; thin: they use one of so many parts of each batch. trials: all remedies that
    were tried, best last stage included. causes: the chosen ones, main cause first. untried: causes whose remedies
    the budget did not reach. gauge: how progress is measured where networks are trained in turn, or the loss is computed from
    derivatives of the network; else None. solved: what the last weights decide is right, however large their loss.
    """

    scale: Scale
    probes: list[Probe]
    validation: list[Probe]
    start: Outcome
    ended: Outcome
    total_steps: int
    facts: list[Fact] = field(default_factory=list)
    own: Outcome | None = None
    steps: int = 0
    thin: int = 1
    base: list[Outcome] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    causes: list[Trial] = field(default_factory=list)
    curves: dict[str, Curve] = field(default_factory=dict)
    units: dict[str, tuple[Scale, list[Probe], list[Probe]]] = field(default_factory=dict, repr=False)
    not_tried: str | None = None
    untried: set[str] = field(default_factory=set)
    gauge: in_turn.Gauge | None = None
    solved: bool = False

    def __post_init__(self) -> None:
        self.units[""] = (self.scale, self.probes, self.validation)

    @property
    def failing(self) -> bool:
        """Whether a remedy could gain GAIN at all, and the decisions of the last weights are not right as they are."""
        return not self.solved and self.ended.train > (GAIN if self.gauge is None else in_turn.FAILING)

    @property
    def repairs(self) -> list[Remedy]:
        return [fact.remedy for fact in self.facts]

    def cause(self, name: str) -> Trial | None:
        return next((trial for trial in self.causes if trial.remedy.cause == name), None)


def assess(case: Case) -> Diagnosis:
    """How far the program got, before any remedy is tried; measured once.

    Raises NotApplicable or NotChecked when progress cannot be measured, and where networks are trained in turn.
    """
    return _of_one_loss(assess_any(case))


def assess_any(case: Case) -> Diagnosis:
    """The same, also where networks are trained in turn: then its gauge says what was measured."""
    return _once(case, "assessment", lambda case: assess_mended(case, []))


def diagnosis(case: Case) -> Diagnosis:
    """The assessment with the remedies tried; made once. Raises as ``assess``."""
    return _of_one_loss(diagnosis_of_any(case))


def diagnosis_of_any(case: Case) -> Diagnosis:
    """The same, also where networks are trained in turn."""
    return _once(case, "diagnosis", _diagnose)


def _of_one_loss(found: Diagnosis) -> Diagnosis:
    if found.gauge is not None:
        raise NotApplicable(found.gauge.why_not_tried)
    return found


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
    found = diagnosis_of_any(case)
    if found.gauge is not None and name not in found.gauge.tried:
        raise NotApplicable(found.gauge.why_not_tried)
    trial = found.cause(name)
    if trial is not None:
        return trial
    if found.failing and found.not_tried is not None:
        raise NotChecked(found.not_tried)
    if found.failing and name in found.untried:
        raise NotChecked(f"budget of {case.lab.budget:g} s used up before this remedy was tried")
    if found.gauge is not None:
        failed = found.failing and not found.causes and found.steps < found.total_steps
        if why := in_turn.no_verdict(found.gauge, found.steps if failed else None):
            raise NotChecked(why)
    return None


def assess_mended(
    case: Case, facts: list[Fact], count: int | None = None, measured_by: Remedy | None = None
) -> Diagnosis:
    """How far the program got, by the loss as it is with the facts mended.

    count: the batches that progress is measured on; by default as many as a step's cost allows. measured_by: a remedy that
    makes the loss another one, for what is measured by it. Raises NotApplicable
    or NotChecked when progress cannot be measured.
    """
    lab = case.lab
    problem = lab.why_not_replayable()
    if problem is not None:
        raise NotChecked(problem)
    assert lab.main_backward.tape is not None
    if lab.setup.phase.goes_on:
        raise NotChecked(
            "training is made of parts that go on from each other's weights: how far the first part gets alone does not count"
        )
    repairs = [fact.remedy for fact in facts]
    if in_turn.trained_in_turn(_recorded(lab, Together(repairs))):
        return _assess_with(lab, facts, in_turn.gauge, measured_by)
    if weighs_own_samples(lab.main_backward.tape):
        raise NotApplicable("the loss weighs the network's own samples (policy gradient): it is no measure of progress")
    if follows_itself(lab):
        raise NotApplicable(
            "the loss compares the network with values of a network that changes as it learns (bootstrapped): it is no measure "
            "of progress"
        )
    if lab.operations(0).derivatives():
        return _assess_with(lab, facts, own_floor.gauge, measured_by)
    loss = _loss_with(facts, measured_by)
    with lab.spending():
        if count is None:
            count = max(LEAST_PROBES, min(PROBES, int(PROBE_SECONDS / max(1e-4, lab.seconds_per_step / 3))))
        probes = train_probes(lab, count, change=loss)
        scale = scale_of(lab, probes)
        if scale is None:
            raise NotChecked("how far the loss can fall could not be measured")
        validation = validation_probes(lab, count, change=loss)
        start, ended = (_outcome_at(lab, state, scale, probes, validation) for state in ("initial", "final"))
    if not loss.remedies and _moved_on(case, scale, ended):
        raise NotChecked("the loss on the first batches says nothing about the last ones: the data changed on the way")
    right = balanced_decisions(case) if ended.train > GAIN and not facts else None
    return Diagnosis(
        scale, probes, validation, start, ended, _steps_made(lab), facts, own=ended,
        solved=right is not None and right >= SOLVED,
    )


def _assess_with(
    lab: Lab, facts: list[Fact], measure: Callable[[Lab, int, Intervention], in_turn.Gauge], measured_by: Remedy | None
) -> Diagnosis:
    """How far networks got whose loss is no measure of that by itself."""
    with lab.spending():
        count = max(LEAST_PROBES, min(PROBES, int(PROBE_SECONDS / max(1e-4, lab.seconds_per_step / 3))))
        gauge = measure(lab, count, _loss_with(facts, measured_by))
        start, ended = (_outcome_at(lab, state, gauge.scale, gauge.probes, []) for state in ("initial", "final"))
    return Diagnosis(gauge.scale, gauge.probes, [], start, ended, _steps_made(lab), facts, own=ended, gauge=gauge)


def _loss_with(facts: list[Fact], measured_by: Remedy | None) -> Together:
    repairs = [fact.remedy for fact in facts]
    return Together([item for item in (*repairs, *([measured_by] if measured_by else [])) if item.defines_loss])


def _steps_made(lab: Lab) -> int:
    made = sum(record.steps for record in lab.setup.optimizers)
    return max(1, made or lab.setup.backward_calls)


def _diagnose(case: Case) -> Diagnosis:
    facts, hopeless = _facts(case)
    found = assess_mended(case, facts if hopeless is None else [])
    if found.failing or found.facts:
        if hopeless is not None:
            found.not_tried = f"{hopeless.reason} {hopeless.check} has to be fixed first, which no replay can do"
        elif problem := case.lab.why_no_budget():
            found.not_tried = problem
        else:
            _try_remedies(case, found)
    return found


def _moved_on(case: Case, scale: Scale, ended: Outcome) -> bool:
    """Whether the program's own last losses are far below that of its first batches at the last weights.

    So it is where the network makes its own data (reinforcement learning), or where the data drift.
    """
    losses = [row.loss for row in case.trace.steps()][-LAST_LOSSES:]
    if not losses or not all(math.isfinite(loss) for loss in losses):
        return False
    tape = case.lab.main_backward.tape
    assert tape is not None
    with case.lab.at("final"):
        share = penalty_share(tape)  # which u leaves out, and which falls without end where its sign is wrong
    return ended.train - scale.u(statistics.median(losses) - share) > MOVED


def _recorded(lab: Lab, repairs: Remedy) -> list[list[StepEvent]]:
    """The recorded steps that are trained again; raises NotChecked where there are none."""
    optimized = lab.recorded_steps(repairs)
    if not optimized:
        raise NotChecked("no optimizer step was recorded")
    return optimized


# -- exact facts ---------------------------------------------------------------------------------------------------

# An exact fact in these rows changes what training does: remedies tried beside it would treat its symptoms.
CONFOUNDING = frozenset(
    "R01 R02 R03 R04 R07 R10 R14 R17 R18 R19 R20 R22 R23 R25 R26 R28 R32 R33 R34 R36 S3 S4".split()
)


def confounding(findings: Sequence[Finding]) -> Finding | None:
    """A proven fault that has to be fixed before soft causes can be told apart."""
    return next(iter(_confounders(findings)), None)


def known_fault(findings: Sequence[Finding]) -> Finding | None:
    """A fault that is found already: one that confounds soft causes, else any."""
    return confounding(findings) or next((item for item in findings if item.level == "fault"), None)


def _confounders(findings: Sequence[Finding]) -> list[Finding]:
    faults = [item for item in findings if item.level == "fault"]
    return [item for item in faults if item.reason in CONFOUNDING and item.check not in ONLY_EVALUATION]


def _facts(case: Case) -> tuple[list[Fact], Finding | None]:
    """The exact facts with what mends them; and one that nothing mends and no mended one explains, if there is one."""
    found = _confounders(case.findings)
    if not found or case.lab.why_not_replayable() is not None:
        return [], next(iter(found), None)
    mended = [(item, repair_of(case, item)) for item in found]
    facts = [Fact(item, remedy) for item, remedy in mended if remedy is not None]
    explained = {row for fact in facts for row in fact.finding.explains}
    hopeless = [
        item for item, remedy in mended
        if remedy is None and not {item.reason, item.check} & (explained | {fact.finding.check for fact in facts})
    ]
    named = {name for fact in facts for name in fact.finding.explains}  # the same thing, said in other words
    mending = {fact.finding.check: fact for fact in reversed(facts) if fact.finding.check not in named}
    return list(reversed(mending.values())), next(iter(hopeless), None)


def facts_of(case: Case) -> list[Fact]:
    """The exact facts that were mended in replays, with their trials; made now if there is time for it."""
    if not _confounders(case.findings) or case.lab.why_no_budget() is not None:
        return list(_made(case))
    try:
        return diagnosis(case).facts
    except (NotApplicable, NotChecked):
        return []


def _made(case: Case) -> list[Fact]:
    found = case.lab._cache.get("diagnosis")
    return found.facts if isinstance(found, Diagnosis) else []


def _prove_facts(lab: Lab, found: Diagnosis, clock: _Clock) -> None:
    """Each fact against the others mended, on all seeds, as far as the time reaches."""
    for fact in found.facts:
        if fact.finding.proof is not None:
            continue
        others = tuple(item for item in found.repairs if item is not fact.remedy)
        trial = Trial(fact.remedy, beside=others)
        for seed in range(SEEDS):
            if clock.second_is_over():
                return
            trial.base.append(run_or_fail(lab, found, Together(others), seed))
            if len(found.base) <= seed:
                found.base.append(run(lab, found, Together(found.repairs), seed, found.steps))
            trial.outcomes.append(found.base[seed])
        fact.trial = trial
        best = min(trial.before(), found.own.train if found.own is not None else math.inf)
        fact.harmless = best <= GAIN and best - trial.after() < LEAST_EFFECT


# -- trying --------------------------------------------------------------------------------------------------------


def _outcome_at(lab: Lab, state: str, scale: Scale, probes: list[Probe], validation: list[Probe]) -> Outcome:
    with lab.at(state):
        return outcome(lab, scale, probes, validation)


def reached_on_both(case: Case) -> Outcome | None:
    """u of the trained network on recorded training and validation batches; None where either cannot be had."""
    if case.data is not None or case.lab.why_not_replayable() is not None:
        return None
    probes, validation = train_probes(case.lab), validation_probes(case.lab)
    scale = scale_of(case.lab, probes) if validation else None
    if scale is None:
        return None
    with case.lab.at("final"):
        return outcome(case.lab, scale, probes, validation)


def outcome(lab: Lab, scale: Scale, probes: list[Probe], validation: list[Probe]) -> Outcome:
    """u in the present state."""
    train = scale.u(loss_of(lab, probes))
    return Outcome(train, scale.u(loss_of(lab, validation)) if validation else math.nan)


def _try_remedies(case: Case, found: Diagnosis) -> None:
    lab = case.lab
    hidden = hidden_by_others(case) if found.gauge is None else []
    tried = all_remedies() if found.gauge is None else found.gauge.remedies(lab)
    remedies = [remedy for remedy in (*hidden, *tried) if _worth_trying(lab, remedy, found.repairs)]
    clock = _Clock(lab, found)
    mended = Together(found.repairs)
    first = sum(not _comes_last(found, item) for item in remedies)
    seconds = clock.first / (first + 4)  # for one replay
    plan_replays(lab, found, seconds)
    if found.thin > 1:  # fewer rows at every step: how many updates the same rows are good for cannot be seen
        found.untried.update(item.cause for item in remedies if item.parts > 1)
        remedies = [item for item in remedies if item.parts == 1]
    try:
        found.base = [run(lab, found, mended, 0, found.steps)]
    except OutOfTime as reason:
        found.not_tried = str(reason)
        return
    except Exception as error:  # the program's own code, on a step that depends on what was not recorded
        found.not_tried = f"the recorded steps cannot be trained again: {type(error).__name__}: {str(error)[:120]}"
        return
    shorter = _affordable(found, seconds, lab.seconds_per_step)
    try:
        if shorter < found.steps:
            found.steps = shorter
            found.base = [run(lab, found, mended, 0, found.steps)]
        if found.facts:
            _prove_facts(lab, found, clock)
            found.ended, conclusive = _whole_run(lab, found, mended, found.base[0])
            if found.failing and not conclusive:
                found.not_tried = "the mended copy still learns at the end of its replay: fix what was found, and run again"
            if not found.failing or not conclusive:
                return
        _find_causes(lab, found, remedies, _Clock(lab, found))
    except (_OutOfBudget, OutOfTime):
        found.not_tried = f"budget of {lab.budget:g} s used up"


def plan_replays(lab: Lab, found: Diagnosis, seconds: float) -> None:
    """How many steps a replay has, and which part of each batch, so that it takes about so many seconds."""
    recorded = len(lab.recorded_steps(Together(found.repairs)))
    most = MOST_STEPS if found.gauge is None else in_turn.MOST_STEPS
    found.steps = min(most, max(recorded, min(found.total_steps, most)))
    if found.gauge is None:
        _thin_out(lab, found, seconds)
    else:  # their batches may have different sizes, and the steps of one cost more than those of another
        lab.train(steps=min(found.steps, LEAST_STEPS))
    found.steps = _affordable(found, seconds, lab.seconds_per_step / found.thin)


def _thin_out(lab: Lab, found: Diagnosis, seconds: float) -> None:
    """Smaller parts of the batches, so that a replay of WANTED_STEPS takes about so many seconds.

    The cost of a step is estimated from the one forward pass that was replayed so far.
    """
    wanted = min(found.steps, WANTED_STEPS)
    rows, thin = lab.batch_rows(), 1
    while lab.seconds_per_step / thin * wanted > seconds and rows // (2 * thin) >= LEAST_ROWS:
        thin *= 2
    if thin > 1 and lab.can_be_thinned(thin):
        found.thin = thin


def _affordable(found: Diagnosis, seconds: float, seconds_per_step: float) -> int:
    """As many of the steps as a replay can make in so many seconds."""
    return int(min(found.steps, max(LEAST_STEPS, seconds / max(1e-3, seconds_per_step))))


def _find_causes(lab: Lab, found: Diagnosis, remedies: list[Remedy], clock: _Clock) -> None:
    """One cause after the other: after the best is fixed in the copy, the next is looked for."""
    fixed: list[Remedy] = list(found.repairs)
    base, ended = found.base, found.ended
    for _ in range(CAUSES):
        trials = _first_stage(lab, found, remedies, fixed, base, ended, clock)
        found.trials.extend(trials)
        chosen = _second_stage(lab, found, trials, fixed, clock)
        if not chosen or isinstance(chosen[0].remedy, OtherOptimizer):  # which is almost never the cause
            chosen = _jointly(lab, found, remedies, fixed, base, ended, clock) or chosen
        if not chosen and not found.causes:
            chosen = _for_longer(lab, found, remedies, trials, fixed, ended, clock)
        if not chosen:
            break
        chosen = _refined(lab, found, chosen, fixed, clock)
        found.causes.extend(chosen)
        fixed.extend(trial.remedy for trial in chosen)
        base = chosen[0].outcomes
        remedies = [item for item in remedies if item.cause not in {trial.remedy.cause for trial in chosen}]
        short = Outcome(statistics.fmean(o.train for o in base), math.nan)
        if short.train <= GAIN or any(isinstance(trial.remedy, MoreSteps) for trial in chosen):
            break  # what helps a run that only lacks time makes it faster, and is no second cause
        ended, conclusive = _whole_run(lab, found, Together(fixed), short)
        if ended.train <= GAIN or not conclusive:
            break
        if ended.train <= STILL_FAILING:
            remedies = [item for item in remedies if not item.generic]


def _for_longer(
    lab: Lab,
    found: Diagnosis,
    remedies: list[Remedy],
    trials: list[Trial],
    fixed: list[Remedy],
    ended: Outcome,
    clock: _Clock,
) -> list[Trial]:
    """What began to help, over more of the program's steps: a deep network that can learn at last takes its time.

    It began to help where it is ahead of the same steps without it, which may be behind the end of the whole run. And all
    remedies of one cause at once: what each of two kinds of regularization takes away shows when training is over.
    """
    sooner = [trial for trial in sorted(trials, key=lambda item: -item.gain) if trial.sooner() > BEGINNING]
    began = [trial.remedy for trial in sooner[:MOST_BEGUN]]
    alike = [parts for parts in _alike(_narrow(remedies)) if len(parts) > 1]
    each = LONG_SHARE * lab.time_left() / max(1, (len(began) + 1) * SEEDS)
    steps = min(found.total_steps, int(each / max(1e-4, lab.seconds_per_step)))
    if not (began or alike) or steps < LONGER * found.steps:
        return []
    found.steps, found.trials = steps, []
    found.base = [run(lab, found, Together(fixed), 0, steps)]
    found.trials = _first_stage(lab, found, began, fixed, found.base, ended, clock)
    chosen = _second_stage(lab, found, found.trials, fixed, clock)
    return chosen or (_the_needed(lab, found, alike, fixed, found.base, ended, clock) if alike else [])


def _refined(
    lab: Lab, found: Diagnosis, chosen: list[Trial], fixed: list[Remedy], clock: _Clock
) -> list[Trial]:
    """The learning rate nearer to its best: what is left to be learned at a coarse one is no second cause."""
    trial = chosen[0]
    if len(chosen) > 1 or not isinstance(trial.remedy, LearningRate):
        return chosen
    best = trial
    for finer in FINER:
        if clock.second_is_over():
            return [best]
        other = trial.remedy.with_factor(trial.remedy.factor * finer)
        if other.cause != trial.remedy.cause:
            continue
        rival = Trial(other, base=trial.base, ended=trial.ended, beside=trial.beside)
        for seed in range(SEEDS):
            rival.outcomes.append(run(lab, found, Together([*fixed, other]), seed, found.steps))
            if rival.gain < best.gain + LEAST_EFFECT:
                break
        if len(rival.outcomes) == SEEDS and rival.helps() and rival.gain > best.gain + LEAST_EFFECT:
            best = rival
    return [best]


def _whole_run(lab: Lab, found: Diagnosis, change: Remedy, short: Outcome) -> tuple[Outcome, bool]:
    """u of a changed copy after as many steps as the program made, as far as the time reaches, and whether that is
    conclusive: it was as many, or the copy had stopped learning.

    short: where it was after ``found.steps``.
    """
    affordable = int(LONG_SHARE * lab.time_left() / max(1e-4, lab.seconds_per_step))
    steps = min(found.total_steps, affordable)
    if steps <= found.steps:
        return short, found.total_steps <= found.steps
    reached = run(lab, found, change, 0, steps)
    return reached, steps == found.total_steps or reached.train > short.train - STILL_LEARNING


class _Clock:
    """The shares of the budget: for trying every remedy once, and for the other seeds."""

    def __init__(self, lab: Lab, found: Diagnosis) -> None:
        self.lab, self.started = lab, time.thread_time()
        self.before = lab.spent
        first, second = (FIRST_SHARE, SECOND_SHARE) if found.gauge is None else in_turn.SHARES
        self.first = first * lab.time_left()
        self.second = second * lab.time_left()

    def _passed(self) -> float:
        """Processor time here, or on all processors of a cluster."""
        return max(time.thread_time() - self.started, self.lab.spent - self.before)

    def first_is_over(self) -> bool:
        return self._passed() > self.first

    def second_is_over(self) -> bool:
        return self._passed() > self.second


class _OutOfBudget(Exception):
    pass


def _worth_trying(lab: Lab, remedy: Remedy, repairs: Sequence[Remedy]) -> bool:
    if any(type(item) is type(remedy) and item.cause == remedy.cause for item in repairs):
        return False
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
    """Every remedy once, with the recorded order and random numbers, as far as the time reaches.

    Those of many steps come last, so that costly steps leave time for the others; within that, narrowest first.
    """
    trials: list[Trial] = []
    ordered = sorted(remedies, key=lambda item: item.parts * item.longer > 1)
    ordered.sort(key=lambda item: _comes_last(found, item))
    results = outcomes(lab, found, [Job(Together([*fixed, remedy]), 0, found.steps) for remedy in ordered])
    for remedy in ordered:
        if _comes_last(found, remedy) and any(trial.gain > GAIN for trial in trials):
            break
        if clock.first_is_over():
            if not any(trial.gain > GAIN for trial in trials):
                raise _OutOfBudget
            found.untried.update(item.cause for item in remedies)
            found.untried.difference_update(trial.remedy.cause for trial in trials)
            break
        trial = Trial(remedy, base=base, ended=ended, beside=tuple(fixed))
        try:
            trial.outcomes.append(next(results)())
        except OutOfTime:
            raise
        except Exception:
            continue  # a remedy that does not fit this program (a batch that cannot be cut, say)
        trials.append(trial)
    results.close()  # what is still computed ahead
    return [*trials, *_higher_rates(lab, found, trials, fixed, clock)]


def _comes_last(found: Diagnosis, remedy: Remedy) -> bool:
    return found.gauge is not None and found.gauge.in_turn and in_turn.comes_last(remedy)


def _higher_rates(
    lab: Lab, found: Diagnosis, trials: list[Trial], fixed: list[Remedy], clock: _Clock
) -> list[Trial]:
    """Learning rates above the ladder's highest, where that got furthest and no change was enough: Adadelta's defaults of
    two libraries lie three decades apart.
    """
    rates = [
        trial for trial in trials
        if isinstance(trial.remedy, LearningRate) and trial.remedy.optimizer_index is None
    ]  # fmt: skip
    added: list[Trial] = []
    best = max((trial.gain for trial in trials if not isinstance(trial.remedy, OtherOptimizer)), default=0.0)
    while rates and max([best, *(trial.gain for trial in added)]) <= GAIN and not clock.first_is_over():
        *others, top = sorted(rates, key=lambda trial: trial.remedy.factor)  # type: ignore[attr-defined]
        factor = 10 * top.remedy.factor  # type: ignore[attr-defined]
        below = min([top.base[0].train, *(trial.outcomes[0].train for trial in others)])
        moved = below - top.outcomes[0].train
        if moved < LEAST_MOVE or not max(LEARNING_RATE_FACTORS) < factor <= MOST_FACTOR:
            break
        trial = Trial(LearningRate(factor), base=top.base, ended=top.ended, beside=top.beside)
        trial.outcomes.append(run(lab, found, Together([*fixed, trial.remedy]), 0, found.steps))
        rates.append(trial)
        added.append(trial)
    return added


def _second_stage(
    lab: Lab, found: Diagnosis, trials: list[Trial], fixed: list[Remedy], clock: _Clock
) -> list[Trial]:
    """The remedies near the best on the other seeds, narrowest first, until one is proven."""
    best = max((trial.gain for trial in trials), default=0.0)
    if best <= GAIN:
        return []
    near = [trial for trial in trials if trial.gain >= max(GAIN, SHARE_OF_BEST * best)]
    for trial in sorted(near, key=lambda item: (item.remedy.order, -item.gain)):
        results = outcomes(lab, found, [
            Job(Together(change), seed, found.steps)
            for seed in range(1, SEEDS)
            for change in ([fixed] if len(trial.base) <= seed else []) + [[*fixed, trial.remedy]]
        ])  # fmt: skip
        for seed in range(1, SEEDS):
            if clock.second_is_over():
                raise _OutOfBudget
            if len(trial.base) <= seed:
                trial.base.append(next(results)())
            trial.outcomes.append(next(results)())
        if trial.helps():
            return [trial]
    return []


def _jointly(
    lab: Lab,
    found: Diagnosis,
    remedies: list[Remedy],
    fixed: list[Remedy],
    base: list[Outcome],
    ended: Outcome,
    clock: _Clock,
) -> list[Trial]:
    """Causes each of which hides the other: none of them helps alone.

    All remedies of one cause are applied at once (every kind of regularization off), and all narrow ones with each of the
    learning rates; from the first that gets nearly as far as the best, whatever is not needed is taken away again, broadest
    first (delta debugging). Each one that is left is then proven beside the others.
    """
    narrow = _narrow(remedies)
    rates: list[Remedy] = [item for item in remedies if isinstance(item, LearningRate)]
    if not narrow:
        return []
    sets = [*(parts for parts in _alike(narrow) if len(parts) > 1), narrow, *([*narrow, item] for item in rates)]
    return _the_needed(lab, found, sets, fixed, base, ended, clock)


def _narrow(remedies: Sequence[Remedy]) -> list[Remedy]:
    return [item for item in remedies if item.order <= NARROW and item.longer == 1]


def _alike(remedies: Sequence[Remedy]) -> list[list[Remedy]]:
    """The remedies by their causes."""
    return [[item for item in remedies if item.cause == cause] for cause in dict.fromkeys(item.cause for item in remedies)]


def _the_needed(
    lab: Lab,
    found: Diagnosis,
    sets: Sequence[list[Remedy]],
    fixed: list[Remedy],
    base: list[Outcome],
    ended: Outcome,
    clock: _Clock,
) -> list[Trial]:
    """Of the first of some sets of remedies that gets nearly as far as the best: what cannot be taken away, each proven."""

    def gain(parts: list[Remedy]) -> float:
        if clock.second_is_over():
            raise _OutOfBudget
        try:
            reached = run(lab, found, Together([*fixed, *parts]), 0, found.steps)
        except OutOfTime:
            raise
        except Exception:
            return -math.inf
        return min(known(base[0].train), ended.train) - known(reached.train)

    tried = [(gain(parts), parts) for parts in sets]
    best = max(value for value, _ in tried)
    if best <= GAIN:
        return []
    needed = next(parts for value, parts in tried if value >= SHARE_OF_BEST * best)
    for part in sorted(needed, key=lambda item: -item.order):
        rest = [item for item in needed if item is not part]
        if rest and gain(rest) >= SHARE_OF_BEST * best:
            needed = rest
    trials = [Trial(item, ended=ended, beside=(*fixed, *(o for o in needed if o is not item))) for item in needed]
    changes = [Together([*fixed, *needed]), *(Together(trial.beside) for trial in trials)]
    results = outcomes(lab, found, [Job(item, seed, found.steps) for seed in range(SEEDS) for item in changes])
    for _ in range(SEEDS):
        reached = next(results)()
        for trial in trials:
            if clock.second_is_over():
                raise _OutOfBudget
            trial.base.append(next(results)())
            trial.outcomes.append(reached)
    found.trials.extend(trials)
    if all(trial.helps() for trial in trials):
        return sorted(trials, key=lambda item: -item.gain)  # the one without which most is lost comes first
    return _as_one(lab, found, needed, [trials[0].outcomes, base], fixed, ended)


def _as_one(
    lab: Lab, found: Diagnosis, parts: list[Remedy], known: list[list[Outcome]], fixed: list[Remedy], ended: Outcome
) -> list[Trial]:
    """Remedies of one cause that only together make the difference, as one; known: outcomes with all of them and with none."""
    if len(parts) < 2 or len({item.cause for item in parts}) > 1:
        return []
    reached, base = known
    trial = Trial(AllOf(parts), outcomes=reached, base=list(base), ended=ended, beside=tuple(fixed))
    for seed in range(len(base), SEEDS):
        trial.base.append(run(lab, found, Together(fixed), seed, found.steps))
    found.trials.append(trial)
    return [trial] if trial.helps() else []


def run(lab: Lab, found: Diagnosis, change: Intervention, seed: int, steps: int) -> Outcome:
    """u after a replay of ``steps`` steps with one change."""
    outcomes: list[Outcome] = []
    measured = _measured_with(lab, found, change)

    def measure() -> float:
        outcomes.append(outcome(lab, *measured))
        return outcomes[-1].train

    steps *= getattr(change, "longer", 1)
    curve = lab.train(change, steps=steps, seed=seed, after=measure, thin=found.thin)
    found.curves[f"{change.name} ({seed}, {steps})"] = curve
    return outcomes[-1] if curve.finite else _failed(found)


def _measured_with(lab: Lab, found: Diagnosis, change: Intervention) -> tuple[Scale, list[Probe], list[Probe]]:
    """What progress is measured by: the loss of the program, or a change's own where the network learns other units."""
    parts = change.remedies if isinstance(change, Together) else (change,)
    own = [item for item in parts if isinstance(item, Remedy) and item.own_units]
    key = "+".join(item.name for item in own)
    if key not in found.units:
        loss = found.probes[0].change
        units = Together([*(loss.remedies if isinstance(loss, Together) else ()), *own])
        probes, validation = ([replace(item, change=units) for item in group] for group in (found.probes, found.validation))
        with lab.spending():
            scale = scale_of(lab, probes)
        if scale is None:
            raise NotChecked("how far the loss can fall with it could not be measured")
        found.units[key] = (scale, probes, validation)
    return found.units[key]


def run_or_fail(lab: Lab, found: Diagnosis, change: Intervention, seed: int) -> Outcome:
    """The same over ``found.steps`` steps; the worst outcome where the program's own code cannot go on with the change."""
    try:
        return run(lab, found, change, seed, found.steps)
    except OutOfTime:
        raise
    except Exception:
        return _failed(found)


def _failed(found: Diagnosis) -> Outcome:
    return Outcome(U_LIMIT, U_LIMIT if found.validation else math.nan)


def best_learning_rate(found: Diagnosis, below: bool) -> Trial | None:
    """The best learning rate that was tried on one side of the program's own."""
    tried = [
        trial
        for trial in found.trials
        if isinstance(trial.remedy, LearningRate) and (trial.remedy.factor < 1) == below
    ]
    return max(tried, key=lambda trial: trial.gain, default=None)
