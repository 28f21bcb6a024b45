"""False alarms and power of the checks on data sets alone: ``make bench-data``, writes docs/data-calibration.md.

    python -m benchmarks.data_audit [--workers N] [--minutes M] [--results FILE]      the whole of it, and the page
    python -m benchmarks.data_audit --checks A,B [--only TEXT] [--half HALF]          a trial: no page

Healthy variants of 22 data sets are audited whole; faults are planted with rising severity and audited by the check
that is meant for them. The data sets are divided into two halves once and for all: thresholds may be looked at on the
first, the table is of the second. Results are kept in a file, so that an interrupted run goes on where it stopped; those
of another version of the code are made anew, and the page is written when all are there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import overlaps
from benchmarks.data_sets import CALIBRATED, REPORTED, Named, load
from paramedic.checks.case import Case
from paramedic.checks.data.probes import probes_of
from paramedic.checks.registry import descriptions
from paramedic.diagnosis.audit import examine_data
from paramedic.diagnosis.session import selection
from paramedic.measurements.data.label_noise import balanced_accuracy
from paramedic.report.model import Report
from paramedic.sources.target import Wanted, open_object
from paramedic.trace.dataset import DataRecord

Arrays = NDArray[Any]
ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "data-calibration.md"
RESULTS = ROOT / "benchmarks" / "results" / "data_audit.jsonl"


@dataclass(frozen=True)
class Pair:
    """Training and validation rows."""

    x: Arrays
    y: Arrays
    vx: Arrays
    vy: Arrays
    data: Named


def split(data: Named, rows: int, seed: int) -> Pair:
    """At random, within each class; a quarter is for validation."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(data.x))[:rows]
    held = np.zeros(len(order), bool)
    groups = np.zeros(len(order), int) if data.regression else data.y[order]
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        held[mine[: len(mine) // 4]] = True
    train, other = order[~held], order[held]
    pair = Pair(data.x[train], data.y[train], data.x[other], data.y[other], data)
    if data.regression:
        return pair
    names = np.unique(pair.y)  # a class that a small sample lost is no class of it
    known = np.isin(pair.vy, names)
    return Pair(pair.x, np.searchsorted(names, pair.y), pair.vx[known], np.searchsorted(names, pair.vy[known]), data)


def opened(pair: Pair) -> DataRecord:
    parts = {"train": (pair.x, pair.y), **({"val": (pair.vx, pair.vy)} if len(pair.vx) else {})}
    return open_object(parts, None, pair.data.name, Wanted(regression=pair.data.regression))


def audited(pair: Pair, names: tuple[str, ...]) -> Report:
    """By the checks of these names; by all where there are none."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = selection({"select": list(names), "ignore": []})
        return examine_data(opened(pair), Path(folder), ["data"], chosen)


# -- healthy variants ---------------------------------------------------------------------------------------

Change = Callable[[Pair, np.random.Generator], Pair | None]


def _both(pair: Pair, change: Callable[[Arrays], Arrays]) -> Pair:
    return Pair(change(pair.x), pair.y, change(pair.vx), pair.vy, pair.data)


def _raw(pair: Pair, generator: np.random.Generator) -> Pair:
    return pair


def _standardized(pair: Pair, generator: np.random.Generator) -> Pair | None:
    """Each feature by the training rows; pictures by one mean and sd for each channel."""
    if pair.data.kind == "text":
        return None
    axes = (0, *range(2, pair.x.ndim)) if pair.data.kind == "image" else (0,)
    mean, sd = pair.x.mean(axis=axes, keepdims=True), pair.x.std(axis=axes, keepdims=True)
    sd = np.where(sd > 1e-6, sd, 1.0)
    return _both(pair, lambda x: ((x - mean) / sd).astype(np.float32))


def _scaled(pair: Pair, generator: np.random.Generator) -> Pair | None:
    """The unit the data came in is arbitrary: bytes instead of shares, or a thousandth."""
    if pair.data.kind == "text":
        return None
    if pair.data.kind == "image":
        return _both(pair, lambda x: np.round(np.clip(x, 0, 1) * 255).astype(np.float32))
    return _both(pair, lambda x: x * np.float32(1e-3))


def _noisy(pair: Pair, generator: np.random.Generator) -> Pair | None:
    if pair.data.kind == "text":
        return None
    sd = 0.3 * pair.x.std(axis=0)
    return _both(pair, lambda x: (x + generator.normal(size=x.shape) * sd).astype(np.float32))


def _unit_range(pair: Pair, generator: np.random.Generator) -> Pair | None:
    """Each feature to [0, 1] by the training rows' least and largest value."""
    if pair.data.kind != "table":
        return None
    low, high = pair.x.min(axis=0), pair.x.max(axis=0)
    return _both(pair, lambda x: ((x - low) / np.where(high > low, high - low, 1)).astype(np.float32))


def _rounded(pair: Pair, generator: np.random.Generator) -> Pair | None:
    """To a twentieth of the features' spread, as instruments and forms give values: many are equal."""
    if pair.data.kind == "text" or pair.x[0].size < 8:
        return None
    step = 0.05 * float(pair.x.std()) if pair.data.kind != "table" else 0.05 * pair.x.std(axis=0) + 1e-12
    return _both(pair, lambda x: (np.round(x / step) * step).astype(np.float32))


def _fewer_of_a_class(pair: Pair, generator: np.random.Generator) -> Pair | None:
    """Of the last class one row in three."""
    if pair.data.regression:
        return None
    kept = [(y < y.max()) | (generator.random(len(y)) < 1 / 3) for y in (pair.y, pair.vy)]
    return Pair(pair.x[kept[0]], pair.y[kept[0]], pair.vx[kept[1]], pair.vy[kept[1]], pair.data)


def _own_value(pair: Pair, generator: np.random.Generator) -> Pair | None:
    """Regression: the last value of a row (of pictures: the mean of the last line) from the others."""
    if pair.data.kind == "text" or pair.x[0].size < 3:
        return None
    data = replace(pair.data, regression=True)

    def parted(x: Arrays) -> tuple[Arrays, Arrays]:
        if x.ndim == 4:
            return x[:, :, :-1], x[:, :, -1].mean(axis=(1, 2))
        return (x[..., :-1], x[..., -1]) if x.ndim == 2 else (x[..., :-1], x[..., -1].mean(axis=1))

    (x, y), (vx, vy) = parted(pair.x), parted(pair.vx)
    return Pair(np.ascontiguousarray(x), y.astype(np.float64), np.ascontiguousarray(vx), vy.astype(np.float64), data)


HEALTHY: dict[str, Change] = {
    "as it is": _raw,
    "standardized": _standardized,
    "scaled": _scaled,
    "noisy": _noisy,
    "to [0, 1]": _unit_range,
    "rounded": _rounded,
    "fewer of a class": _fewer_of_a_class,
    "a value of its own as target": _own_value,
}
SIZES = (100, 250, 500)


# -- faults -------------------------------------------------------------------------------------------------


def _some(n: int, share: float, generator: np.random.Generator) -> Arrays:
    return generator.permutation(n)[: max(1, round(share * n))]


def _nan(share: float) -> Change:
    def plant(pair: Pair, generator: np.random.Generator) -> Pair | None:
        if pair.x.dtype.kind != "f":
            return None
        x = pair.x.copy()
        rows = _some(len(x), share, generator)
        x.reshape(len(x), -1)[rows, generator.integers(0, x[0].size, len(rows))] = np.nan
        return Pair(x, pair.y, pair.vx, pair.vy, pair.data)

    return plant


def _blank(share: float) -> Change:
    def plant(pair: Pair, generator: np.random.Generator) -> Pair | None:
        if pair.x[0].size < 8 or pair.data.kind == "text":
            return None
        x = pair.x.copy()
        x[_some(len(x), share, generator)] = 0
        return Pair(x, pair.y, pair.vx, pair.vy, pair.data)

    return plant


def _cell(value: Callable[[Arrays], float], share: float) -> Change:
    def plant(pair: Pair, generator: np.random.Generator) -> Pair | None:
        if pair.x.ndim != 2 or pair.x.shape[1] > 256 or pair.data.kind == "text":
            return None
        x = pair.x.copy()
        column = int(generator.integers(x.shape[1]))
        rows = generator.permutation(len(x))[: max(3, round(share * len(x)))] if share else generator.permutation(len(x))[:1]
        x[rows, column] = value(x[:, column])
        return Pair(x, pair.y, pair.vx, pair.vy, pair.data)

    return plant


def _flipped(y: Arrays, classes: int, share: float, generator: np.random.Generator) -> Arrays:
    found = y.copy()
    rows = _some(len(y), share, generator)
    found[rows] = (found[rows] + generator.integers(1, classes, len(rows))) % classes
    return found


def _flips(share: float, everywhere: bool = False) -> Change:
    def plant(pair: Pair, generator: np.random.Generator) -> Pair | None:
        if pair.data.regression:
            return None
        classes = int(pair.y.max()) + 1
        y = _flipped(pair.y, classes, share, generator)
        vy = _flipped(pair.vy, classes, share, generator) if everywhere else pair.vy
        return Pair(pair.x, y, pair.vx, vy, pair.data)

    return plant


def _permuted(pair: Pair, generator: np.random.Generator) -> Pair | None:
    return Pair(pair.x, generator.permutation(pair.y), pair.vx, pair.vy, pair.data)


def _shifted(pair: Pair, generator: np.random.Generator) -> Pair | None:
    return None if pair.data.kind == "text" else Pair(pair.x, np.roll(pair.y, 1), pair.vx, pair.vy, pair.data)


def _conflicts(share: float) -> Change:
    def plant(pair: Pair, generator: np.random.Generator) -> Pair | None:
        if pair.data.regression:
            return None
        rows = _some(len(pair.x), share, generator)
        other = (pair.y[rows] + 1) % (int(pair.y.max()) + 1)
        x, y = np.concatenate([pair.x, pair.x[rows]]), np.concatenate([pair.y, other])
        return Pair(x, y, pair.vx, pair.vy, pair.data)

    return plant


def _copies(share: float) -> Change:
    def plant(pair: Pair, generator: np.random.Generator) -> Pair | None:
        rows = _some(len(pair.x), share, generator)
        x, y = np.concatenate([pair.x, pair.x[rows]]), np.concatenate([pair.y, pair.y[rows]])
        return Pair(x, y, pair.vx, pair.vy, pair.data)

    return plant


def _from_one(pair: Pair, generator: np.random.Generator) -> Pair | None:
    return None if pair.data.regression else Pair(pair.x, pair.y + 1, pair.vx, pair.vy + 1, pair.data)


def _viewed(pair: Pair, generator: np.random.Generator) -> Pair | None:
    if pair.x.ndim != 4 or pair.x.shape[1] != 3:
        return None
    return _both(pair, lambda x: np.ascontiguousarray(x.transpose(0, 2, 3, 1)).reshape(x.shape))


def _scrambled(pair: Pair, generator: np.random.Generator) -> Pair | None:
    if pair.x.ndim != 4:
        return None
    order = generator.permutation(pair.x.shape[2] * pair.x.shape[3])
    return _both(pair, lambda x: x.reshape(*x.shape[:2], -1)[:, :, order].reshape(x.shape))


def _mixed(factor: float, share: float) -> Change:
    def plant(pair: Pair, generator: np.random.Generator) -> Pair | None:
        if pair.data.kind == "text" or pair.x[0].size < 4:
            return None
        x = pair.x.copy()
        rows = _some(len(x), share, generator)
        x[rows] = x[rows] * factor
        return Pair(x, pair.y, pair.vx, pair.vy, pair.data)

    return plant


def _union_statistics(pair: Pair, generator: np.random.Generator) -> Pair | None:
    if pair.data.kind == "text":
        return None
    every = np.concatenate([pair.x, pair.vx]).astype(np.float64)
    mean, sd = every.mean(axis=0), every.std(axis=0)
    return _both(pair, lambda x: ((x - mean) / np.where(sd > 1e-6, sd, 1)).astype(np.float32))


def _union_bounds(pair: Pair, generator: np.random.Generator) -> Pair | None:
    if pair.data.kind != "table":
        return None
    every = np.concatenate([pair.x, pair.vx]).astype(np.float64)
    low, high = every.min(axis=0), every.max(axis=0)
    return _both(pair, lambda x: ((x - low) / np.where(high > low, high - low, 1)).astype(np.float32))


def _own_statistics(pair: Pair, generator: np.random.Generator) -> Pair | None:
    if pair.data.kind == "text":
        return None

    def own(x: Arrays) -> Arrays:
        sd = x.astype(np.float64).std(axis=0)
        return ((x - x.astype(np.float64).mean(axis=0)) / np.where(sd > 1e-6, sd, 1)).astype(np.float32)

    return _both(pair, own)


def _other_recipe(change: Callable[[Arrays, Arrays], Arrays]) -> Change:
    def plant(pair: Pair, generator: np.random.Generator) -> Pair | None:
        if pair.data.kind == "text":
            return None
        return Pair(pair.x, pair.y, change(pair.vx, pair.x).astype(np.float32), pair.vy, pair.data)

    return plant


def _noisy_validation(pair: Pair, generator: np.random.Generator) -> Pair | None:
    return _other_recipe(lambda v, t: v + 0.3 * t.std(axis=0) * generator.normal(size=v.shape))(pair, generator)


def _reversed_channels(pair: Pair, generator: np.random.Generator) -> Pair | None:
    if pair.x.ndim != 4 or pair.x.shape[1] != 3:
        return None
    return Pair(pair.x, pair.y, np.ascontiguousarray(pair.vx[:, ::-1]), pair.vy, pair.data)


def _shared(share: float, noise: float) -> Change:
    def plant(pair: Pair, generator: np.random.Generator) -> Pair | None:
        if pair.data.kind == "text" and noise:
            return None
        x = pair.vx.copy()
        rows = _some(len(x), share, generator)
        source = generator.permutation(len(pair.x))[: len(rows)]
        copied = pair.x[source]
        if noise:
            copied = copied + noise * pair.x.std(axis=0) * generator.normal(size=copied.shape)
        x[rows] = copied
        return Pair(pair.x, pair.y, x, pair.vy, pair.data)

    return plant


def _lost_class(pair: Pair, generator: np.random.Generator) -> Pair | None:
    if pair.data.regression or len(np.unique(pair.y)) < 3:
        return None
    kept = pair.y != pair.y.max()
    return Pair(pair.x[kept], pair.y[kept], pair.vx, pair.vy, pair.data)


def _sorted(pair: Pair, generator: np.random.Generator) -> Pair | None:
    order = np.argsort(pair.y, kind="stable")
    return Pair(pair.x[order], pair.y[order], pair.vx, pair.vy, pair.data)


@dataclass(frozen=True)
class Fault:
    """check: that is to speak; notes: a note counts, because the check makes no alarms of this; seeds: of splits and faults."""

    name: str
    check: str
    plant: Change
    notes: bool = False
    seeds: int = 1


def _flip_seeds(share: float) -> int:
    """A few wrong labels are found or not by chance: one split of each set would not tell how often."""
    return 3 if share < 0.1 else 1


FAULTS = (
    *(Fault(f"NaN in {s:.1%} of rows", "non-finite-input", _nan(s)) for s in (0.001, 0.01)),
    *(Fault(f"{s:.0%} of rows zero", "constant-input", _blank(s)) for s in (0.02, 0.05, 0.2)),
    *(Fault(f"-999 in {s:.0%} of a column", "isolated-values", _cell(lambda c: -999.0, s)) for s in (0.02, 0.1)),
    Fault("one cell times 1000", "isolated-values", _cell(lambda c: 1000.0 * float(np.abs(c).max()), 0.0)),
    *(Fault(f"{s:.0%} of labels flipped", "noisy-labels", _flips(s), seeds=_flip_seeds(s)) for s in (0.05, 0.1, 0.2, 0.4)),
    *(
        Fault(f"{s:.0%} of labels flipped, validation's too", "noisy-labels", _flips(s, True), seeds=_flip_seeds(s))
        for s in (0.05, 0.1, 0.2, 0.4)
    ),
    Fault("labels permuted", "labels-unrelated", _permuted),
    Fault("labels shifted by 1", "labels-shifted", _shifted),
    *(Fault(f"{s:.0%} copies with another label", "conflicting-labels", _conflicts(s)) for s in (0.02, 0.1)),
    *(Fault(f"{s:.0%} copies", "repeated-rows", _copies(s)) for s in (0.05, 0.2)),
    Fault("labels from 1", "labels-not-from-zero", _from_one),
    Fault("(H, W, C) viewed as (C, H, W)", "image-layout-scrambled", _viewed),
    Fault("pixels permuted", "image-layout-scrambled", _scrambled),
    *(
        Fault(f"{s:.0%} of rows times {f:g}", "mixed-recipes", _mixed(f, s))
        for f in (255.0, 10.0)
        for s in (0.03, 0.1, 0.5)
    ),
    Fault("statistics of train + validation", "leaked-statistics", _union_statistics),
    Fault("minimum and maximum of train + validation", "leaked-statistics", _union_bounds),
    Fault("validation by its own statistics", "validation-own-statistics", _own_statistics),
    Fault("validation times 1.1", "train-validation-recipe-mismatch", _other_recipe(lambda v, t: v * 1.1)),
    Fault("validation times 1.5", "train-validation-recipe-mismatch", _other_recipe(lambda v, t: v * 1.5)),
    Fault("validation / 255", "train-validation-recipe-mismatch", _other_recipe(lambda v, t: v / 255)),
    Fault("validation + 0.5 sd", "train-validation-recipe-mismatch", _other_recipe(lambda v, t: v + 0.5 * t.std(axis=0))),
    Fault("validation with noise of 0.3 sd", "train-validation-recipe-mismatch", _noisy_validation),
    Fault("validation with reversed channels", "train-validation-recipe-mismatch", _reversed_channels),
    Fault("one row of validation copied", "duplicates-across-splits", _shared(0.0, 0.0), notes=True),
    *(Fault(f"{s:.0%} of validation copied", "duplicates-across-splits", _shared(s, 0.0)) for s in (0.1, 0.3)),
    *(
        Fault(f"{s:.0%} of validation nearly copied", "near-duplicates-across-splits", _shared(s, 0.02))
        for s in (0.05, 0.2, 1.0)
    ),
    Fault("a class in validation only", "classes-missing-from-training", _lost_class),
    Fault("rows sorted by target", "sorted-rows", _sorted, notes=True),
)  # fmt: skip
FAULT_ROWS = 400


# -- running ------------------------------------------------------------------------------------------------

# The second seed splits small sets anew; of large samples it would cost as much again.
HEALTHY_SEEDS = {100: 2, 250: 2, 500: 1}


@dataclass(frozen=True)
class Job:
    """kind: "healthy", "fault", "overlap", or "able": how well probes do on the right labels. what: variant or fault."""

    kind: str
    name: str
    what: str
    size: int = FAULT_ROWS
    seed: int = 0

    @property
    def key(self) -> str:
        return "|".join((self.kind, self.name, f"{self.size} rows", self.what, str(self.seed)))

    def checks(self) -> tuple[str, ...]:
        """Those that are asked; none are all."""
        if self.kind == "fault":
            return (fault_named(self.what).check,)
        return ("noisy-labels",) if self.kind == "overlap" else ()

    def make(self) -> Pair | None:
        """None where there is no such thing of these data."""
        generator = np.random.default_rng(self.seed)
        if self.kind == "overlap":
            x, y = overlaps.overlapping(self.name, self.size * 4 // 3, self.seed)
            return split(Named(self.name, x, y, "table"), len(x), self.seed)
        data = load(self.name)
        if self.kind == "able":
            return None if data.regression else split(data, self.size, self.seed)
        if self.kind == "fault":
            return fault_named(self.what).plant(split(data, self.size, self.seed), generator)
        if self.size > min(SIZES) and len(data.x) < self.size / 1.5:
            return None  # the whole set was taken before
        return HEALTHY[self.what](split(data, self.size, self.seed), generator)


def fault_named(name: str) -> Fault:
    return next(fault for fault in FAULTS if fault.name == name)


def jobs(half: tuple[str, ...]) -> Iterator[Job]:
    kinds = overlaps.OTHER_KINDS if half == REPORTED else overlaps.CHOSEN_ON
    for size in SIZES:
        for seed in range(HEALTHY_SEEDS[size]):
            yield from (Job("healthy", name, change, size, seed) for change in HEALTHY for name in half)
    for name in half:
        yield Job("able", name, "right labels")
        yield from (Job("fault", name, fault.name, seed=seed) for fault in FAULTS for seed in range(fault.seeds))
    yield from (Job("overlap", name, "as it is", size) for name in kinds for size in overlaps.SIZES)


def run(job: Job, names: tuple[str, ...] = ()) -> dict[str, Any]:
    """Checks that spoke, by level; those that gave no verdict. names: of the checks, in place of the job's."""
    started = time.process_time()
    pair = job.make()
    if pair is None:
        return {"key": job.key, "absent": True}
    if job.kind == "able":
        return {"key": job.key, "accuracy": _probe_accuracy(pair)}
    report = audited(pair, names or job.checks())
    alarms = {item.check: [item.level, item.summary] for item in report.findings}
    for item in report.findings:
        alarms |= {text.split(": ")[0].split(" ", 1)[1]: ["explained", text] for text in item.explains}
    return {
        "key": job.key,
        "alarms": alarms,
        "silent": _why_silent(report, job.checks()),
        "errors": report.errors,
        "seconds": round(time.process_time() - started, 2),
    }


def _probe_accuracy(pair: Pair) -> float:
    """Balanced accuracy of the probes of noisy-labels; 0 where there are too few rows for them."""
    probes = probes_of(Case(None, data=opened(pair)))  # type: ignore[arg-type]  # no trace: nothing is looked up in it
    return round(balanced_accuracy(probes.mean.argmax(axis=1), probes.codes), 3) if probes else 0.0


def _why_silent(report: Report, names: tuple[str, ...]) -> str:
    """Of the one check that was asked: why it gave no verdict; empty where it gave one."""
    rows = {item.reason for item in descriptions() if item.name in names}
    states = [report.reasons[row] for row in rows]
    return next((state.why for state in states if state.status in ("not-checked", "not-applicable")), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--checks", default="", help="a trial of these alone, separated by commas; writes no page")
    parser.add_argument("--only", default="", help="a trial of the jobs whose key contains this; writes no page")
    parser.add_argument("--half", choices=("calibrated", "reported", "both"), default="both")
    options = parser.parse_args()
    names = tuple(filter(None, options.checks.split(",")))
    version = code_version()
    halves = {"calibrated": [CALIBRATED], "reported": [REPORTED], "both": [REPORTED, CALIBRATED]}[options.half]
    wanted = [job for half in halves for job in jobs(half) if options.only in job.key]
    if names:
        wanted = [job for job in wanted if job.kind in ("healthy", "able") or set(job.checks()) & set(names)]
    trial = bool(names or options.only or options.half != "both")
    known = {} if trial else read(options.results, version)
    missing = [job for job in wanted if job.key not in known]
    print(f"{len(missing)} of {len(wanted)} to do, {options.workers} at a time")
    with (Path(os.devnull) if trial else options.results).open("w") as file:
        file.writelines(json.dumps(item) + "\n" for item in known.values())
        for item in done(missing, names, options.workers, time.monotonic() + 60 * options.minutes):
            known[item["key"]] = item
            file.write(json.dumps(item | {"version": version}) + "\n")
            file.flush()
    left = len(wanted) - len(known)
    if left:
        print(f"stopped: {left} of {len(wanted)} are left; the same command goes on")
        return
    from benchmarks.data_page import page

    text = page(known)
    if not trial:
        options.page.write_text(text, encoding="utf-8")
    print(text)


def done(missing: list[Job], names: tuple[str, ...], workers: int, deadline: float) -> Iterator[dict[str, Any]]:
    """The results as they come; none is begun after the deadline."""
    queue = iter(missing)
    with ProcessPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        running = {pool.submit(run, job, names) for job in islice(queue, 2 * workers)}
        while running:
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                yield future.result()
                following = next(queue, None) if time.monotonic() < deadline else None
                if following is not None:
                    running.add(pool.submit(run, following, names))


def code_version() -> str:
    """Of what decides the results: the data checks and this benchmark (its page apart)."""
    digest = hashlib.sha256()
    folders = ("checks/data", "checks/preprocessing", "measurements/data", "sources")
    files = [path for folder in folders for path in sorted((ROOT / "src/paramedic" / folder).glob("*.py"))]
    for path in (*files, *(ROOT / "benchmarks" / name for name in ("data_audit.py", "data_sets.py", "overlaps.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def read(path: Path, version: str) -> dict[str, dict[str, Any]]:
    """Results of this version of the code."""
    if not path.exists():
        return {}
    items = map(json.loads, path.read_text().splitlines())
    return {item["key"]: item for item in items if item.get("version") == version}


if __name__ == "__main__":
    main()
