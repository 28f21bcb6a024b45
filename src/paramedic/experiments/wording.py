"""Words, places and numbers that the checks made by experiment share."""

from __future__ import annotations

import ast
import os
from collections.abc import Sequence

from torch import nn

from paramedic.checks.case import Case
from paramedic.checks.data.places import calls, line_behind
from paramedic.checks.finding import BELOW_CHANCE, Evidence, percent_learned
from paramedic.experiments.counterfactual import GAIN, Diagnosis, Trial
from paramedic.experiments.in_turn import FAILING
from paramedic.trace.place import Place
from paramedic.trace.setup import OptimizerRecord, OptimizerStep

SYMPTOMS = ("R35", "R33", "R37", "S5", "R27", "R17", "S1", "A1", "R16", "S6", "R24", "R34", "R31")


OF_SAMPLES = "energy distance of generated to real samples, over that of their mean to them"


def main_optimizer(case: Case) -> OptimizerRecord | None:
    """The optimizer of the first recorded step."""
    for step in case.setup.steps:
        for event in step:
            if isinstance(event, OptimizerStep):
                return case.setup.optimizers[event.optimizer]
    return case.setup.optimizers[0] if case.setup.optimizers else None


def optimizer_of(case: Case, index: int | None) -> OptimizerRecord | None:
    """One of several optimizers; the main one without a number."""
    return main_optimizer(case) if index is None else case.setup.optimizers[index]


def optimizer_place(case: Case, index: int | None = None) -> Place | None:
    record = optimizer_of(case, index)
    return record.constructed if record is not None else None


def step_place(case: Case) -> Place | None:
    """Where the first recorded step is made."""
    events = (event for step in case.setup.steps for event in step if isinstance(event, OptimizerStep))
    return next((event.place for event in events), None)


def model_place(case: Case) -> Place | None:
    return case.setup.models[0].constructed if case.setup.models else None


def rates(case: Case, factor: float = 1.0, index: int | None = None) -> str:
    """The learning rates of an optimizer's groups at the first step, times a factor."""
    record = optimizer_of(case, index)
    values = (
        {float(group.get("lr", 0.0)) * factor for group in record.groups} if record is not None else set()
    )
    return " / ".join(f"{value:.3g}" for value in sorted(values))


def of_optimizer(case: Case, index: int | None) -> str:
    """" of opt_g" where one of several is meant, else ""."""
    record = optimizer_of(case, index)
    return f" of {record.variable or f'optimizer {index + 1}'}" if record is not None and index is not None else ""


def percent(u: float) -> str:
    """Beside another one that ``learned`` gives."""
    return percent_learned(u)


def learned(u: float) -> str:
    """The progress scale u in words."""
    return percent_learned(u) + (" of the way from chance to perfect" if u <= BELOW_CHANCE else "")


def at_first(found: Diagnosis, trial: Trial) -> str:
    """How far training got without the remedy: the run itself, or the copy in which other causes are fixed."""
    if not trial.beside:
        return f"{_got(found, found.ended.train)} at the end of the run"
    others = list(dict.fromkeys(item.cause for item in trial.beside))
    mended = f"{' and '.join(others)} {'are' if len(others) > 1 else 'is'} mended"
    return f"{_got(found, trial.before())} in a copy in which {mended}"


def _got(found: Diagnosis, u: float) -> str:
    if found.gauge is None or not found.gauge.of_samples:
        return f"{learned(u)} is learned"
    if u > BELOW_CHANCE:
        return "generated samples are farther from the real ones than their mean is"
    return f"generated samples are {percent(u)} of the way from the mean of the real ones to their distribution"


def run_evidence(found: Diagnosis, trial: Trial) -> tuple[Evidence, ...]:
    """Where the run, its replay and the changed replay ended."""
    own = found.own or found.ended
    beside = "".join(f", {item.changes}" for item in trial.beside)
    thinned = (Evidence("part of each batch that the replays use", f"1/{found.thin}"),) if found.thin > 1 else ()
    of_samples = found.gauge is not None and found.gauge.of_samples
    meaning = (Evidence("what u is", OF_SAMPLES),) if of_samples else ()
    least = GAIN if found.gauge is None else FAILING
    return (
        *meaning,
        Evidence("u at the end of the run", round(own.train, 4), f"below {least:g}", "u"),
        Evidence(f"u after {found.steps} steps{beside or ', unchanged'}", round(trial.base[0].train, 4), "", "u"),
        Evidence(f"u after {found.steps} steps{beside}, {trial.remedy.changes}", round(trial.after(), 4), "", "u"),
        *thinned,
    )


def module_place(case: Case, module: nn.Module) -> Place | None:
    """Where the user constructed a module; of the model if it is not known."""
    return case.setup.constructed.get(module) or model_place(case)


# What gives a tensor its values in place: torch.nn.init, and methods that hand-made initialization uses. The schemes
# that look at the fan-in come last: a wrong scale is rarely theirs.
_BY_KIND = {
    "scale": (
        frozenset(
            "normal_ uniform_ trunc_normal_ mul_ div_ copy_ random_ exponential_ cauchy_ log_normal_".split()
        ),
        frozenset(
            "xavier_normal_ xavier_uniform_ kaiming_normal_ kaiming_uniform_ orthogonal_ sparse_".split()
        ),
        frozenset("constant_ fill_ ones_".split()),
    ),
    "equal": (frozenset("constant_ fill_ ones_".split()),),
    "offset": (frozenset("constant_ fill_ uniform_ normal_ trunc_normal_ sub_ add_ copy_".split()),),
    "zero": (frozenset("zeros_ zero_ constant_ fill_ mul_".split()),),
}


def initialization_place(case: Case, parameters: Sequence[str], kind: str = "scale") -> Place | None:
    """The line of the user's file that gives the named parameters their values; where the model is made otherwise.

    Searched in the source: a call in place (``nn.init.normal_``, ``weight.data.mul_``), best on an attribute with the
    parameter's name; else where ``nn.Parameter`` makes it. kind: "scale" (random values), "equal" (all elements the same),
    "zero", or "offset" (a mean far from zero).
    """
    fallback = model_place(case)
    if fallback is None:  # a network without modules: where the optimizer's tensors get their values
        made = next((record.constructed for record in case.setup.optimizers if record.constructed is not None), None)
        return line_behind(made, calls("randn", "rand", "normal", "empty"), calls("Parameter"))
    if not os.path.isfile(fallback.file):
        return fallback
    with open(fallback.file, encoding="utf-8", errors="replace") as source:
        try:
            tree = ast.parse(source.read())
        except SyntaxError:
            return fallback
    names = {name.rsplit(".", 1)[-1] for name in parameters}
    written = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assign) and _makes(node, names)]
    for functions in _BY_KIND[kind]:
        fills = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _fills(node, functions)]
        named = [call.lineno for call in fills if names & _words(call)]
        if fills:
            return Place(fallback.file, min(named or written or [call.lineno for call in fills]))
    return Place(fallback.file, min(written)) if written else fallback


def _makes(node: ast.Assign, names: set[str]) -> bool:
    """``self.scale = nn.Parameter(torch.zeros(8))`` for one of the names."""
    stored = {target.attr for target in node.targets if isinstance(target, ast.Attribute)}
    return bool(stored & names) and isinstance(node.value, ast.Call) and calls("Parameter")(node.value)


def _fills(call: ast.Call, functions: frozenset[str]) -> bool:
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in functions:
        return False
    return "init" in _words(function.value) or bool({"data", "weight", "bias"} & _words(function.value))


def _words(tree: ast.AST) -> set[str]:
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return found | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
