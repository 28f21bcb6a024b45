"""Runs the commands that the pages show, and stores what they print.

    python docs/make_outputs.py [NAME...]    outputs whose name begins so: "guide", "checks/missing-zero-grad"
    python docs/make_outputs.py --missing    those that are not there, or whose program has changed since
    python docs/make_outputs.py --fill       put the stored outputs into the pages, run nothing

The programs of the checks' pages take 10 to 60 seconds of a processor each. What is shown in the other pages stands in
``docs/scenes``: each file is a shell script that runs from top to bottom in an empty folder.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from shown import DOCS, PAGES, ROOT, Example, examples, filled, path_of, stored

from paramedic.report.model import _version as version

LONGEST = 900  # seconds for one command
MARK = re.compile(r"^# output: ([\w-]+)$")  # in a scene: what the next command prints is stored under this name


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--missing", action="store_true")
    parser.add_argument("--fill", action="store_true")
    options = parser.parse_args()
    failed: list[str] = []
    if not options.fill:
        for example in examples():
            name = f"checks/{example.check}"
            if wanted(name, options.names) and not (options.missing and is_current(name, example.digest)):
                failed += [] if check_page(name, example) else [name]
        for scene in sorted((DOCS / "scenes").glob("*.sh")):
            names = [match[1] for line in scene.read_text().splitlines() if (match := MARK.match(line))]
            current = all(is_current(name, digest_of(scene)) for name in names)
            if any(wanted(name, options.names) for name in names) and not (options.missing and current):
                play(scene)
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        page.write_text(filled(text), encoding="utf-8")
    for name in failed:
        print(f"{name}: the check says nothing", file=sys.stderr)
    return int(bool(failed))


def wanted(name: str, names: list[str]) -> bool:
    return not names or any(name.startswith(beginning) for beginning in names)


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def is_current(name: str, digest: str) -> bool:
    output = stored(name)
    return output is not None and output.made.endswith(digest)


def check_page(name: str, example: Example) -> bool:
    """The report on the faulty program; not stored if the check found nothing there."""
    with scratch() as folder:
        for path in example.faulty.parent.iterdir():  # the program and its files of data
            if path == example.faulty or path.is_file() and path.suffix not in (".py", ".json"):
                shutil.copy(path, folder)
        text = shown(example.command, folder)
    if not re.search(rf"\b{re.escape(example.check)}\b", text.partition("The 44 rows")[0].partition("\n")[2]):
        print(text, file=sys.stderr)
        return False
    write(name, text, example.digest)
    return True


def play(scene: Path) -> None:
    """Run a scene's commands in turn, in one folder; store those that have a name."""
    digest = digest_of(scene)
    with scratch() as folder:
        for name, command in commands(scene.read_text(encoding="utf-8")):
            text = shown(command, folder)
            if name:
                write(name, text, digest)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """(name or "", command): a command is a paragraph; a here-document may hold empty lines."""
    name, lines, ending = "", [], ""
    for line in [*text.splitlines(), ""]:
        if not lines and (match := MARK.match(line)):
            name = match[1]
        elif ending or line.strip():
            if not lines and not ending and line.startswith("#"):
                continue
            lines.append(line)
            if ending and line == ending:
                ending = ""
            elif not ending and (here := re.search(r"<<'?(\w+)'?", line)):
                ending = here[1]
        elif lines:
            yield name, "\n".join(lines)
            name, lines = "", []


class scratch(tempfile.TemporaryDirectory):
    """An empty folder for a command."""

    def __init__(self) -> None:
        super().__init__(prefix="paramedic-docs-")


def shown(command: str, folder: str | Path) -> str:
    """``$ command`` and what it printed, as a terminal shows it: both streams in one."""
    binaries = str(Path(sys.executable).parent)
    environment = {  # a scene that installs something says where in the file .environment
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "REPO": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
    }
    done = subprocess.run(
        ["bash", "-c", f"[ ! -f .environment ] || . ./.environment; {command}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    places = {str(folder): "~/project", str(ROOT): "~/paramedic", sys.prefix: "~/paramedic/.venv"}
    text = done.stdout
    for place, name in places.items():
        text = text.replace(place, name)
    text = "\n".join(line.rstrip() for line in text.splitlines())
    return f"$ {command}\n{text}\n"


def write(name: str, text: str, digest: str) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short=7", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    today = datetime.date.today().isoformat()
    path = path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# paramedic {version()}, commit {commit}, {today}, from {digest}\n{text}", encoding="utf-8")
    print(name, flush=True)


if __name__ == "__main__":
    sys.exit(main())
