"""Dropout, weight decay or a penalty that keeps the network from learning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn

from paramedic.checks.case import Case
from paramedic.checks.check import NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments import half_learned
from paramedic.experiments.cause import Cause, CauseByExperiment
from paramedic.experiments.counterfactual import Diagnosis, Trial, diagnosis
from paramedic.experiments.interventions import (
    DROPOUT_FUNCTIONS,
    AllOf,
    NoDropout,
    NoPenalty,
    NoWeightDecay,
    Remedy,
    dropout_modules,
)
from paramedic.experiments.lab import Intervention, Repeatable
from paramedic.experiments.progress import penalties
from paramedic.experiments.wording import (
    SYMPTOMS,
    at_first,
    learned,
    main_optimizer,
    model_place,
    module_place,
    optimizer_place,
    percent,
)
from paramedic.trace.place import Place

KINDS = (NoDropout, NoWeightDecay, NoPenalty)


class TooMuchRegularization(CauseByExperiment):
    """Regularization keeps the network from learning even its training data.

    What it measures: how much is learned (0 % = chance, 100 % = perfect), with dropout off while measuring, on training
        and validation batches after replays with and without dropout, weight decay and penalties in the loss, on three
        seeds. Where the run learned up to 90 %: replays as long as the run, with which both training and validation
        batches get half of what was left, and 10 points, further.
    Why it matters: regularization is to close the gap between training and validation; where the training data
        themselves are not learned it only does harm.
    Fix: lower it until the training data are learned; then raise it again only as far as validation gains.
    Not a fault when: it slows training, but the run learned, and validation batches gain by it.
    References: the article's reason 30 and its first response; Srivastava et al., "Dropout", 2014.
    """

    reason = "R30"
    name = "too-much-regularization"
    also = ("S2",)
    needs = ("replay", "budget")
    cost = "experiment"

    explains = (*SYMPTOMS, "R20")

    def examine(self, case: Case) -> Iterator[Finding]:
        if all(kind().why_not(case.lab) for kind in KINDS):
            raise NotApplicable("no dropout, no weight decay and no penalty in the loss")
        yield from super().examine(case)
        yield from self._half_learned(case)

    def _half_learned(self, case: Case) -> Iterator[Finding]:
        """Where the run learned a good part: what it costs."""
        lab, found = case.lab, diagnosis(case)
        if not half_learned.asks(case, found):
            return
        used: list[Remedy] = [item for kind in KINDS if (item := kind()).why_not(lab) is None]
        tried = [*used, AllOf(used)] if len(used) > 1 else used
        trial = half_learned.further(lab, found, tried)
        if trial is None:
            return
        lab.repeatable.append(Repeatable(trial.proof(), found.total_steps, len(found.probes), found.ended.train))
        parts = trial.remedy.remedies if isinstance(trial.remedy, AllOf) else (trial.remedy,)
        amounts, places = zip(*(_amount(case, item) for item in parts), strict=True)
        before, after = found.ended, trial.outcomes[0]
        yield self.suspect(
            f"{_too_much(amounts)} for what it brings: at the end of the run {learned(before.train)} is learned on training "
            f"batches and {percent(before.validation)} on validation batches; in as many steps with {trial.remedy.changes} "
            f"{percent(after.train)} and {percent(after.validation)}",
            where=next((place for place in places if place is not None), None),
            evidence=(
                Evidence("u on training batches at the end of the run", _rounded(before.train), "", "u"),
                Evidence("u on validation batches at the end of the run", _rounded(before.validation), "", "u"),
                Evidence("u on training batches, changed", _rounded(after.train), "", "u"),
                Evidence("u on validation batches, changed", _rounded(after.validation), "", "u"),
            ),
            remedy=trial.remedy.remedy,
            proof=trial.proof(),
            gain=trial.gain,
            explains=self.explains,
        )

    def describe(self, case: Case, found: Diagnosis, trial: Trial) -> Cause:
        together = [item.remedy for item in found.causes if item.remedy.cause == self.name]
        parts = [part for item in together for part in (item.remedies if isinstance(item, AllOf) else [item])]
        amounts, places = zip(*(_amount(case, item) for item in parts), strict=True)
        changes = [item.changes for item in parts]
        first = at_first(found, trial)
        if len(together) > 1:
            first = f"{learned(trial.before())} is learned with any one of them left"
        return Cause(
            f"{_too_much(amounts)}: {first}, on training batches, and "
            f"{percent(trial.after())} after {found.steps} steps with {listed(changes)}",
            next((place for place in places if place is not None), None),
            " and ".join(dict.fromkeys(item.remedy for item in parts)),
            (
                Evidence("u on validation batches, unchanged", _rounded(trial.base[0].validation), "", "u"),
                Evidence("u on validation batches, changed", _rounded(trial.outcomes[0].validation), "", "u"),
            ),
        )


def _too_much(amounts: Sequence[str]) -> str:
    return f"{listed(amounts)} {'are too much together' if len(amounts) > 1 else 'is too much'}"


def listed(items: Sequence[str]) -> str:
    """ "a, b and c"."""
    return " and ".join([*([", ".join(items[:-1])] if len(items) > 1 else []), items[-1]])


def _rounded(value: float) -> float | None:
    return round(value, 4) if value == value else None


def _amount(case: Case, remedy: Intervention) -> tuple[str, Place | None]:
    """What is too much, in words, and where it is set."""
    lab = case.lab
    if isinstance(remedy, NoWeightDecay):
        record = main_optimizer(case)
        decay = (
            max((group.get("weight_decay") or 0.0 for group in record.groups), default=0.0) if record else 0.0
        )
        return f"weight decay {decay:g}", optimizer_place(case)
    if isinstance(remedy, NoPenalty):
        tape = lab.main_backward.tape
        assert tape is not None
        numbers = set(penalties(tape))
        node = next((node for node in tape.nodes if numbers & set(node.inputs())), None)
        value = sum(float(lab.operations().values[number]) for number in numbers)
        place = node.place if node is not None else lab.main_backward.place
        if len({str(node.place) for node in tape.nodes}) == 1:  # all of it in one call of a library: the layers ask for it
            place = model_place(case) or place
        return f"the penalty on the weights ({value:.3g} of a loss of {lab.main_backward.loss:.3g})", place
    modules = [module for module, _ in dropout_modules(lab)]
    if modules:
        strongest = max(modules, key=_probability)
        return f"dropout {_probability(strongest):g}", module_place(case, strongest)
    call = next(call for call in lab.operations().calls if call.name in DROPOUT_FUNCTIONS)
    return f"dropout {call.argument(1, 'p', 0.5):g}", call.place


def _probability(module: nn.Module) -> float:
    return float(getattr(module, "p", 0.0) or getattr(module, "dropout", 0.0))
