"""How many programs there are, by row and half, and which of them follow a real case.

    python -m benchmarks.accuracy.counts [--output docs/programs.md]
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from benchmarks.programs import FRESH_SETS, Program, programs
from paramedic.catalogue import ROWS

HEAD = """# The programs

Written by `python -m benchmarks.accuracy.counts --output docs/programs.md`. A pair is a faulty program with its fixed
twin. "Calibration" may be used to set thresholds and to repair checks, "reporting" may not (`benchmarks/split.json`); "fresh",
"fresh2" to "fresh8" are programs by people who had not seen the checks, measured once before anything was
changed because of them.
"""

HALVES = ("calibration", "report", *FRESH_SETS)


def page(found: list[Program]) -> str:
    faulty = [item for item in found if item.expected]
    pairs = [item for item in faulty if item.twin.is_file()]
    healthy = [item for item in found if item.row == "healthy"]
    real = [item for item in pairs if item.expected and "source" in item.expected]
    lines = [HEAD, f"{len(pairs)} pairs, {len(healthy)} healthy programs; {len(real)} pairs follow a real case.", ""]
    alone = [item.name for item in faulty if item not in pairs]
    if alone:
        lines += [f"Without a fixed twin: {', '.join(alone)}.", ""]
    lines += ["| row | | calibration | reporting | " + " | ".join(HALVES[2:]) + " |", "|---" * (2 + len(HALVES)) + "|"]
    counts = Counter((str((item.expected or {})["reason"]), item.half) for item in pairs)
    none = []
    for row in ROWS:
        mine = [counts[row.id, half] for half in HALVES]
        if any(mine):
            lines.append(f"| {row.id} | {row.title} | {' | '.join(map(str, mine))} |")
        else:
            none.append(row.id)
    for title, group in (("pairs", pairs), ("healthy", healthy)):
        sums = [str(sum(item.half == half for item in group)) for half in HALVES]
        lines.append(f"| {title} | | {' | '.join(sums)} |")
    lines += ["", f"Rows without a pair of their own: {', '.join(none) or 'none'}.", ""]
    lines += ["## Real cases", "", "| program | confirmed cause | address |", "|---|---|---|"]
    for item in real:
        assert item.expected is not None
        cause = item.expected.get("cause") or str(item.expected["check"]).replace("-", " ")
        lines.append(f"| {item.name} | {item.expected['reason']}: {cause} | {item.expected['source']} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    text = page(list(programs()))
    print(text)
    if options.output:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
