"""What reading a data set costs as it grows: ``make bench-data-scale``, writes docs/data-scale.md.

    python -m benchmarks.data_scale [--rows 10000 100000 1000000 10000000] [--width 20] [--csv 100000]

Rows are generated while they are read, so that nothing but the audit itself takes memory. Each size is read in a
process of its own; the cost is CPU time of one process, the peak is that of its resident memory.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from paramedic.sources.files import reader_of
from paramedic.sources.reader import CHUNK_ROWS, Chunk, Collected, Reader, collect, ranges, split_of
from paramedic.trace.dataset import Kind, Split
from paramedic.trace.place import Place

PAGE = Path(__file__).parent.parent / "docs" / "data-scale.md"
PART_ROWS = 32 * CHUNK_ROWS


class Generated:
    """Rows of normal values with ten classes; one row in 10,000 holds a NaN, one in 1,000 is a copy of row 0."""

    kind: Kind = "arrays"
    name = "generated"

    def __init__(self, rows: int, width: int) -> None:
        self.rows, self.width, self.row_bytes = rows, width, 4 * width

    def parts(self) -> list[Any]:
        return ranges(self.rows, PART_ROWS)

    def read(self, part: tuple[int, int]) -> Iterator[Chunk]:
        for low in range(*part, CHUNK_ROWS):
            positions = np.arange(low, min(part[1], low + CHUNK_ROWS))
            generator = np.random.default_rng(low)
            values = generator.standard_normal((len(positions), self.width), dtype=np.float32)
            values[positions % 1000 == 0] = 1.5
            values[positions % 10_000 == 17, 3] = np.nan
            yield Chunk(positions, values, positions % 10)

    def name_of(self, position: int) -> str:
        return f"row {position}"

    def place_of(self, position: int) -> Place | None:
        return None

    def finish(self, collected: Collected) -> Split:
        return split_of(self, collected)


def measure(reader: Reader, workers: int) -> dict[str, Any]:
    """CPU and elapsed time of the pass, peak memory, and what was found."""
    cpu, start = time.process_time(), time.perf_counter()
    found = collect(reader, workers)
    seconds = time.process_time() - cpu
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    summary = found.summary
    assert summary.moments is not None
    return {
        "rows": summary.rows,
        "cpu": seconds + children.ru_utime + children.ru_stime,
        "elapsed": time.perf_counter() - start,
        "peak_mib": peak_mib(),
        "nonfinite": summary.nonfinite,
        "different": round(summary.distinct.rows),
        "mean": float(summary.moments.mean[0]),
        "sampled": len(found.sample.rows()["position"]),
        "sample": int(found.sample.rows()["position"].sum()),
    }


def peak_mib() -> float:
    """Of this process alone: ``ru_maxrss`` of Linux begins with that of the process that started it."""
    status = Path("/proc/self/status")
    if status.is_file():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alone(arguments: list[str]) -> dict[str, Any]:
    """Measured in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.data_scale", "--one", *arguments], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def write_table(path: Path, rows: int) -> None:
    generator = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow([*(f"c{k}" for k in range(9)), "label"])
        for low in range(0, rows, CHUNK_ROWS):
            for values in generator.normal(size=(min(CHUNK_ROWS, rows - low), 9)).round(5).tolist():
                out.writerow([*values, "ab"[values[0] > 0]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000, 10_000_000])
    parser.add_argument("--width", type=int, default=20)
    parser.add_argument("--csv", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--one", nargs=3, metavar=("KIND", "SIZE", "WORKERS"), help="measure this, print it as JSON")
    options = parser.parse_args()
    if options.one:
        kind, size, workers = options.one
        reader = Generated(int(size), options.width) if kind == "generated" else reader_of(Path(size), "label", None)
        print(json.dumps(measure(reader, int(workers))))
        return
    lines = [
        "# What reading a data set costs",
        "",
        f"Made by `make bench-data-scale`: rows of {options.width} float32 values that are generated while they are read",
        "(their generation is counted too), and CSV files of 10 columns. CPU time of all processes, start of the library",
        "included; peak memory of the main process, of which Python with torch takes more than 200 MiB.",
        "",
        "| source | rows | workers | CPU us per row | seconds | peak MiB | sampled | non-finite | different rows |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for rows in options.rows:
        lines.append(_line("generated", 0, alone(["generated", str(rows), "0"])))
    largest = max(options.rows)
    parallel = alone(["generated", str(largest), "2"])
    lines.append(_line("generated", 2, parallel))
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.csv:
            path = Path(folder) / f"{rows}.csv"
            write_table(path, rows)
            lines.append(_line("CSV", 0, alone(["csv", str(path), "0"])))
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


def _line(source: str, workers: int, found: dict[str, Any]) -> str:
    cost = 1e6 * found["cpu"] / found["rows"]
    return (
        f"| {source} | {found['rows']:,} | {workers} | {cost:.2f} | {found['elapsed']:.1f} | {found['peak_mib']:.0f} | "
        f"{found['sampled']:,} | {found['nonfinite']:,} | {found['different']:,} |"
    )


if __name__ == "__main__":
    main()
