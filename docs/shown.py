"""What the pages show: the pair of programs of each check, stored outputs, and the places in pages where they stand."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from paramedic.checks.registry import Description, descriptions

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
OUTPUTS = DOCS / "outputs"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md"]
BUDGET = 20  # seconds of experiments for the page of a check
BUDGETS = {"badly-scaled-initialization": 60}  # of checks whose proof is a long replay: 20 s end it before the network learns
DATA_ALONE = {"rows", "data", "validation rows"}  # a check that needs no more runs on a data set without a network

COMMAND = "# $ "  # the first line of a program that is shown by another command

# Checks whose fault is shown on a program that was written for another one.
SHOWN_ON = {
    "batchnorm-tiny-batch": "programs/R32/batchnorm_batch_of_one/faulty.py",
    "cannot-overfit-tiny-set": "programs/R24/network_too_small/faulty.py",
    "fails-on-solvable-data": "programs/R24/network_too_small/faulty.py",
    "learns-without-regularization": "programs/R30/too_much_regularization/faulty.py",
    "simple-model-learns": "programs/R24/network_too_small/faulty.py",
    "stopped-too-early": "programs/R31/stopped_too_early/faulty_one_epoch.py",
}


@dataclass(frozen=True)
class Example:
    """A faulty program, its fixed twin, and what to type to see the fault."""

    check: str
    faulty: Path
    fixed: Path
    command: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.faulty.read_bytes()).hexdigest()[:12]


def example_of(check: Description) -> Example | None:
    """The first pair of the check's own folder, of any folder that names it, or of ``docs/examples``."""
    own = DOCS / "examples" / check.name / "faulty.py"
    if own.is_file():
        faulty = own
    elif check.name in SHOWN_ON:
        faulty = ROOT / SHOWN_ON[check.name]
    else:
        named = [path for path, entry in _expected() if entry["check"] == check.name]
        if not named:
            return None
        folder = check.name.replace("-", "_")
        faulty = min(named, key=lambda path: (path.parent.name != folder, path.name != "faulty.py", path))
    if (first := faulty.read_text(encoding="utf-8").partition("\n")[0]).startswith(COMMAND):
        return Example(check.name, faulty, _twin(faulty), first.removeprefix(COMMAND))
    alone = faulty == own and set(check.needs) <= DATA_ALONE
    if (ranks := dict(_expected()).get(faulty, {}).get("ranks", 1)) > 1:
        start = f"-m torch.distributed.run --nproc-per-node {ranks} {faulty.name}"
        return Example(check.name, faulty, _twin(faulty), f"paramedic run --select {check.name} {start}")
    rest = f"--select {check.name} {faulty.stem + ':data' if alone else faulty.name}"
    command = f"paramedic data {rest}" if alone else f"paramedic run --budget {BUDGETS.get(check.name, BUDGET)} {rest}"
    return Example(check.name, faulty, _twin(faulty), command)


def _twin(faulty: Path) -> Path:
    return faulty.with_name(faulty.name.replace("faulty", "fixed", 1))


def examples() -> list[Example]:
    return [example for check in descriptions() if (example := example_of(check))]


def _expected() -> list[tuple[Path, dict]]:
    tables = sorted((ROOT / "programs").glob("*/*/expect.json"))
    return [
        (table.parent / name, entry)
        for table in tables
        for name, entry in sorted(json.loads(table.read_text(encoding="utf-8")).items())
    ]


@dataclass(frozen=True)
class Stored:
    """An output as a command made it. ``made``: version, commit, date and what it was made of."""

    made: str
    text: str

    @property
    def command(self) -> str:
        return self.text.partition("\n")[0].removeprefix("$ ")

    def part(self, start: str = "", end: str = "") -> str:
        """From the first line that matches ``start`` to before the next that matches ``end``; cuts are marked."""
        lines = self.text.rstrip("\n").split("\n")
        first = next((n for n, line in enumerate(lines) if re.search(start, line)), None) if start else 0
        if first is None:
            raise ValueError(f"no line of the output matches {start!r}")
        last = next((n for n in range(first + 1, len(lines)) if re.search(end, lines[n])), None) if end else len(lines)
        if last is None:
            raise ValueError(f"no line of the output matches {end!r}")
        kept = lines[first:last]
        while kept and not kept[-1].strip():
            kept.pop()
        return "\n".join([*(["..."] if first else []), *kept, *(["..."] if last < len(lines) else [])])


def path_of(name: str) -> Path:
    return OUTPUTS / f"{name}.txt"


def stored(name: str) -> Stored | None:
    """An output by its name ("guide-run", "checks/missing-zero-grad")."""
    path = path_of(name)
    if not path.is_file():
        return None
    made, _, text = path.read_text(encoding="utf-8").partition("\n")
    return Stored(made.removeprefix("# "), text)


# What stands in the fenced block after one of these comes from a stored output, or from a file of the repository:
# <!-- output: NAME; from: REGEX; to: REGEX -->     <!-- file: PATH; from: REGEX; to: REGEX -->
PLACE = re.compile(
    r"(?P<mark>^<!-- (?P<kind>output|file): (?P<name>[^;\s]+)(?:; from: (?P<start>.+?))?(?:; to: (?P<end>.+?))? -->\n"
    r"\n?```\w*\n)(?P<text>.*?)(?P<close>^```$)",
    re.MULTILINE | re.DOTALL,
)


def filled(page: str) -> str:
    """The page with outputs and files in their places."""

    def fill(match: re.Match[str]) -> str:
        source = stored(match["name"]) if match["kind"] == "output" else Stored("", _file(match["name"]))
        if source is None:
            raise ValueError(f"no output is called {match['name']}: python docs/make_outputs.py {match['name']}")
        return f"{match['mark']}{source.part(match['start'] or '', match['end'] or '')}\n{match['close']}"

    return PLACE.sub(fill, page)


def _file(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")
