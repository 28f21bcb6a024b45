"""Runs every check on a case: the free ones first, then replays, then experiments within the budget."""

from __future__ import annotations

import contextlib
import io
import random
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed, Refuted
from paramedic.checks.finding import NOT_SELECTED, Finding, Outcome
from paramedic.checks.registry import check_classes, plugin_errors
from paramedic.diagnosis.ranking import rank, with_proof
from paramedic.experiments.counterfactual import facts_of
from paramedic.report.model import Report, row_statuses
from paramedic.trace.random_state import random_states_kept

# Seconds of processor time, as the lab counts them. Experiments have their own budget; other checks' replays have this.
LONGEST_EXAMINATION = 180.0
# Of the time left for experiments, what one check may take: more than the trial of all remedies, which plans for three
# quarters of it (counterfactual.SECOND_SHARE).
ONE_CHECK = 0.9
LONGEST_ERROR = 300  # characters
INTERRUPTED = "the examination was interrupted"
SEED = 20170725  # of every check's random numbers
COST_ORDER = {"free": 0, "replay": 1, "experiment": 2}


def examine(
    case: Case,
    *,
    selected: Callable[[Check], bool] = lambda check: True,
    checks: Iterable[type[Check]] | None = None,
    progress: Callable[[str], None] = lambda name: None,
    told: Callable[[Outcome], None] = lambda outcome: None,
    interruptible: bool = False,
) -> tuple[list[Finding], list[Outcome], dict[str, str]]:
    """Findings (unranked), the outcome of every check, and internal errors by check name.

    progress: gets the name of each check before it runs. told: gets its outcome after that.
    interruptible: Ctrl-C ends the examination, and not the caller; what was found until then counts.
    """
    classes = list(check_classes() if checks is None else checks)
    order = sorted(classes, key=lambda item: (item.after_facts, COST_ORDER[item.cost], not item.early))
    instances = [item() for item in order]
    outcomes: list[Outcome] = []
    errors = plugin_errors() if checks is None else {}
    started = time.thread_time()
    interrupted = False
    for check in instances:
        if interrupted or not selected(check):
            outcomes.append(_outcome(check, "not-checked", INTERRUPTED if interrupted else NOT_SELECTED))
            continue
        if check.cost != "free" and time.thread_time() - started > LONGEST_EXAMINATION:
            outcomes.append(_outcome(check, "not-checked", f"the examination took {LONGEST_EXAMINATION:.0f} s already"))
            continue
        progress(check.name)
        try:
            outcome, refuted = _examine_one(check, case, errors)
        except KeyboardInterrupt:
            if not interruptible:
                raise
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left to do takes a second or two
            interrupted, refuted, outcome = True, False, _outcome(check, "not-checked", INTERRUPTED)
        outcomes.append(outcome)
        if check.decides and (outcome.findings or refuted):
            case.findings[:] = [item for item in case.findings if item.check != check.decides]
        case.findings.extend(outcome.findings)
        told(outcome)
    return list(case.findings) if interrupted else _with_proofs(case, errors), outcomes, errors


def _with_proofs(case: Case, errors: dict[str, str]) -> list[Finding]:
    """The findings; exact facts that were mended in replays with what that changed."""
    if case.workshop is None:
        return list(case.findings)
    try:
        with _undisturbed():
            facts = {fact.finding.check: fact for fact in facts_of(case)}
    except Exception as error:
        errors["proofs"] = _in_short(error) + _last_line(error)
        return list(case.findings)
    return [with_proof(item, facts[item.check]) if item.check in facts else item for item in case.findings]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A check draws the same random numbers in every run, and leaves the program's streams as they are.

    What the program's own code prints or warns about while it is tried is kept off the terminal.
    """
    with (
        random_states_kept(),
        torch.enable_grad(),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        torch.manual_seed(SEED)
        np.random.seed(SEED)
        random.seed(SEED)
        yield


@contextmanager
def _thresholds(check: Check, wanted: dict[str, float]) -> Iterator[None]:
    """The constants of the check's file that the configuration sets, while this check runs."""
    module = sys.modules[type(check).__module__]
    prefix = f"{check.name}."
    names = {key[len(prefix) :].upper().replace("-", "_"): value for key, value in wanted.items() if key.startswith(prefix)}
    before = {name: getattr(module, name) for name in names if hasattr(module, name)}
    try:
        for name, value in before.items():
            setattr(module, name, int(names[name]) if isinstance(value, int) else names[name])
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


@contextmanager
def _within_its_share(check: Check, case: Case) -> Iterator[None]:
    """An experiment leaves time for those after it."""
    if "budget" not in check.needs or case.workshop is None:
        yield
        return
    with case.workshop.at_most(ONE_CHECK * case.workshop.time_left()):
        yield


def _outcome(check: Check, status: Any, why: str = "", findings: Any = (), seconds: float = 0.0) -> Outcome:
    return Outcome(check.name, (check.reason, *check.also), status, why, tuple(findings), seconds)


def _examine_one(check: Check, case: Case, errors: dict[str, str]) -> tuple[Outcome, bool]:
    """What came of it, and whether it refutes the suspicion that it decides about."""
    started = time.perf_counter()
    found: list[Finding] = []
    status, why, refuted = "passed", "", False
    try:
        missing = next((text for need in check.needs if (text := case.missing(need))), None)
        if missing:
            return _outcome(check, "not-checked", missing), False
        with _undisturbed(), _thresholds(check, case.thresholds), _within_its_share(check, case):
            for finding in check.examine(case):
                found.append(replace(finding, check=check.decides) if check.decides else finding)
    except Passed as numbers:
        why, refuted = str(numbers), isinstance(numbers, Refuted)
    except NotApplicable as reason:
        status, why = "not-applicable", str(reason)
    except NotChecked as reason:
        status, why = "not-checked", str(reason)
    except torch.linalg.LinAlgError as error:  # a kernel or covariance that is none for the values of an experiment
        status, why = "not-checked", f"the loss cannot be run with other values: {_in_short(error)}"
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an internal error never reaches the program: it is in the report
        errors[check.name] = _in_short(error) + _last_line(error)
        status, why = "not-checked", f"internal error in {check.name}: {type(error).__name__}"
    if found:
        status = "found"
    return _outcome(check, status, why, found, time.perf_counter() - started), refuted


def _in_short(error: BaseException) -> str:
    """An error's type and the first line of what it says: PyTorch's can be pages."""
    text = "".join(traceback.format_exception_only(error)).strip()
    first = text.splitlines()[0] if text else type(error).__name__
    return first if len(first) <= LONGEST_ERROR else f"{first[: LONGEST_ERROR - 3]}..."


def _last_line(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""


def make_report(
    case: Case,
    program: dict[str, Any],
    cost: dict[str, Any],
    not_observed: tuple[str, ...] = (),
    selected: Callable[[Check], bool] = lambda check: True,
    progress: Callable[[str], None] = lambda name: None,
    interruptible: bool = False,
) -> Report:
    """Examine a case and rank what was found; ``interruptible`` as of ``examine``."""
    started = time.perf_counter()
    findings, outcomes, errors = examine(
        case, selected=selected, progress=progress, interruptible=interruptible
    )
    seconds = time.perf_counter() - started  # with the replays that prove a fact
    ranked = rank(findings)
    return Report(
        findings=tuple(ranked),
        reasons=row_statuses(outcomes, ranked),
        program=program,
        cost={**cost, "experiments_s": round(seconds, 3)},
        not_observed=not_observed,
        errors=errors,
    )
