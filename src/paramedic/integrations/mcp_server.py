"""The Model Context Protocol server: paramedic for coding agents, within one folder and a bounded time.

Every tool runs the command in a process of its own, so that an agent gets what a person would get, and a program that
crashes or hangs takes nothing with it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from paramedic.config import ConfigError, load

LONGEST = 1800.0  # seconds that one call may take, whatever the agent asks for
DEFAULT_TIME = 600.0
QUICK = 120.0  # for what runs no program
KEPT = 4000  # characters of the program's own output that are given back
INSTRUCTIONS = (
    "Finds out why a PyTorch training program does not work. Call run on the training script, unmodified; read "
    "findings[0] (the main cause: summary, where, remedy.patch); explain says what a check means; fix with verify=true "
    "tries the patch on a copy."
)


class Folder:
    """The folder that the server works in. longest: seconds for one call."""

    def __init__(self, root: Path, longest: float = LONGEST) -> None:
        self.root, self.longest = root.resolve(), longest

    def script(self, name: str) -> str:
        """The script relative to the folder; ToolError if it lies elsewhere or is none."""
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root):
            raise ToolError(f"{name} lies outside of {self.root}")
        if not path.is_file():
            raise ToolError(f"no such file: {name}")
        return str(path.relative_to(self.root))

    def name(self, run: str | None) -> list[str]:
        """A run's name as an argument: never a path, never an option."""
        if run is None:
            return []
        if "/" in run or "\\" in run or run.startswith(("-", ".")):
            raise ToolError(f"not the name of a run: {run}")
        return [run]

    def runnable(self, run: str | None) -> list[str]:
        """The name of a run whose program lies in the folder; ToolError for others, for they would be run elsewhere."""
        from paramedic.cli import folders

        name = self.name(run)
        try:
            base = self.root / load(self.root).dir
            info = folders.open_run(folders.find(run, base)).info
        except (ConfigError, click.UsageError) as error:
            raise ToolError(error.message if isinstance(error, click.UsageError) else str(error)) from None
        cwd = (self.root / str(info.get("cwd", "."))).resolve()
        script = (cwd / str(info.get("script") or ".")).resolve()
        if not (cwd.is_relative_to(self.root) and script.is_relative_to(self.root)):
            raise ToolError(f"the program of that run lies outside of {self.root}")
        return name

    def command(self, *arguments: str, seconds: float = QUICK) -> subprocess.CompletedProcess[str]:
        """``paramedic ...`` in the folder; ToolError after the time limit, and then everything it started is ended."""
        command = [sys.executable, "-P", "-c", "from paramedic.cli.main import main; main()", *arguments]
        limit = min(seconds, self.longest)
        process = subprocess.Popen(
            command, cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            _end(process)
            raise ToolError(
                f"ended after {limit:.0f} s: run it with steps=200, or give it more time (at most {self.longest:.0f} s)"
            ) from None
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def json(self, *arguments: str, seconds: float = QUICK) -> Any:
        """What the command prints as JSON; its error line as ToolError."""
        done = self.command(*arguments, seconds=seconds)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise ToolError(_last_line(done.stderr) or f"exit code {done.returncode}") from None


def _end(process: subprocess.Popen[str]) -> None:
    if os.name == "posix":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    else:
        process.kill()
    process.wait()


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].removeprefix("paramedic: ")[:600] if lines else ""


def server(root: Path, longest: float = LONGEST) -> MCPServer[Any]:
    """The server with its tools."""
    folder = Folder(root, longest)
    found: MCPServer[Any] = MCPServer("paramedic", instructions=INSTRUCTIONS)

    @found.tool()
    def run(
        script: str, arguments: list[str] | None = None, steps: int | None = None, budget: float = 60.0,
        seconds: float = DEFAULT_TIME,
    ) -> dict[str, Any]:  # fmt: skip
        """Run a training script unmodified under observation and find out why it does not work.

        script: path inside the folder. arguments: its own command line. steps: end it after this many optimizer steps
        (200 is a good check-up). budget: seconds of experiments after it. seconds: limit for the whole call.
        Returns the report (schema paramedic/1; findings are ranked, the first is the main cause) and the last lines of
        the program's output.
        """
        name = folder.script(script)
        with tempfile.TemporaryDirectory() as place:
            output = Path(place) / "report.json"
            options = ["--format", "json", "--output", str(output), "--budget", str(max(0.0, budget))]
            options += ["--steps", str(steps)] if steps is not None else []
            done = folder.command("run", *options, "--", name, *(arguments or []), seconds=seconds)
            if not output.is_file():
                raise ToolError(_last_line(done.stderr) or f"exit code {done.returncode}")
            report = json.loads(output.read_text(encoding="utf-8"))
        return {"report": report, "exit_code": done.returncode, "output": done.stdout.partition("\nCause: ")[0][-KEPT:]}

    @found.tool()
    def report(run: str | None = None) -> dict[str, Any]:
        """The stored report of a run by its name or a part of it; of the latest if none is named."""
        return dict(folder.json("report", *folder.name(run), "--format", "json"))

    @found.tool()
    def runs() -> list[dict[str, Any]]:
        """The stored runs of the folder with their verdicts, the latest last."""
        return list(folder.json("runs", "--format", "json"))

    @found.tool()
    def explain(name: str) -> dict[str, Any]:
        """What a row (R19) or a check (softmax-before-cross-entropy) means, what it measures, and how to mend it."""
        if name.startswith("-"):
            raise ToolError(f"no row or check is called {name!r}")
        return dict(folder.json("explain", name, "--format", "json"))

    @found.tool()
    def checks() -> list[dict[str, Any]]:
        """All checks: row, name, what each needs and costs."""
        return list(folder.json("checks", "--format", "json"))

    @found.tool()
    def fix(run: str | None = None, verify: bool = False, seconds: float = DEFAULT_TIME) -> dict[str, Any]:
        """The patches (unified diffs) for what was found in a run. Writes nothing to the program's files.

        verify: run the original and the patched program, each in a copy of the folder, and compare how far they get.
        """
        options = ["--format", "json", *(["--verify"] if verify else [])]
        name = folder.runnable(run) if verify else folder.name(run)
        return dict(folder.json("fix", *options, *name, seconds=seconds))

    @found.tool()
    def replay(run: str, experiment: str | None = None, seconds: float = DEFAULT_TIME) -> dict[str, Any]:
        """List the experiments of a run, or repeat one of them by its name: the program runs again, with two replays.

        The two replays have the same batches and random numbers, and one thing changed: "base" and "variant" are their
        losses, "before" and "after" their progress u (1 = knows nothing, 0 = perfect). seconds: limit for the call.
        """
        if experiment is None:
            return dict(folder.json("replay", *folder.name(run), "--format", "json"))
        if experiment.startswith("-"):
            raise ToolError(f"not the name of an experiment: {experiment}")
        return dict(folder.json("replay", "--format", "json", *folder.runnable(run), experiment, seconds=seconds))

    return found
