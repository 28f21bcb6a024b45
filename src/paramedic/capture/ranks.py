"""Programs of several processes: each rank is observed, and leaves what can only be judged beside the others.

``paramedic run -m torch.distributed.run --nproc-per-node 2 train.py`` starts the launcher with our child in the place
of the script. Rank 0 keeps the run's trace and reports; rank k writes ``rank<k>.json`` beside it when its program has
ended, and rank 0 reads them before it examines.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paramedic.capture.observer import Observer
    from paramedic.trace.setup import RankFacts  # imports torch, which only the program may do first

LAUNCHERS = ("torch.distributed.run", "torch.distributed.launch")
WAIT_SECONDS = 20.0  # for the other ranks' facts: they end together, and write them at once
WEIGHED_STEPS = (1, 2, 4, 8, 16, 32, 64)  # after these optimizer steps the weights of the ranks are compared
COMPARED_BATCHES = 200
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


def facts(observer: Observer) -> RankFacts:
    """What this rank saw: its weights over time, and the rows of its training batches."""
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
    return RankFacts(rank(), str(shapes), _digest(initial), dict(setup.weights_by_step), batches, setup.sharded)


def write(folder: Path, observer: Observer) -> None:
    path = folder / f"rank{rank()}.json"
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(facts(observer).to_json()), encoding="utf-8")
    partial.replace(path)


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
