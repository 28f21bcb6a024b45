"""``paramedic view``: the report's page in a browser, also while the program runs.

A process of its own reads the stored trace: a slow browser costs the program nothing. It serves this machine alone
(127.0.0.1), answers two addresses below a path that nobody can guess, and writes nothing.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paramedic.cli.completion import runs
from paramedic.config import ConfigError, load

if TYPE_CHECKING:
    from paramedic.cli.folders import Run
    from paramedic.trace.growing import GrowingTrace

HOST = "127.0.0.1"
GRACE = 5.0  # seconds that a browser has to fetch the last page after the run it was started for has ended


@click.command()
@click.argument("run", required=False, shell_complete=runs)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Any free one if not given.")
@click.option("--no-browser", is_flag=True, help="Print the address only.")
@click.option("--until-examined", is_flag=True, hidden=True, help="End when the run has its report.")
@click.option(
    "--dir", "dir_", type=click.Path(path_type=Path), help="Where the run folders are [.paramedic]."
)
def command(run: str | None, port: int, no_browser: bool, until_examined: bool, dir_: Path | None) -> None:
    """Show a run's page (the latest if none is named); it follows a program that still runs. Ctrl-C ends it."""
    from paramedic.cli import folders

    try:
        base = dir_ or load(Path.cwd()).dir
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    folder = folders.find(run, base)
    folders.open_run(folder).trace.close()  # a foreign or damaged trace is named before anything is served
    try:
        server = serve(folder, port)
    except OSError as error:
        raise click.UsageError(f"cannot serve on port {port}: {error.strerror}") from error
    click.echo(f"paramedic: {server.address}", err=True)
    if not no_browser:
        webbrowser.open(server.address)
    if until_examined:
        threading.Thread(target=_end_with_run, args=(server, folder), daemon=True).start()
    try:
        server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


class Server(ThreadingHTTPServer):
    """Serves one run; ``address`` is the page's."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int) -> None:
        self.follower = Follower(folder)
        self.secret = secrets.token_urlsafe(12)
        super().__init__((HOST, port), Handler)

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_port}/{self.secret}/"


def serve(folder: Path, port: int = 0) -> Server:
    """A server that listens; its ``serve_forever`` answers."""
    return Server(folder, port)


class Handler(BaseHTTPRequestHandler):
    """The page, and its news as JSON; everything else is not found."""

    server: Server

    def do_GET(self) -> None:  # noqa: N802  (the name that http.server asks for)
        path, _, known = self.path.partition("?")
        follower = self.server.follower
        pages = {
            f"/{self.server.secret}/": (lambda: _patient(follower.page), "text/html; charset=utf-8"),
            f"/{self.server.secret}/data.json": (lambda: _news(follower, known), "application/json"),
        }
        own = f"{HOST}:{self.server.server_port}"
        if path not in pages or self.headers.get("Host") != own:  # another name for this machine: a rebinding attack
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        make, kind = pages[path]
        try:
            body = make().encode("utf-8")
        except Exception as error:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, type(error).__name__)
            return
        self.send_response(HTTPStatus.OK)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ):
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the browser went away

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: the terminal is the program's."""


TRIES, PAUSE = 5, 0.2  # seconds between two


def _patient(make: Callable[[], str]) -> str:
    """The file may be in the middle of a change, or locked: another try finds it whole."""
    for _ in range(TRIES - 1):
        try:
            return make()
        except Exception:
            time.sleep(PAUSE)
    return make()


def _news(follower: Follower, known: str) -> str:
    """Nothing new where the file cannot be read now: the page asks again soon."""
    try:
        return follower.news(known)
    except Exception:
        return json.dumps({"done": False, "version": known})


class Follower:
    """A run as its page shows it. One reader for all requests: what was read once is not read again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._trace: GrowingTrace | None = None

    def page(self) -> str:
        """The report's page, or the live one as long as there is no report."""
        from paramedic.cli import unexamined
        from paramedic.report.html import render

        with self._open() as stored:
            if stored.report is not None:
                return render(stored.report, stored.context())
            running = replace(stored, trace=self._growing(stored))
            ended = "It is being examined" if running.trace.meta("ended") else "It will be examined when it has ended"
            report = unexamined.report_of(running, ended)
            program = {key: value for key, value in report.program.items() if key != "crashed"}
            return render(replace(report, program=program), running.context(), live=True)

    def news(self, known: str) -> str:
        """What the live page asks for, as JSON; ``known`` is the version that it has."""
        from paramedic.report.charts import charts
        from paramedic.report.distributions import distributions
        from paramedic.report.html import script_json

        with self._open() as stored:
            if stored.report is not None:
                return json.dumps({"done": True})
            trace = self._growing(stored)
            ended = trace.meta("ended") is not None
            found = _certain(stored.folder)
            histograms = trace.histogram_count()
            version = f"{trace.version}-{len(found)}-{ended:d}-{histograms}"
            if version == known:
                return json.dumps({"done": False, "version": version})
            numbers = charts(trace)
            if histograms and not known.endswith(f"-{histograms}"):  # large, and new ones are seldom
                numbers["distributions"] = distributions(trace, {})
            last = numbers.get("last", -1)
            progress = f"{last + 1} optimizer steps" if last >= 0 else "Waiting for the first step"
            progress += ", being examined" if ended else ""
            news = {**numbers, "findings": _alarms(numbers, found), "progress": progress}
            return script_json({"done": False, "version": version, "news": news})

    @contextmanager
    def _open(self) -> Iterator[Run]:
        from paramedic.cli import folders

        with self._lock:
            stored = folders.open_run(self.folder)
            try:
                yield stored
            finally:
                stored.trace.close()

    def _growing(self, stored: Run) -> GrowingTrace:
        """The reader of the run's trace, which may go on elsewhere (a full disk)."""
        from paramedic.trace.growing import GrowingTrace

        if self._trace is None or self._trace.path != stored.trace.path:
            self._trace = GrowingTrace(stored.trace.path)
        self._trace.look()
        return self._trace


def _certain(folder: Path) -> list[dict[str, str]]:
    """What a copy of the program has found so far."""
    from paramedic.report.context import sentence
    from paramedic.trace.store import FINDINGS

    try:
        found = json.loads((folder / FINDINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [{**item, "level": "fault", "remedy": sentence(item["remedy"])} for item in found]


def _alarms(numbers: dict[str, Any], found: list[dict[str, str]]) -> list[dict[str, str]]:
    """What is certain while the program runs: what a copy of it found, and what the trace alone says."""
    if any(item["check"] == "non-finite-origin" for item in found):
        return found
    bad = next((mark for mark in numbers.get("marks", ()) if mark["kind"] == "bad"), None)
    if bad is None:
        return found
    return [
        *found,
        {
            "claim": "The loss is not finite",
            "level": "fault",
            "place": f"since step {bad['step']}",
            "summary": "A loss of NaN or infinity does not recover: all steps from here on are lost.",
            "remedy": "Stop the program; its examination names the operation where it began.",
        }
    ]


def _end_with_run(server: Server, folder: Path) -> None:
    """Stop serving some seconds after the run got its report, so that an open page can fetch it."""
    from paramedic.cli import folders

    while True:
        time.sleep(0.5)
        try:
            stored = folders.open_run(folder)
            examined = stored.report is not None
            stored.trace.close()
        except Exception:
            examined = not folder.exists()
        if examined:
            time.sleep(GRACE)
            server.shutdown()
            return
