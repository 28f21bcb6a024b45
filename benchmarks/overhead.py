"""What observation costs, beside what people use for the same purpose.

    python -m benchmarks.overhead [--part steps programs trace] [--only NAME ...] [--pairs 9] [--output docs/overhead.md]
    python -m benchmarks.overhead --cuda [--pairs 9]     # the first part alone, on a GPU, by the clock on the wall

Three parts, each of which can be made by itself; what is measured is kept in benchmarks/results/overhead.json row by row,
pair by pair, with its commit, and the page shows all that is there:

steps: time per training step in one process, in processor time of the thread: each way of watching alternates with the
    same steps alone; the figure is the median over the pairs of watched / alone - 1, with its interval. Two alone
    runs against each other give the noise (A/A).
programs: whole programs, run alone and under ``paramedic run`` in turn, each in a process of its own: processor time,
    start-up and peak memory up to the program's last line, and the size of the trace. The examination after the program's
    end is not part of it: ``--budget`` is.
trace: its size while a network of 100 layers makes 10^5 steps.

On two quiet cores steps take about 20 minutes (half of them the network with over a thousand tensors: fewer pairs will do
there), programs 8 and the trace 10; ``--quick`` says whether every part works, and keeps nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from scipy.stats import binom
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from paramedic.capture.observer import RECORD_STEPS, Observer
from paramedic.trace.store import TraceWriter

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "overhead.json"
HEAD = """# What observing costs

Made by the parts of `make bench-overhead`, on two cores without a GPU (for one with, see gpu.md), one thread of torch.
Processor time, because a busy machine changes the time on the clock; medians of interleaved pairs, with the interval of
the median (at least 95 % by the order of the values, or their range where they are too few). The first 100 steps are
recorded for the experiments and cost more; later ones are sampled as long as the observer's own time, the first steps
included, is below 1 % of the run's (`--overhead`; without the time in which others had the processors), and once each
after 512, 4096 and 32,768 steps, for the distributions. Its account has the wrappers around torch's calls and the hooks,
timed in samples.
Targets: at most 1 % over a run with steps of 5 ms and more, 3 % with steps of 1 ms; start-up 0.5 s; memory 200 MB or 5 %;
50 MB for the trace of 10^5 steps of 100 layers.
Statistics of a layer come from at most 1,024 of its elements; there is no mode that reads all of them.
Later steps are what a long run consists of. The A/A line says how far two equal runs differ: less than its interval cannot
be told from none. A whole program has its start, the first steps and the loader's batches as well (rows of the first three
passes are hashed): about 0.3 s that a short program notices and a long one does not.
Steps of 5 ms cost less when watched: alone, the program gives memory back and takes it again in every step (1.3 million page
faults in 1,200 steps, 2.7 s of the system's time; a tenth of both when watched, or with a larger MALLOC_TRIM_THRESHOLD_), which
says nothing of the observer; its own account does.
Of a run of more than 20,000 steps fewer of the older steps stay in the trace, and of the sampled layers as many steps as a
heat map shows (src/paramedic/trace/thinning.py): from there on it hardly grows.
"""
EVERY_STEP = 1e9  # a budget that is never used up
HISTOGRAM_BINS = 64  # as wandb.watch makes them
SECONDS = 0.5  # of steps in one half of a pair
MOST_SECONDS = 4.0  # times as long may the watched half take: histograms of a thousand tensors are slow
RECORD_SLOWLY = 1e9  # the first steps are all taken, however long
FEWEST_STEPS = 20
COVERAGE = 0.95
ONE_MS, FIVE_MS = (128, 32), (512, 64)  # width and batch of an MLP with steps of about 1 ms and 5 ms
DEVICE = torch.device("cuda" if "--cuda" in sys.argv else "cpu")


class Classifier:
    """A network and its training step; ``watch`` is called between backward and the optimizer's step."""

    def __init__(self, model: nn.Module, x: torch.Tensor) -> None:
        self.model, self.x, self.y = model.to(DEVICE), x.to(DEVICE), torch.randint(10, (len(x),)).to(DEVICE)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        self.watch: Callable[[], None] = lambda: None

    def __call__(self) -> None:
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.model(self.x), self.y).backward()
        self.watch()
        self.optimizer.step()


def _mlp(width: int, batch: int) -> Classifier:
    layers = [nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)]
    return Classifier(nn.Sequential(*layers), torch.randn(batch, 784))


def _cnn() -> Classifier:
    layers: list[nn.Module] = []
    for before, after in ((3, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    return Classifier(nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10)), torch.randn(32, 3, 32, 32))


def _transformer(depth: int = 4, width: int = 128, length: int = 32) -> Classifier:
    layer = nn.TransformerEncoderLayer(width, width // 32, 2 * width, batch_first=True)
    model = nn.Sequential(nn.TransformerEncoder(layer, depth), nn.Flatten(), nn.Linear(length * width, 10))
    return Classifier(model, torch.randn(16, length, width))


def _deep(blocks: int) -> Classifier:
    """Each block has four tensors of parameters."""
    layers: list[nn.Module] = [nn.Linear(64, 64)]
    for _ in range(blocks):
        layers += [nn.LayerNorm(64), nn.Linear(64, 64), nn.ReLU()]
    return Classifier(nn.Sequential(*layers, nn.Linear(64, 10)), torch.randn(128, 64))


MODELS: dict[str, Callable[[], Classifier]] = {
    "MLP, steps of about 1 ms": partial(_mlp, *ONE_MS),
    "MLP, steps of about 5 ms": partial(_mlp, *FIVE_MS),
    "CNN with BatchNorm": _cnn,
    "transformer of 4 layers": _transformer,
    "1,044 tensors of parameters": partial(_deep, 260),
}
if DEVICE.type == "cuda":  # one whose steps take the device longer than the processor
    MODELS["transformer of 12 layers, 1,024 wide"] = partial(_transformer, 12, 1024, 256)


# -- ways of watching -------------------------------------------------------------------------------------------


@contextmanager
def alone(step: Classifier) -> Iterator[None]:
    yield


@contextmanager
def observed(step: Classifier, overhead: float, warm: bool) -> Iterator[None]:
    """warm: the first, densely recorded steps are over before the time is taken."""
    with tempfile.TemporaryDirectory() as folder:
        observer = Observer(TraceWriter(Path(folder) / "trace.sqlite"), overhead=overhead)
        observer.install()
        try:
            for _ in range(RECORD_STEPS if warm else 0):
                step()
            yield
        finally:
            observer.remove()
            observer.writer.close()


@contextmanager
def anomaly_detection(step: Classifier) -> Iterator[None]:
    with torch.autograd.set_detect_anomaly(True):
        yield


@contextmanager
def tensorboard_histograms(step: Classifier, every: int) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        writer, count = SummaryWriter(folder), 0

        def watch() -> None:
            nonlocal count
            if count % every == 0:
                for name, parameter in step.model.named_parameters():
                    writer.add_histogram(name, parameter, count)
                    writer.add_histogram(f"{name}.grad", parameter.grad, count)
            count += 1

        step.watch = watch
        try:
            yield
        finally:
            step.watch = lambda: None
            writer.close()


@contextmanager
def gradient_histograms(step: Classifier) -> Iterator[None]:
    """What wandb.watch(log="gradients", log_freq=1) does: a hook per parameter that makes a histogram."""

    def hook(grad: torch.Tensor) -> None:
        flat = grad.detach().reshape(-1).cpu()
        torch.histc(flat, HISTOGRAM_BINS, float(flat.min()), float(flat.max())).tolist()

    handles = [parameter.register_hook(hook) for parameter in step.model.parameters()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


WAYS: dict[str, Callable[[Classifier], object]] = {
    "A/A (noise)": alone,
    "paramedic, first 100 steps": partial(observed, overhead=0.01, warm=False),
    "paramedic, later steps": partial(observed, overhead=0.01, warm=True),
    "paramedic, every step (--overhead 100)": partial(observed, overhead=EVERY_STEP, warm=True),
    "set_detect_anomaly": anomaly_detection,
    "TensorBoard histograms, every step": partial(tensorboard_histograms, every=1),
    "TensorBoard histograms, every 100 steps": partial(tensorboard_histograms, every=100),
    "histograms of gradients, every step": gradient_histograms,
}


def _seconds(step: Callable[[], None], count: int) -> float:
    """Of the processor; on a GPU until it has done all of it."""
    started = _clock()
    for _ in range(count):
        step()
    return _clock() - started


def _clock() -> float:
    if DEVICE.type == "cpu":
        return time.thread_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def said(values: list[float]) -> str:
    """The median with its interval: from the k-th smallest to the k-th largest value, by the binomial distribution."""
    ordered, count = sorted(values), len(values)
    outside = [2 * float(binom.cdf(rank, count, 0.5)) for rank in range(count // 2)]  # beyond the value of that rank
    rank = max((rank for rank, share in enumerate(outside) if share <= 1 - COVERAGE), default=0)
    return f"{statistics.median(ordered):+.1%} ({ordered[rank]:+.1%} to {ordered[-1 - rank]:+.1%})"


def _step_time(step: Callable[[], None], count: int, most: float) -> float:
    """Processor seconds per step, over ``count`` steps or fewer where these take longer than ``most`` seconds."""
    seconds, done = 0.0, 0
    while done < count and (seconds < most or done < FEWEST_STEPS // 4):
        part = min(count - done, FEWEST_STEPS // 4)
        seconds += _seconds(step, part)
        done += part
    return seconds / done


def per_step(make: Callable[[], Classifier], pairs: int, seconds: float) -> Iterator[tuple[float, dict[str, list[float]]]]:
    """After each pair: milliseconds of a step alone, and per way of watching the relative differences, one per pair."""
    torch.manual_seed(0)
    step = make()
    _seconds(step, 10)
    one = _seconds(step, 10) / 10
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    times = []
    for _ in range(pairs):
        for way, watching in WAYS.items():
            first = way.endswith("first 100 steps")
            count = RECORD_STEPS if first else max(FEWEST_STEPS, int(seconds / one))
            before = _seconds(step, count // 2) / (count // 2)
            with watching(step):  # type: ignore[attr-defined]
                watched = _step_time(step, count, RECORD_SLOWLY if first else MOST_SECONDS * seconds)
            base = (before + _seconds(step, count // 2) / (count // 2)) / 2
            found[way].append(watched / base - 1)
            times.append(base)
        yield statistics.median(times) * 1000, found


def measure_steps(kept: Kept, pairs: int, seconds: float, only: Sequence[str] = ()) -> None:
    """only: parts of the networks' names."""
    for name, make in MODELS.items():
        if only and not any(text in name for text in only):
            continue
        for milliseconds, found in per_step(make, pairs, seconds):  # whoever stops it has the pairs so far
            kept.add("steps", name, {"ms": milliseconds, "ways": {way: said(values) for way, values in found.items()}})


def steps_table(known: dict[str, Any]) -> str:
    networks = [name for name in MODELS if name in known]
    lines = ["| | " + " | ".join(f"{name} ({known[name]['ms']:.1f} ms)" for name in networks) + " |"]
    lines.append("|---|" + "---|" * len(networks))
    for way in WAYS:
        lines.append(f"| {way} | {' | '.join(known[name]['ways'].get(way, '') for name in networks)} |")
    return "\n".join([*lines, "", _measured(known)])


# -- whole programs -----------------------------------------------------------------------------------------------

PROGRAM = """
import json, resource, sys, time
import torch
started = time.process_time()
from torch import nn
torch.manual_seed(0)
torch.set_num_threads(1)
steps, width, batch, depth = map(int, sys.argv[1:5])
layers = [nn.Linear(784, width), nn.ReLU()]
for _ in range(depth):
    layers += [nn.Linear(width, width), nn.ReLU()]
model = nn.Sequential(*layers, nn.Linear(width, 10))
optimizer = getattr(torch.optim, sys.argv[5])(model.parameters(), lr=1e-3)
x, y = torch.randn(4096, 784), torch.randint(10, (4096,))
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=batch, shuffle=True)
done = 0
while done < steps:
    for inputs, targets in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
        done += 1
        if done == steps:
            break
used = time.process_time()
print(json.dumps({"start": started, "cpu": used, "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def run_program(folder: Path, sizes: tuple[int, ...], watched: bool, optimizer: str = "Adam") -> dict[str, float]:
    """Processor seconds after ``import torch`` and at the end, and peak MB; with ``watched`` the trace's MB too.

    sizes: steps, width, batch, depth.
    """
    script, runs = folder / "train.py", folder / "runs"
    script.write_text(PROGRAM, encoding="utf-8")
    arguments = [str(script), *map(str, sizes), optimizer]
    if watched:
        arguments = ["-m", "paramedic", "run", "--no-experiments", "--format", "json", "--output",
                     str(folder / "report.json"), "--dir", str(runs), *arguments]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False)
    lines = (done.stdout + done.stderr).splitlines()  # with --format json the program's own output goes to stderr
    line = next((line for line in lines if line.startswith('{"start"')), None)
    if line is None:
        raise RuntimeError(f"no figures from {arguments}: {done.stderr[-500:]}")
    found: dict[str, float] = json.loads(line)
    if watched:
        trace = max(runs.rglob("trace.sqlite"), key=lambda path: path.stat().st_mtime)
        found["trace"] = trace.stat().st_size / 1e6
        found["reported"] = json.loads((folder / "report.json").read_text(encoding="utf-8"))["cost"]["overhead"]
    return found


CASES = {
    "2,000 steps of about 1 ms": (2000, *ONE_MS, 1),
    "10,000 steps of about 1 ms": (10_000, *ONE_MS, 1),
    "1,000 steps of about 5 ms": (1000, *FIVE_MS, 1),
    "6,000 steps of about 5 ms": (6000, *FIVE_MS, 1),
    "3,000 steps of 100 layers": (3000, 16, 8, 98),
}


def measure_programs(kept: Kept, pairs: int, share: float, only: Sequence[str] = ()) -> None:
    """share: of the steps; 1 but to see whether it works."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, sizes in CASES.items():
            if only and not any(text in title for text in only):
                continue
            ratios, starts, memory, accounts, last = [], [], [], [], {}
            sizes = (int(share * sizes[0]), *sizes[1:])
            for pair in range(pairs):
                base, last = run_program(folder, sizes, False), run_program(folder, sizes, True)
                ratios.append(last["cpu"] / base["cpu"] - 1)
                accounts.append(last["reported"])
                starts.append(last["start"] - base["start"])
                memory.append((last["rss"] - base["rss"], last["rss"] / base["rss"] - 1))
                megabytes, more = (statistics.median(column) for column in zip(*memory, strict=True))
                kept.add("programs", title, {
                    "cpu": said(ratios), "reported": f"{statistics.median(accounts):.1%}",
                    "start": f"{statistics.median(starts):+.2f} s", "memory": f"{megabytes:+.0f} MB ({more:+.0%})",
                    "trace": f"{last['trace']:.1f} MB", "pairs": pair + 1,
                })  # fmt: skip


def programs_table(known: dict[str, Any]) -> str:
    lines = [
        "| program | pairs | processor time | said by the report | start-up | peak memory | trace |",
        "|---|---|---|---|---|---|---|",
    ]
    for title in CASES:
        if (row := known.get(title)) is not None:
            cells = (row[key] for key in ("pairs", "cpu", "reported", "start", "memory", "trace"))
            lines.append(f"| {title} | {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, "", _measured(known)])


MILESTONES = (1_000, 3_000, 10_000, 30_000, 100_000)


def measure_trace(kept: Kept, milestones: Sequence[int]) -> None:
    """The size of the trace when each number of steps was reached, in one run."""
    with tempfile.TemporaryDirectory() as name:
        folder, left = Path(name), list(milestones)
        sizes: dict[str, float] = {}
        run = threading.Thread(target=run_program, args=(folder, (milestones[-1], 16, 8, 98), True, "SGD"))  # the fastest
        run.start()
        while run.is_alive():
            run.join(timeout=0.2)
            steps, megabytes = _so_far(folder)
            while left and steps >= left[0]:
                sizes[f"{left.pop(0):,}"] = megabytes
                kept.add("trace", "sizes", {"megabytes": sizes})
        sizes[f"{milestones[-1]:,} (at the end, with the report)"] = _so_far(folder)[1]
        kept.add("trace", "sizes", {"megabytes": sizes})


def _so_far(folder: Path) -> tuple[int, float]:
    """Steps in a trace that is being written, and its size with what is not in its file yet."""
    path = next((folder / "runs").rglob("trace.sqlite"), None)
    if path is None:
        return 0, 0.0
    size = sum(item.stat().st_size for item in path.parent.glob("trace.sqlite*")) / 1e6
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1.0)) as connection:
            steps = connection.execute("SELECT max(step) FROM steps").fetchone()[0]
    except sqlite3.Error:
        steps = None
    return (steps or -1) + 1, size


def trace_table(known: dict[str, Any]) -> str:
    lines = ["| steps | trace |", "|---|---|"]
    lines += [f"| {steps} | {size:.1f} MB |" for steps, size in known["sizes"]["megabytes"].items()]
    return "\n".join([*lines, "", _measured(known)])


class Kept:
    """What was measured, by part and row; written to a file at once, unless there is none."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else {}
        self.commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()

    def add(self, part: str, name: str, row: dict[str, Any]) -> None:
        print(f"{part}: {name}: {json.dumps(row)}", file=sys.stderr, flush=True)
        self.known.setdefault(part, {})[name] = {**row, "commit": self.commit, "day": time.strftime("%Y-%m-%d")}
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(self.known, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    def page(self) -> str:
        tables = {
            "steps": ("A step", steps_table),
            "programs": ("A whole program", programs_table),
            "trace": ("The trace of a network of 100 layers", trace_table),
        }
        parts = [f"## {title}\n\n{table(self.known[part])}" for part, (title, table) in tables.items() if part in self.known]
        return "\n\n".join(parts)


def _measured(rows: dict[str, Any]) -> str:
    made = sorted({(row["day"], row["commit"]) for row in rows.values()})
    return "Measured " + ", ".join(f"on {day} at {commit}" for day, commit in made) + "."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", choices=("steps", "programs", "trace"), default=["steps", "programs", "trace"])
    parser.add_argument("--only", nargs="*", default=[], help="networks or programs, by parts of their names")
    parser.add_argument("--pairs", type=int, default=9, help="of the steps")
    parser.add_argument("--program-pairs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a handful of steps of every part: whether it works")
    parser.add_argument("--cuda", action="store_true", help="the first part alone, on a GPU")
    parser.add_argument("--output", type=Path, help="the page; without it, it is printed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    kept = Kept(None if options.quick or options.cuda else RESULTS)
    pairs, program_pairs = (2, 1) if options.quick else (options.pairs, options.program_pairs)
    if options.cuda:
        measure_steps(kept, pairs, 0.01 if options.quick else SECONDS, options.only)
        print(f"{torch.cuda.get_device_name()}\n\n{steps_table(kept.known['steps'])}")
        return
    if "steps" in options.part:
        measure_steps(kept, pairs, 0.01 if options.quick else SECONDS, options.only)
    if "programs" in options.part:
        measure_programs(kept, program_pairs, 0.1 if options.quick else 1.0, options.only)
    if "trace" in options.part:
        measure_trace(kept, (20, 50) if options.quick else MILESTONES)
    if options.output and not options.quick:
        options.output.write_text(f"{HEAD}\n{kept.page()}\n", encoding="utf-8")
    else:
        print("\n" + kept.page())


if __name__ == "__main__":
    main()
