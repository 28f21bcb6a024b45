"""Programs of ``programs/`` on a GPU: whether they are unharmed there, and diagnosed as on a processor.

    python -m benchmarks.gpu [--only R19 healthy] [--sample 60] [--jobs 16] [--budget 15] [--raw FILE]

Programs that ask for ``torch.cuda.is_available()`` run as they are. The others are written for a processor, and are put
on the GPU line for line: what makes a tensor makes it there, and networks are moved there (those of Lightning and
Transformers go there by themselves). Programs that do not run like that without paramedic are left out, and named.
Everything else is as in ``benchmarks.kinds`` and ``benchmarks.accuracy``: alone and observed under tests/weigh.py, and
scored by ``expect.json``.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.accuracy import score
from benchmarks.accuracy.intervals import share
from benchmarks.programs import ROOT, Program, chosen, programs

SEED = 20261126
TIMEOUT = 300.0
MAKERS = "tensor as_tensor from_numpy zeros ones full empty eye rand randn randint randperm arange linspace".split()
ON_GPU = (
    "; _on_gpu = lambda make: lambda *a, **k: make(*a, **k).to('cuda') if make is torch.from_numpy or"
    " 'generator' in k or 'device' in k else make(*a, **{**k, 'device': 'cuda'})"
)
SAME_EVERY_TIME = {"CUBLAS_WORKSPACE_CONFIG": ":4096:8", "OMP_NUM_THREADS": "1"}


def on_gpu(text: str) -> str:
    """The program with its tensors and networks on the GPU; every line stays where it was.

    Raises ValueError for a program without ``import torch`` at its top.
    """
    if "cuda.is_available()" in text:
        return text
    if not re.search(r"^import torch$", text, re.MULTILINE):
        raise ValueError("no line 'import torch'")
    lines = text.splitlines(keepends=True)
    for line, column in sorted(_ends_of_networks(ast.parse(text)), reverse=True):
        raw = lines[line - 1].encode()
        lines[line - 1] = (raw[:column] + b".to('cuda')" + raw[column:]).decode()
    text = re.sub(rf"\btorch\.({'|'.join(MAKERS)})\(", r"_on_gpu(torch.\1)(", "".join(lines))
    text = text.replace(".numpy()", ".cpu().numpy()")
    return re.sub(r"^import torch$", f"import torch{ON_GPU}", text, count=1, flags=re.MULTILINE)


def _ends_of_networks(tree: ast.Module) -> list[tuple[int, int]]:
    """Line and column behind every call that makes a network and stands alone at the right of ``name = ``."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and "Module" in _bases(node)}
    inside = {id(item) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for item in ast.walk(node)}
    ends = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call) or id(node) in inside:
            continue
        made = ast.unparse(node.value.func)
        if isinstance(node.targets[0], ast.Name) and (made in own or re.fullmatch(r"nn\.[A-Z]\w+", made)):
            if made != "nn.Parameter":
                ends.append((node.value.end_lineno or 0, node.value.end_col_offset or 0))
    return ends


def _bases(node: ast.ClassDef) -> str:
    return " ".join(ast.unparse(base) for base in node.bases)


def examined(program: Program, budget: float) -> dict[str, Any]:
    """One program on the GPU, alone and observed; ``left_out`` says why it does not run there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / program.path.name
        try:
            script.write_text(on_gpu(program.path.read_text(encoding="utf-8")), encoding="utf-8")
        except ValueError as error:
            return {"left_out": str(error)}
        options: dict[str, Any] = {
            "cwd": folder, "capture_output": True, "text": True, "timeout": TIMEOUT, "stdin": subprocess.DEVNULL,
            "env": {**os.environ, **SAME_EVERY_TIME, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"},
        }  # fmt: skip
        weighed = [str(ROOT / "tests" / "weigh.py"), str(script)]
        alone = subprocess.run([sys.executable, *weighed], **options)
        if alone.returncode and program.expected is None:
            return {"left_out": (alone.stderr.strip().splitlines() or ["no output"])[-1]}
        output = folder / "report.json"
        command = [
            sys.executable, "-m", "paramedic", "run", "--dir", str(folder / "runs"), "--budget", str(budget),
            "--fail-on", "never", "--format", "json", "--output", str(output), *weighed,
        ]  # fmt: skip
        seen = subprocess.run(command, **options)
        if not output.is_file():
            return {"failed": (seen.stderr.strip().splitlines() or ["no report"])[-1]}
        report = json.loads(output.read_text(encoding="utf-8"))
        result = score(program, report)
        lines, rest = alone.stdout.splitlines(), (seen.stdout + seen.stderr).splitlines()
        lost = [line for line in lines if line not in rest]
        if lost:  # sums in another order each time: nobody can ask more of paramedic than of a second run alone
            again = set(subprocess.run([sys.executable, *weighed], **options).stdout.splitlines())
            lost = [line for line in lost if line in again]
        return {
            "crashed": alone.stderr.strip().splitlines()[-1:] if alone.returncode else [],
            "weighed": any(line.startswith("at exit") for line in lines),
            "lost": lost,
            "expected": program.expected["reason"] if program.expected else None,
            "alarms": list(result.alarms),
            "first": result.first,
            "line": result.line,
            "steps": report["program"]["steps"],
            "overhead": report["cost"].get("overhead"),
            "report": report,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="rows, faults or parts of names")
    parser.add_argument("--half", help="only these (see benchmarks/split.json)")
    parser.add_argument("--sample", type=int, help="so many of them, drawn at random")
    parser.add_argument("--skip", type=int, default=0, help="so many of the random order before these")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--budget", type=float, default=15.0)
    parser.add_argument("--raw", type=Path, help="one line of JSON per program, with its report")
    options = parser.parse_args()
    wanted = [item for item in programs() if chosen(item, options.only) and item.ranks == 1 and not item.missing]
    wanted = [item for item in wanted if options.half in (None, item.half)]
    random.Random(SEED).shuffle(wanted)
    wanted = wanted[options.skip :][: options.sample]
    results: list[tuple[Program, dict[str, Any]]] = []

    def one(program: Program) -> None:
        try:
            found = examined(program, options.budget)
        except subprocess.TimeoutExpired:
            found = {"failed": f"more than {TIMEOUT:.0f} s"}
        results.append((program, found))
        report = found.pop("report", {})
        if options.raw:
            with options.raw.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"program": program.name, **found, "report": report}) + "\n")
        shown = {key: value for key, value in found.items() if value not in ([], None)}
        print(program.name, json.dumps(shown), flush=True)

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(one, wanted))
    print(summary(results))


def summary(results: list[tuple[Program, dict[str, Any]]]) -> str:
    """Shares with Wilson's 95 % intervals."""
    ran = [(program, found) for program, found in results if "alarms" in found]
    faulty = [found for program, found in ran if program.expected]
    sound = [found for program, found in ran if not program.expected]
    lines = [
        f"{len(results)} programs, {len(ran)} ran on the GPU",
        f"unharmed: {share(sum(not found['lost'] for _, found in ran), len(ran))}",
        f"right row first: {share(sum(found['first'] for found in faulty), len(faulty))}",
        f"right line: {share(sum(found['line'] for found in faulty), len(faulty))}",
        f"alarm on a sound program: {share(sum(bool(found['alarms']) for found in sound), len(sound))}",
        f"no report: {[program.name for program, found in results if 'failed' in found]}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
