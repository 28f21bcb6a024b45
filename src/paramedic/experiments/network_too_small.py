"""A network with a layer too narrow for what it is to learn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.sample_flow import calls
from paramedic.experiments import half_learned
from paramedic.experiments.cannot_overfit_tiny_set import UNLEARNED, ended
from paramedic.experiments.counterfactual import SEEDS, Diagnosis, Outcome, Trial, confounding, diagnosis, run
from paramedic.experiments.known_good import WIDTH, KnownGoodModel
from paramedic.experiments.lab import Intervention, Lab
from paramedic.experiments.operations import Operations
from paramedic.experiments.progress import terminal_outputs
from paramedic.experiments.tiny_set import memorize
from paramedic.experiments.wider_copy import WiderCopy, wider_trial
from paramedic.experiments.wording import SYMPTOMS, learned, module_place, percent, run_evidence
from paramedic.trace.setup import own_parameters
from paramedic.trace.tape import tensors_of

NARROW = 4  # numbers per sample; prototype: bottlenecks of 1 and 2 fail every time, all else excluded
AFFINE = 1e-4  # of the difference between two outputs: rounding; a ReLU leaves several hundredths
NARROW_SHARE = 0.5  # of the outputs' rank: fewer than half as many hidden units as outputs


@dataclass(frozen=True)
class Bottleneck:
    """The hidden layer with the fewest numbers per sample, and the outputs per sample behind it."""

    path: str
    module: nn.Module
    width: int
    outputs: int

    @property
    def narrow(self) -> bool:
        return self.width <= max(NARROW, int(NARROW_SHARE * min(self.outputs, 16)))


class NetworkTooSmall(Check):
    """A layer is too narrow, or no activation stands between the layers: the network cannot hold what the data teach.

    What it measures: the fewest numbers per sample in any hidden layer; whether layers together are a linear function of
        the input; and how much is learned after replays with a
        simple known-good model in the place of the network, on three seeds, where the program's own whole run failed,
        no other change helped, and a handful of samples is not memorized or the narrow layer has no more numbers than
        the outputs need. Or the same network, made with one of its constructor's small numbers larger (hidden units,
        factors, heads, layers) and trained on a part of the recorded batches, against the program's own on the others; where
        the run learned 50 to 90 %, it has to get half of what was left, and 10 points, further.
    Why it matters: what does not fit through the narrowest layer is lost for all layers behind it.
    Fix: widen the named layer; put an activation between the layers.
    Not a fault when: the run learned.
    References: the article's reason 24.
    """

    reason = "R24"
    name = "network-too-small"
    needs = ("replay", "budget")
    cost = "experiment"
    after_facts = 2

    def examine(self, case: Case) -> Iterator[Finding]:
        found, lab = diagnosis(case), case.lab
        rivals = [item.remedy for item in found.causes]
        if found.ended.train < UNLEARNED:
            yield from self._half_learned(case, found)
            return
        if confounding(case.findings) or not all(item.generic for item in rivals):
            return
        with lab.spending():
            wider = wider_trial(lab, found, rivals)
        if wider is not None:
            yield self._wider(case, wider, tuple(item.cause for item in rivals))
        if wider is not None or rivals:
            return
        remedy = KnownGoodModel()
        problem = remedy.why_not(lab)
        if problem is not None:
            raise NotApplicable(problem)
        trial = known_good_trial(case, remedy)
        if trial is None or not trial.helps():
            return
        narrowest = bottleneck(lab)
        tiny = memorize(lab)
        memorized = tiny is not None and tiny.passed
        evidence = (
            *(
                (Evidence(f"least u on {tiny.samples} samples", round(tiny.u, 4), "below 0.05", "u"),)
                if tiny
                else ()
            ),
            *ended(found),
            *run_evidence(found, trial),
        )
        reached = f"{learned(trial.after())} after {found.steps} steps, the network {percent(found.ended.train)} at the end"
        if narrowest is not None and not narrowest.narrow and (model := affine_model(case)) is not None:
            yield self._linear(case, model, reached, trial, evidence)
            return
        if narrowest is None or not narrowest.narrow:
            return  # the simple model's success is reported for itself
        yield self.fault(
            f"{narrowest.path} passes on only {narrowest.width} number{'s' if narrowest.width > 1 else ''} per sample for "
            f"{narrowest.outputs} outputs{'' if memorized else ', and the network cannot memorize a handful of samples'}; a "
            f"wider simple model learns from the same batches ({reached})",
            where=module_place(case, narrowest.module),
            module=narrowest.path,
            evidence=(
                Evidence("numbers per sample in the narrowest layer", narrowest.width, f"above {NARROW}"),
                Evidence("width of the simple model that learns", WIDTH),
                *evidence,
            ),
            remedy=f"widen {narrowest.path}",
            proof=trial.proof(),
            gain=trial.gain,
            explains=(*SYMPTOMS, "R25"),
        )

    def _half_learned(self, case: Case, found: Diagnosis) -> Iterator[Finding]:
        if not half_learned.asks(case, found):
            return
        with case.lab.spending():
            wider = wider_trial(case.lab, found, substantially=True)
        if wider is not None:
            yield replace(self._wider(case, wider, ()), level="suspect")

    def _linear(
        self, case: Case, model: nn.Module, reached: str, trial: Trial, evidence: tuple[Evidence, ...]
    ) -> Finding:
        return self.fault(
            f"all layers of {type(model).__name__} together are one linear function, since no activation stands between "
            f"them; a simple model with activations learns from the same batches ({reached})",
            where=module_place(case, model),
            evidence=(Evidence("deviation from a linear function", f"at most {AFFINE:g}", "more"), *evidence),
            remedy="put an activation between the layers (a ReLU, say)",
            proof=trial.proof(),
            gain=trial.gain,
            explains=(*SYMPTOMS, "R25"),
        )

    def _wider(self, case: Case, trial: Trial, rivals: tuple[str, ...]) -> Finding:
        """rivals: checks whose causes were proven by remedies that take any network further, this one less far."""
        remedy = trial.remedy
        assert isinstance(remedy, WiderCopy) and trial.ended is not None
        number, record = remedy.number, remedy.record
        return self.fault(
            f"{record.name} is made with {number.name} = {number.value:g}: {learned(trial.ended.train)} is learned of "
            f"{remedy.measured_on} at the end of the run, and {percent(trial.after())} of the same batches by a copy with "
            f"{number.name} = {number.wide:g}, which was not trained on them",
            where=module_place(case, record.module),
            module=record.name,
            evidence=(
                Evidence(number.name, number.value, f"above {number.value}"),
                Evidence("u of its own size, trained on the other batches alone", round(trial.base[0].train, 4), "", "u"),
            ),
            remedy=f"make it with {number.name} above {number.value:g}; {number.wide:g} is enough",
            proof=trial.proof(),
            gain=trial.gain,
            explains=(*SYMPTOMS, "R25"),
            extra={"in_place_of": rivals},
        )


def affine_model(case: Case) -> nn.Module | None:
    """The model, if its first weights make a linear function of its input: between two inputs its output is between theirs."""
    with case.lab.at("same"), case.lab.at("initial"):
        for rerun in calls(case):
            given = [number for number, value in rerun.inputs.items() if value.is_floating_point() and value.dim() > 1]
            if len(given) != 1:
                return None
            rerun.module.eval()
            one = rerun.inputs[given[0]]
            other = one.roll(1, 0)
            ends = [rerun({given[0]: value}) for value in (one, other, (one + other) / 2)]
            for first, second, between in zip(*ends, strict=True):
                spread = float((first - second).abs().max())
                if not float((between - (first + second) / 2).abs().max()) <= AFFINE * spread or not spread:
                    return None
            return rerun.module
    return None


def known_good_trial(case: Case, remedy: KnownGoodModel) -> Trial | None:
    """The known-good model on all seeds; None without time. Cached."""
    lab, found = case.lab, diagnosis(case)
    if "known good" not in lab._cache:
        if not found.base or lab.time_left() <= 0:
            return None
        trial = Trial(remedy, base=list(found.base), ended=found.ended)
        for seed in range(SEEDS):
            if len(trial.base) <= seed:
                trial.base.append(run(lab, found, Intervention(), seed, found.steps))
            trial.outcomes.append(_sanitized(run(lab, found, remedy, seed, found.steps)))
            if trial.gain <= 0:
                break
        lab._cache["known good"] = trial
    return lab._cache["known good"]  # type: ignore[no-any-return]


def _sanitized(outcome: Outcome) -> Outcome:
    return Outcome(outcome.train, outcome.validation if math.isfinite(outcome.validation) else math.nan)


def bottleneck(lab: Lab) -> Bottleneck | None:
    """The narrowest hidden layer in front of the terminal output; None in networks without hidden layers."""
    tape = lab.main_backward.tape
    assert tape is not None
    with lab.at("initial"):
        log = lab.log(tape)
    outputs = terminal_outputs(log) if log.root is not None and log.root.grad_fn is not None else []
    batches = lab.batches(limit=1)
    if len(outputs) != 1 or not batches or not batches[0][0]:
        return None
    rows = batches[0][0][0].shape[0] if batches[0][0][0].dim() else 1
    hidden = list(_hidden(log, outputs[0]))
    if not hidden:
        return None
    by_position = outputs[0].dim() >= 3
    path, module, output = min(hidden, key=lambda item: _width(item[1], item[2], rows, by_position))
    behind = outputs[0].shape[-1] if by_position else outputs[0].numel() // max(1, rows)
    return Bottleneck(path, module, _width(module, output, rows, by_position), int(behind))


def _hidden(log: Operations, last: Tensor) -> Iterator[tuple[str, nn.Module, Tensor]]:
    for path, module, result in log.module_outputs:
        output = next((item for item in tensors_of(result) if isinstance(item, Tensor)), None)
        weighted = any(p.dim() >= 2 for p in own_parameters(module))
        if output is not None and weighted and output is not last and output.requires_grad:
            yield path, module, output


def _width(module: nn.Module, output: Tensor, rows: int, by_position: bool) -> int:
    """Numbers per sample; per position of a sequence where outputs are, or where a recurrent layer ends in its state."""
    if output.dim() == 3 and (by_position or isinstance(module, nn.RNNBase)):
        return int(output.shape[-1])
    return max(1, output.numel() // max(1, rows))
