"""The whole path: a program runs as it would alone, and its end is told as it was."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import SOURCES, Command, one_line

PROGRAM = """
import os, signal, sys, time
import torch
torch.manual_seed(0)
net = torch.nn.Linear(4, 3)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
how = sys.argv[1] if len(sys.argv) > 1 else ""
for step in range(40):
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(net(torch.randn(8, 4)), torch.randint(0, 3, (8,)))
    loss.backward()
    optimizer.step()
    if step == 29:
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "_exit":
            os._exit(7)
        if how == "crash":
            raise RuntimeError("bad \\x1b[31m thing")
        if how == "exit":
            sys.exit(3)
        if how == "wait":
            print("waiting", flush=True)
            time.sleep(60)
print("loss", loss.item(), sys.argv, __name__, flush=True)
"""
QUICK = ("--no-experiments", "--select", "A1", "--fail-on", "never")  # how a run goes, not what is found


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(PROGRAM)
    return path


def test_a_run_prints_what_the_program_prints_and_then_the_report(command: Command, program: Path) -> None:
    alone = subprocess.run(
        [sys.executable, "train.py", "--x", "-m"],
        cwd=program.parent,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    result = command("run", *QUICK, "train.py", "--x", "-m")
    assert alone.stdout.startswith("loss") and result.stdout.startswith(alone.stdout)
    assert "The 44 rows:" in result.stdout and result.stderr == "" and result.returncode == 0
    run = next((program.parent / ".paramedic").glob("2*-train-*"))
    assert (run / "report.html").read_text().startswith("<!doctype html>")
    assert (program.parent / ".paramedic" / ".gitignore").read_text() == "*\n"


def test_json_stands_alone_on_stdout(command: Command, program: Path) -> None:
    result = command("run", *QUICK, "--format", "json", "--steps", "5", "train.py")
    report = json.loads(result.stdout)
    assert report["program"]["steps"] == 5 and report["program"]["argv"] == ["train.py"]
    assert len(report["reasons"]) == 44


@pytest.mark.parametrize("before", ["import importlib.util; importlib.util.find_spec('torch')", "import transformers"])
def test_a_library_that_asks_whether_torch_is_there(command: Command, program: Path, before: str) -> None:
    program.write_text(f"{before}\n{PROGRAM}")  # it looks for torch's spec before anybody imports torch
    result = command("run", *QUICK, "--format", "json", "--steps", "5", "train.py")
    assert json.loads(result.stdout)["program"]["steps"] == 5


def test_output_file_beside_the_text(command: Command, program: Path) -> None:
    result = command("run", *QUICK, "--format", "junit", "--output", "j.xml", "train.py")
    assert "The 44 rows:" in result.stdout and "<testsuites>" in (program.parent / "j.xml").read_text()


def test_module(command: Command, program: Path) -> None:
    result = command("run", *QUICK, "-m", "train", "--steps", "3")
    assert "--steps" in result.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("kill", "The program was killed by SIGKILL: "),
        ("_exit", "The program left Python with exit code 7, as os._exit does: "),
        ("crash", "The program crashed after step 30 at train.py:19: RuntimeError: bad \\x1b[31m"),
        ("exit", "The program ended itself after step 30 with exit code 3"),
    ],
)
def test_how_a_program_ends(command: Command, program: Path, how: str, said: str) -> None:
    result = command("run", "--no-experiments", "--select", "A1", "train.py", how)
    assert result.returncode == 1 and said in result.stdout
    assert command("report").stdout.splitlines()[-1:] == result.stdout.splitlines()[-1:]


def test_a_program_without_torch(command: Command, tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("print('hello')\n")
    result = command("run", "plain.py")
    assert result.stdout == "hello\n" and result.returncode == 2
    said = "paramedic: The program ended without an optimizer step; the program never imported torch\n"
    assert result.stderr == said


def test_a_program_that_trains_nothing(command: Command, tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("import torch\nprint(torch.nn.Linear(2, 1)(torch.ones(3, 2)).shape)\n")
    result = command("run", "plain.py")
    assert result.stdout == "torch.Size([3, 1])\n" and result.returncode == 2
    assert result.stderr.count("\n") == 1 and "no training to observe" in result.stderr


def test_the_traceback_of_a_crash_is_the_one_that_python_prints(command: Command, tmp_path: Path) -> None:
    (tmp_path / "crash.py").write_text(
        "import torch\nfrom torch.nn import functional as F\nw = torch.zeros(4, 3, requires_grad=True)\n"
        "for i in range(3):\n    try:\n        F.cross_entropy(torch.ones(2, 4) @ w, torch.zeros(2 + i)).backward()\n"
        "    except IndexError:\n        pass\n"
    )
    alone = subprocess.run([sys.executable, "crash.py"], cwd=tmp_path, capture_output=True, text=True)
    result = command("run", *QUICK, "crash.py")
    assert "RuntimeError" in alone.stderr and "paramedic" not in result.stderr
    assert result.stderr == alone.stderr


def test_files_that_are_called_like_the_standard_library(command: Command, program: Path) -> None:
    for name in ("nt", "json", "sqlite3", "platform"):
        (program.parent / f"{name}.py").write_text(f"raise SystemExit('{name} of the user was imported')\n")
    inner = program.parent / "inner"
    inner.mkdir()
    program.rename(inner / "train.py")
    result = command("run", *QUICK, "inner/train.py")
    assert "The 44 rows:" in result.stdout, result


def test_unwritable_run_folder(command: Command, program: Path) -> None:
    (program.parent / ".paramedic").write_text("a file")
    result = command("run", *QUICK, "train.py")
    assert (
        result.stderr.startswith("paramedic: cannot write .paramedic")
        and len(result.stderr.splitlines()) == 1
    )
    assert "The 44 rows:" in result.stdout


def test_ctrl_c_reaches_the_program_once_and_the_report_still_comes(program: Path) -> None:
    parent, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "paramedic", "run", *QUICK, "train.py", "wait"],
        cwd=program.parent,
        env={**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1", "NO_COLOR": "1"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        preexec_fn=_own_terminal,
    )
    os.close(terminal)
    output, deadline = b"", time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            part = os.read(parent, 4096)
        except OSError:
            break
        if not part:
            break
        output += part
        if b"waiting" in output and b"^C" not in output and b"KeyboardInterrupt" not in output:
            os.write(parent, b"\x03")
    process.wait(30)
    os.close(parent)
    text = output.decode()
    assert text.count("KeyboardInterrupt") == 1, text
    assert "The program was interrupted after step 30" in text and "The 44 rows:" in text


def _own_terminal() -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    _default_signals()


def test_terminating_the_command_terminates_the_program(program: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "paramedic", "run", *QUICK, "train.py", "wait"],
        cwd=program.parent,
        env={**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None and process.stdout.readline() == b"waiting\n"
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and b"The program was killed by SIGTERM" in output


ENDLESS = """
import time
import torch
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3), torch.nn.Softmax(1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(100_000):
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(net(torch.randn(16, 4)), torch.randint(0, 3, (16,)))IGNORED
    loss.backward()
    optimizer.step()
    if step == LAST:
        break
    time.sleep(0.01)
    print(step, loss.item(), flush=True)
print("its own end", float(net[0].weight.detach().sum()))
"""
FAULT = ("--no-experiments", "--select", "softmax-before-cross-entropy")


def test_fail_fast_ends_the_program_at_the_first_certain_fault(command: Command, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(ENDLESS.replace("IGNORED", "").replace("LAST", "99_999"))
    result = command("run", "--fail-fast", *FAULT, "train.py")
    said, _, report = result.stdout.partition("Wrong ")
    steps = [int(line.split()[0]) for line in said.splitlines()]
    assert result.returncode == 1 and steps == list(range(len(steps))) and 8 <= len(steps) < 20_000
    assert result.stderr == (
        "paramedic: certain after 8 steps: Cross-entropy receives probabilities where it expects logits: "
        "train.py:5 (net.3); --fail-fast ends the program\n"
    )
    ended = f"by --fail-fast after step {len(steps) + 1}, before the program's own end"
    assert "train.py:5 (net.3)" in report and ended in " ".join(report.split())
    document = command("report", "--format", "json").stdout
    assert json.loads(document)["program"]["ended"] == "fault-found"


def test_a_program_that_is_looked_at_computes_what_it_computes_alone(command: Command, tmp_path: Path) -> None:
    """The fault is ignored, so that --fail-fast looks but does not end it."""
    ignored = "  # paramedic: ignore"
    text = ENDLESS.replace("torch.nn.Softmax(1))", f"torch.nn.Softmax(1)){ignored}").replace("IGNORED", ignored)
    (tmp_path / "train.py").write_text(text.replace("LAST", "300").replace("time.sleep(0.01)", "time.sleep(0.03)"))
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    alone = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True, env=env)
    result = command("run", "--fail-fast", *FAULT, "train.py")
    assert alone.stdout.splitlines()[-1].startswith("its own end") and result.stdout.startswith(alone.stdout)
    assert result.stderr == "" and result.returncode == 0


NO_STEP = """\
import time, torch
model = torch.nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(LAST):
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(model(torch.randn(8, 4)), torch.randint(3, (8,)))
    loss.backward()
    if CONDITION:
        optimizer.step()
    print(step, flush=True)
    time.sleep(0.005)
print("its own end")
"""


def test_fail_fast_and_steps_end_a_program_that_never_makes_a_step(command: Command, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(NO_STEP.replace("LAST", "99_999").replace("CONDITION", "False"))
    select = ("--no-experiments", "--select", "missing-step", "train.py")
    result = command("run", "--fail-fast", *select)
    assert result.returncode == 1 and "its own end" not in result.stdout
    assert re.match(r"paramedic: certain after \d+ backward calls: .* never makes a step", result.stderr)
    ended = command("run", "--steps", "30", *select)
    assert ended.returncode == 1 and "\n29\n" in ended.stdout and "\n31\n" not in ended.stdout


def test_a_first_step_that_comes_late_is_no_missing_step(command: Command, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(NO_STEP.replace("LAST", "160").replace("CONDITION", "step >= 60"))
    result = command("run", "--fail-fast", "--no-experiments", "--select", "missing-step", "train.py")
    assert "its own end" in result.stdout


def test_fail_fast_is_not_for_several_processes(command: Command, tmp_path: Path) -> None:
    said = one_line(command("run", "--fail-fast", "-m", "torch.distributed.run", "train.py"))
    assert said == "--fail-fast cannot end a program of several processes; --steps N can"


def _default_signals() -> None:
    """The tests themselves may run under nohup, or in the background of a shell, which ignores interrupts for them."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def _started(program: Path) -> tuple[subprocess.Popen[bytes], int]:
    """The command on ENDLESS, and the number of the process that trains; both run."""
    script = program.parent / "endless.py"
    text = ENDLESS.replace("import time", "import os, time").replace("IGNORED", "").replace("LAST", "99_999")
    text = text.replace("print(step, loss.item(), flush=True)", "print(os.getpid(), flush=True) if step == 20 else None")
    script.write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "paramedic", "run", *QUICK, "endless.py"],
        cwd=program.parent,
        env={**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_default_signals,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def _ends(pid: int) -> bool:
    for _ in range(400):
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux'")
def test_killing_the_command_ends_the_program(program: Path) -> None:
    process, trains = _started(program)
    process.kill()
    process.wait()
    assert _ends(trains)
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_ends_the_command_ends_the_program_and_is_reported(program: Path, number: signal.Signals) -> None:
    process, trains = _started(program)
    process.send_signal(number)
    output, _ = process.communicate(timeout=120)
    assert _ends(trains) and process.returncode == (0 if number == signal.SIGINT else 1)  # of --fail-on never
    said = b"The program was interrupted" if number == signal.SIGINT else f"The program was killed by {number.name}".encode()
    assert said in output


def test_a_signal_while_the_program_is_being_started_is_passed_on() -> None:
    from paramedic.cli.process import _signals

    with _signals() as children:
        os.kill(os.getpid(), signal.SIGTERM)
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        children.add(process)
        assert process.wait(timeout=60) == -signal.SIGTERM


def test_what_the_command_ignores_the_program_ignores(program: Path) -> None:
    """As under nohup."""
    (program.parent / "ignores.py").write_text(
        "import signal\nprint(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, flush=True)\n", encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "paramedic", "run", *QUICK, "ignores.py"],
        cwd=program.parent,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
        check=False,
    )
    assert done.stdout.splitlines()[0] == b"True"


EXAMINED = """
import pathlib
import torch
torch.manual_seed(0)
over = False
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 3)
    def forward(self, x):
        if over:  # it is run again
            pathlib.Path("examined").touch()
        return self.layer(x)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=1e-5)
for step in range(60):
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(net(torch.randn(16, 4)), torch.randint(0, 3, (16,)))
    loss.backward()
    optimizer.step()
over = True
"""


def test_what_ends_the_examination_leaves_a_report(program: Path) -> None:
    """As `timeout` does: the program is over, and what was found until then is told."""
    (program.parent / "over.py").write_text(EXAMINED, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "paramedic", "run", "--budget", "600", "--format", "json", "--output", "report.json", "over.py"],
        cwd=program.parent,
        env={**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    while not (program.parent / "examined").is_file():
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGTERM)  # the command passes it on as well
    output, _ = process.communicate(timeout=120)
    report = json.loads((program.parent / "report.json").read_text(encoding="utf-8"))
    assert report["program"]["ended"] == "finished" and report["program"]["steps"] == 60
    reasons = {item["status"] for item in report["reasons"].values()}
    assert "the examination was interrupted" in json.dumps(report["reasons"]) and len(reasons) > 1
    assert process.returncode in (0, 1) and b"killed" not in output
