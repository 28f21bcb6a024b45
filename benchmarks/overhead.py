"""What observation costs: pairs of the same training steps with and without the observer, in one process.

    python -m benchmarks.overhead [--pairs 7] [--output FILE]

Each model trains for a while alone and for a while observed, alternating; the figure is the median over the
pairs of (observed - alone) / alone, in thread CPU time, with the range of the middle half. Two alone runs
against each other give the noise (A/A). The dense first phase is measured apart from the rest of a long run.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from paramedic.capture.observer import RECORD_STEPS, Observer
from paramedic.trace.store import TraceWriter

Step = Callable[[], None]


def _mlp() -> Step:
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    return _classifier(model, torch.randn(128, 784), 10)


def _cnn() -> Step:
    layers: list[nn.Module] = []
    for before, after in ((3, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    return _classifier(
        nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10)), torch.randn(64, 3, 32, 32), 10
    )


def _transformer() -> Step:
    layer = nn.TransformerEncoderLayer(128, 4, 256, batch_first=True)
    model = nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten(), nn.Linear(32 * 128, 10))
    return _classifier(model, torch.randn(32, 32, 128), 10)


def _classifier(model: nn.Module, x: torch.Tensor, classes: int) -> Step:
    y = torch.randint(classes, (len(x),))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


MODELS = {
    "MLP 784-512-512-10, batch 128": _mlp,
    "CNN+BatchNorm 32x32, batch 64": _cnn,
    "transformer 2x128, batch 32x32": _transformer,
}


def _seconds(step: Step, count: int) -> float:
    started = time.thread_time()
    for _ in range(count):
        step()
    return time.thread_time() - started


def _observed(step: Step, count: int, skip: int) -> tuple[float, float]:
    """CPU seconds of the first ``skip`` observed steps, and of ``count`` steps after them."""
    with tempfile.TemporaryDirectory() as folder:
        observer = Observer(TraceWriter(Path(folder) / "trace.sqlite"))
        observer.install()
        try:
            return _seconds(step, skip), _seconds(step, count)
        finally:
            observer.remove()


def measure(make: Callable[[], Step], pairs: int) -> dict[str, list[float]]:
    """Relative differences per pair: the noise, the dense first phase, and the rest."""
    torch.manual_seed(0)
    step = make()
    _seconds(step, 5)
    count = max(20, min(200, int(2.0 / (_seconds(step, 5) / 5))))
    found: dict[str, list[float]] = {"A/A": [], "first 100 steps": [], "later steps": []}
    for _ in range(pairs):
        alone = _seconds(step, count)
        dense, later = _observed(step, count, RECORD_STEPS)
        again = _seconds(step, count)
        base = (alone + again) / 2
        found["A/A"].append(again / alone - 1)
        found["first 100 steps"].append(dense / RECORD_STEPS * count / base - 1)
        found["later steps"].append(later / base - 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = ["| program | A/A | first 100 steps | later steps |", "|---|---|---|---|"]
    for name, make in MODELS.items():
        cells = []
        for values in measure(make, options.pairs).values():
            low, _, high = (
                statistics.quantiles(values, n=4) if len(values) > 2 else (min(values), 0, max(values))
            )
            cells.append(f"{statistics.median(values):+.1%} ({low:+.1%} to {high:+.1%})")
        lines.append(f"| {name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    table = "\n".join(lines)
    print("\n" + table)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(table + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
