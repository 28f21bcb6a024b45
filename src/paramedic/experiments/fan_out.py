"""Replays that do not wait for each other, on idle processors or a cluster's; the verdict is the one of one processor.

Replays are computed ahead, and are counted in the order in which one processor makes them: what a replay costs there
is charged to the budget when its turn comes, and what was computed beyond the end of the budget is thrown away.
On this machine copies of the process make them (copies), where it has one thread of torch. To a cluster a replay is sent
as the recorded steps with the live objects that they use; what cannot be sent is replayed here.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from paramedic.experiments import interventions
from paramedic.experiments.copies import computed_ahead
from paramedic.experiments.lab import Curve, Intervention, Lab, Replay
from paramedic.trace.copying import why_no_copy
from paramedic.trace.place import is_user_file
from paramedic.trace.processors import processors
from paramedic.trace.random_state import random_states, set_random_states
from paramedic.trace.setup import Setup

if TYPE_CHECKING:
    from paramedic.experiments.counterfactual import Diagnosis, Outcome

WORTH_IT = 1.0  # seconds that the replays take in turn; to look for idle processors and make copies takes a fifth of one


@dataclass(frozen=True)
class Job:
    """One replay: ``counterfactual.run`` with these arguments."""

    change: Intervention
    seed: int
    steps: int


@dataclass(frozen=True)
class Done:
    """What a replay gave on a processor of its own, and what it cost there."""

    outcome: Outcome | None
    error: str
    key: str
    curve: Curve | None
    replays: tuple[Replay, ...]
    seconds: float
    seconds_per_step: float


class ReplayFailed(Exception):
    """The program's own code raised in a replay elsewhere."""


def outcomes(lab: Lab, found: Diagnosis, jobs: Sequence[Job]) -> Generator[Any, None, None]:
    """Per job, in order, a function that gives its outcome or raises what the replay raised; made when asked for, here
    or, ahead of that, on the lab's cluster or in copies of this process."""
    from paramedic.experiments.counterfactual import run

    done = _ahead(lab, found, jobs) if len(jobs) > 1 else iter(())
    for job in jobs:
        result = next(done, None)
        if result is None:
            yield lambda job=job: run(lab, found, job.change, job.seed, job.steps)
        else:
            yield lambda result=result: _counted(lab, found, result)


def _ahead(lab: Lab, found: Diagnosis, jobs: Sequence[Job]) -> Iterator[Done | None]:
    if lab.cluster is not None:
        return _elsewhere(lab, found, jobs) if all(_can_be_sent(job.change) for job in jobs) else iter(())
    return _beside(lab, found, jobs)


def _beside(lab: Lab, found: Diagnosis, jobs: Sequence[Job]) -> Iterator[Done | None]:
    """Results in order, made in copies of this process on idle processors; none where that is not worth it."""
    if lab.idleness is None or min(lab.time_left(), lab.seconds_per_step * sum(job.steps for job in jobs)) < WORTH_IT:
        return
    copies = min(lab.idleness.places(), len(jobs))
    why = _why_not_beside(copies)
    if why is not None:
        lab.one_process(why)
        return
    lab.several_processes(copies)
    try:
        for result in computed_ahead(partial(_in_a_copy, lab, found, jobs), len(jobs), copies):
            if result is None:  # a copy ended or stood still: so would the next
                lab.idleness = None
            yield result
    except OSError as error:  # no more processes or pipes
        lab.one_process(f"a copy of the process could not be made ({error.strerror})")


def _why_not_beside(copies: int) -> str | None:
    if processors() < 2:
        return "there is one processor"
    if torch.get_num_threads() > 1:  # a thread more or less changes the last bits of a result
        return "they use several threads of torch"
    if copies < 2:
        return "no processor was idle"
    return why_no_copy(copies)


def _in_a_copy(lab: Lab, found: Diagnosis, jobs: Sequence[Job], index: int) -> Done:
    lab.on_its_own()
    return _made(lab, found, jobs[index])


def _can_be_sent(change: Intervention) -> bool:
    """Not what mends an exact fact: it may read loaders and data sets, which stay here."""
    parts = getattr(change, "remedies", (change,))
    return all(type(part).__module__ == interventions.__name__ for part in parts)


def _counted(lab: Lab, found: Diagnosis, result: Done) -> Outcome:
    lab.count(result.seconds, result.seconds_per_step, result.replays)
    if result.curve is not None:
        found.curves[result.key] = result.curve
    if result.outcome is None:
        raise ReplayFailed(result.error)
    return result.outcome


def _elsewhere(lab: Lab, found: Diagnosis, jobs: Sequence[Job]) -> Iterator[Done]:
    """Results in order, as far as the cluster gives them; why not all is noted."""
    try:
        cluster = lab.connected()
        shared = cluster.share(_packed(lab, found, jobs))
        yield from cluster.map(_compute, shared, range(len(jobs)))
    except Exception as error:  # the cluster, or an object of the program's that cannot be sent
        why = str(error).splitlines() or [""]
        lab.problem(f"experiments were made on this machine ({type(error).__name__}: {why[0][:200]})")
        lab.cluster = None


# -- there and back ------------------------------------------------------------------------------------------------


def _packed(lab: Lab, found: Diagnosis, jobs: Sequence[Job]) -> tuple[str, bytes]:
    """One pickle of everything, so that what is one object here is one object there."""
    from ray import cloudpickle

    setup = lab.setup
    tensors = [live for live, _ in setup.initial.tensors]
    content = {
        "setup": replace(
            setup, loaders=[], evaluations=[], schedulers=[], constructed={}, loaded={}, froze={}, failure=None
        ),
        "loaded": [tensor for tensor in tensors if setup.was_loaded(tensor)],
        "found": replace(found, trials=[], causes=[], curves={}, base=[], facts=[]),
        "jobs": list(jobs),
        "random": random_states(),
        "threads": torch.get_num_threads(),
    }
    own = [module for module in list(sys.modules.values()) if _is_users(module)]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        data = cloudpickle.dumps(content)
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)
    return hashlib.sha256(data).hexdigest(), data


def _is_users(module: Any) -> bool:
    """Whether a module's code has to be sent along."""
    path = getattr(module, "__file__", None)
    name = getattr(module, "__name__", "__main__")
    return isinstance(path, str) and name != "__main__" and sys.modules.get(name) is module and is_user_file(path)


_kept: dict[str, dict[str, Any]] = {}  # on a worker: the last pickle that it opened


def _opened(key: str, data: bytes) -> dict[str, Any]:
    if key not in _kept:
        from ray import cloudpickle

        _kept.clear()
        content = cloudpickle.loads(data)
        setup: Setup = content["setup"]
        setup.initial._known = {id(live) for live, _ in setup.initial.tensors}
        setup.loaded = {id(tensor): (lambda tensor=tensor: tensor) for tensor in content["loaded"]}
        content["lab"] = Lab(setup, budget=float("inf"))
        _warm_up()
        _kept[key] = content
    return _kept[key]


def _warm_up() -> None:
    """What torch imports at the first step of a process (seconds) is no cost of a replay."""
    weight = torch.zeros(1, requires_grad=True)
    weight.sum().backward()
    torch.optim.Adam([weight]).step()


def _compute(shared: tuple[str, bytes], index: int) -> Done:
    """On a worker."""
    content = _opened(*shared)
    lab, found, job = content["lab"], content["found"], content["jobs"][index]
    torch.set_num_threads(content["threads"])
    set_random_states(content["random"])
    return _made(lab, found, job)


def _made(lab: Lab, found: Diagnosis, job: Job) -> Done:
    from paramedic.experiments.counterfactual import run

    lab.spent, lab.replays, found.curves = 0.0, [], {}
    outcome, error = None, ""
    try:
        with torch.enable_grad():
            outcome = run(lab, found, job.change, job.seed, job.steps)
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    key, curve = next(iter(found.curves.items()), ("", None))
    return Done(outcome, error, key, curve, tuple(lab.replays), lab.spent, lab.seconds_per_step)
