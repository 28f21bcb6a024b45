"""Words, places and numbers that the checks made by experiment share."""

from __future__ import annotations

from paramedic.checks.case import Case
from paramedic.checks.finding import Evidence
from paramedic.experiments.counterfactual import Diagnosis, Trial
from paramedic.trace.place import Place
from paramedic.trace.setup import OptimizerRecord, OptimizerStep

SYMPTOMS = ("R35", "R33", "R37", "S5", "R27", "R17", "S1", "A1", "R16", "S6", "R24", "R34", "R31")


def main_optimizer(case: Case) -> OptimizerRecord | None:
    """The optimizer of the first recorded step."""
    for step in case.setup.steps:
        for event in step:
            if isinstance(event, OptimizerStep):
                return case.setup.optimizers[event.optimizer]
    return case.setup.optimizers[0] if case.setup.optimizers else None


def optimizer_place(case: Case) -> Place | None:
    record = main_optimizer(case)
    return record.constructed if record is not None else None


def model_place(case: Case) -> Place | None:
    return case.setup.models[0].constructed if case.setup.models else None


def rates(case: Case, factor: float = 1.0) -> str:
    """The learning rates of the main optimizer's groups at the first step, times a factor."""
    record = main_optimizer(case)
    values = {float(group.get("lr", 0.0)) * factor for group in record.groups} if record is not None else set()
    return " / ".join(f"{value:.3g}" for value in sorted(values))


def percent(u: float) -> str:
    return f"{u:.2f}"


def run_evidence(found: Diagnosis, trial: Trial) -> tuple[Evidence, ...]:
    """Where the run, its replay and the changed replay ended."""
    return (
        Evidence("u at the end of the run", round(found.ended.train, 4), "below 0.2", "u"),
        Evidence(f"u after {found.steps} steps, unchanged", round(trial.base[0].train, 4), "", "u"),
        Evidence(f"u after {found.steps} steps, {trial.remedy.changes}", round(trial.after(), 4), "", "u"),
    )
