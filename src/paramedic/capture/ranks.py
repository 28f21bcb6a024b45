"""Programs of several processes: each rank is observed, and leaves what can only be judged beside the others.

``paramedic run -m torch.distributed.run --nproc-per-node 2 train.py`` starts the launcher with our child in the place
of the script. Rank 0 keeps the run's trace and reports; rank k writes ``rank<k>.json`` beside it when its program has
ended, and rank 0 reads them before it examines.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paramedic.trace.store import Trace, TraceError

if TYPE_CHECKING:
    from paramedic.capture.observer import Observer
    from paramedic.trace.setup import RankFacts  # imports torch, which only the program may do first

LAUNCHERS = ("torch.distributed.run", "torch.distributed.launch")
WAIT_SECONDS = 20.0  # for the other ranks' facts: they end together, and write them at once
WEIGHED_STEPS = (1, 2, 4, 8, 16, 32, 64)  # after these optimizer steps the weights of the ranks are compared
COMPARED_BATCHES = 200
ENDED, REPORTED = "rank0.ended", "rank0.reported"
LONGEST_REPORT = 600.0  # seconds that a failed rank waits for rank 0's examination
# How our child is started as a rank (see cli/process.py, which starts the child of a plain program).
START = "import sys; from paramedic.capture import child; sys.path.insert(0, ''); sys.exit(child.main())"


def launched(spec: dict[str, Any]) -> dict[str, Any] | None:
    """For a launcher: the specification that starts every rank under observation; None for any other program."""
    if spec.get("module") not in LAUNCHERS or spec.get("rank_of"):
        return None
    from torch.distributed.run import get_args_parser

    arguments = list(spec.get("arguments", []))
    options = get_args_parser().parse_args(arguments)
    if options.no_python or "--help" in arguments:
        return None
    own = list(options.training_script_args)
    launcher = arguments[: len(arguments) - len(own) - 1]
    launcher = [item for item in launcher if item not in ("-m", "--module")]
    rank = {
        **spec,
        "script": None if options.module else options.training_script,
        "module": options.training_script if options.module else None,
        "arguments": own,
        "rank_of": spec["module"],
    }
    return {
        "module": spec["module"],
        "arguments": [*launcher, "--no-python", sys.executable, "-P", "-u", "-c", START, json.dumps(rank)],
    }


def rank() -> int:
    return int(os.environ.get("RANK", "0"))


def weigh(observer: Observer) -> None:
    """After one of WEIGHED_STEPS: a digest of a sample of the weights of every optimizer."""
    if observer.phase_step in WEIGHED_STEPS and _distributed():
        parameters = [p for record in observer.setup.optimizers for p in record.parameters]
        observer.setup.weights_by_step[observer.phase_step] = _digest(parameters)


def _distributed() -> bool:
    import torch.distributed as dist

    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def _digest(tensors: Any) -> str:
    from paramedic.capture.sampling import is_sharded, sample

    digest = hashlib.sha256()
    for tensor in tensors:
        if not is_sharded(tensor):
            digest.update(str(tuple(tensor.shape)).encode() + sample(tensor).cpu().numpy().tobytes())
    return digest.hexdigest()


def facts(observer: Observer, ended: str) -> RankFacts:
    """What this rank saw: its weights over time, its training batches, and where its loss was no number."""
    from paramedic.trace.setup import RankFacts

    setup = observer.setup
    parameters = {id(p) for record in setup.optimizers for p in record.parameters}
    initial = [value for live, value in setup.initial.tensors if id(live) in parameters]
    batches = [
        hashlib.sha256(hashes[0].tobytes() if hashes else b"").hexdigest()
        for record in setup.loaders
        if record.role == "train" and record.fingerprints
        for hashes in record.fingerprints[0][:COMPARED_BATCHES]
    ]
    shapes = [tuple(value.shape) for value in initial]
    found = RankFacts(
        rank(), str(shapes), _digest(initial), dict(setup.weights_by_step), batches, setup.sharded, ended,
        observer.backward_calls, non_finite=_first_non_finite(observer),
    )  # fmt: skip
    first = next((record.iterations for record in setup.loaders if record.role == "train"), [])
    bad = _non_finite_inputs(observer, found.non_finite) if found.non_finite is not None else None
    return replace(found, passes=first if found.complete else first[:-1], non_finite_inputs=bad)


def _first_non_finite(observer: Observer) -> int | None:
    """The first optimizer step whose loss was NaN or infinite."""
    observer.writer.flush()
    try:
        trace = Trace(observer.writer.path)
    except TraceError:
        return None
    rows = trace.steps()
    trace.close()
    return next((row.step for row in rows if not math.isfinite(row.loss)), None)


def _non_finite_inputs(observer: Observer, step: int) -> tuple[int, int] | None:
    """How many values of a recorded step's batches are NaN or infinite, of how many; None where it was not recorded."""
    import torch

    from paramedic.trace.setup import BackwardRecord

    if step >= len(observer.setup.steps) or observer.setup.phase.number > 1:
        return None
    tapes = [event.tape for event in observer.setup.steps[step] if isinstance(event, BackwardRecord) and event.tape]
    values = [leaf.value for tape in tapes for leaf in tape.constants().values() if leaf.value.is_floating_point()]
    bad = sum(int((~torch.isfinite(value)).sum()) for value in values)
    return bad, sum(value.numel() for value in values)


def write(folder: Path, observer: Observer, ended: str) -> None:
    path = folder / f"rank{rank()}.json"
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(facts(observer, ended).to_json()), encoding="utf-8")
    partial.replace(path)


def rank_0_ended(folder: Path) -> None:
    """Rank 0 examines from here on: a launcher that ends it because another rank has failed must wait for that."""
    (folder / REPORTED).unlink(missing_ok=True)
    (folder / ENDED).touch()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # torchrun kills 30 s later


def rank_0_reported(folder: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / REPORTED).touch()


def outlast(folder: Path) -> None:
    """Before a rank ends that has failed, upon which a launcher ends all others: let rank 0 make its report.

    Rank 0 may wait for this one in a collective operation: it learns that there is nobody any more.
    """
    leaving = threading.Thread(target=_leave, daemon=True)
    leaving.start()
    _await(folder / ENDED, WAIT_SECONDS)
    if (folder / ENDED).is_file():
        _await(folder / REPORTED, LONGEST_REPORT)


def _leave() -> None:
    import torch.distributed as dist

    with contextlib.suppress(Exception):
        if dist.is_available() and dist.is_initialized():
            dist.destroy_process_group()


def _await(path: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not path.is_file():
        time.sleep(0.1)


def read_others(folder: Path) -> list[RankFacts]:
    """Of all other ranks that ended in time."""
    from paramedic.trace.setup import RankFacts

    wanted = [folder / f"rank{number}.json" for number in range(1, int(os.environ.get("WORLD_SIZE", "1")))]
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline and not all(path.is_file() for path in wanted):
        time.sleep(0.1)
    return [
        RankFacts.from_json(json.loads(path.read_text(encoding="utf-8"))) for path in wanted if path.is_file()
    ]
