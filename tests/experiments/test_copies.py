"""Replays in copies of the process: the numbers of one process, whatever becomes of the copies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from paramedic.experiments import copies, fan_out
from paramedic.experiments.copies import computed_ahead
from paramedic.experiments.counterfactual import assess
from paramedic.experiments.interventions import LearningRate, Together
from paramedic.experiments.lab import Lab
from paramedic.report.context import cost_text
from paramedic.report.model import Report
from paramedic.trace import copying
from paramedic.trace.processors import Idleness
from tests.experiments.test_fan_out import _diagnosed, _numbers, _slow_learner
from tests.helpers import observe

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux a process can be copied")


@pytest.fixture(autouse=True)
def nobody_is_told_of_children() -> Iterator[None]:
    """A loader with workers, in a test before, leaves a handler for ended processes behind."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGCHLD, before if before is not None else signal.SIG_DFL)


class TwoIdle(Idleness):
    def places(self) -> int:
        return 2


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Replays are made in two copies, however short they are and whatever the machine does."""
    monkeypatch.setattr(fan_out, "WORTH_IT", 0.0)
    monkeypatch.setattr(fan_out, "processors", lambda: 2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    initial = Lab.__init__

    def idle(lab: Lab, *arguments: Any, **options: Any) -> None:
        initial(lab, *arguments, **options)
        lab.idleness = TwoIdle()

    monkeypatch.setattr(Lab, "__init__", idle)
    yield
    torch.set_num_threads(threads)


def _children() -> set[int]:
    found = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(encoding="ascii")
    return {int(pid) for pid in found.split() if is_alive(int(pid))}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_results_come_in_order_from_several_processes() -> None:
    before = _children()
    found = list(computed_ahead(lambda number: (number * number, os.getpid()), 20, 2))
    assert [item[0] for item in found] == [number * number for number in range(20)]
    assert os.getpid() not in {pid for _, pid in found}
    assert _children() <= before


def test_large_results_arrive_whole() -> None:
    found = list(computed_ahead(lambda number: bytes([number]) * (3 << 20), 3, 2))
    assert found == [bytes([number]) * (3 << 20) for number in range(3)]


def test_what_a_dead_copy_did_not_give_is_missing_and_the_rest_is_there() -> None:
    def deadly(number: int) -> int:
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    assert list(computed_ahead(deadly, 8, 2)) == [0, 1, 2, None, 4, 5, 6, 7]
    assert list(computed_ahead(deadly, 5, 1)) == [0, 1, 2, None, None]


def test_a_copy_that_stands_still_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "STANDSTILL", 0.5)
    held = threading.Lock()
    held.acquire()  # a lock that another thread held when the process was copied
    assert list(computed_ahead(lambda number: held.acquire() if number == 1 else number, 3, 1)) == [0, None, None]


def test_copies_end_when_the_caller_stops_asking_or_is_interrupted() -> None:
    before = _children()
    results = computed_ahead(lambda number: number or os.getpid(), 1000, 2)
    next(results)
    assert _children() - before
    results.close()
    assert _children() <= before

    def interrupted() -> None:
        for _ in computed_ahead(lambda number: time.sleep(0.01 * number), 1000, 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert _children() <= before


def test_copies_end_with_a_process_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "maker.py"
    script.write_text(
        "import os, time\n"
        "from paramedic.experiments.copies import computed_ahead\n"
        "results = computed_ahead(lambda number: (os.getpid(), time.sleep(number))[0], 1000, 2)\n"
        "print(next(results), flush=True)\n"
        "next(results), next(results)\n"
        "time.sleep(1000)\n",
        encoding="utf-8",
    )
    maker = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert maker.stdout is not None
    copy = int(maker.stdout.readline())
    assert is_alive(copy)
    maker.kill()
    maker.wait()
    for _ in range(200):
        if not is_alive(copy):
            break
        time.sleep(0.05)
    assert not is_alive(copy)
    maker.stdout.close()


def test_the_verdict_is_that_of_one_process(tmp_path: Path, beside: None, monkeypatch: pytest.MonkeyPatch) -> None:
    there, found = _diagnosed(tmp_path / "copies")
    assert there.lab.processes == 2 and there.lab.why_one_process is None
    monkeypatch.setattr(fan_out, "WORTH_IT", float("inf"))
    here, alone = _diagnosed(tmp_path / "alone")
    assert here.lab.processes == 1
    assert alone.causes
    assert repr(_numbers(found)) == repr(_numbers(alone))  # bit for bit; NaN (no validation) is not equal to itself
    assert there.lab.spent > 0.3 * here.lab.spent  # what the copies computed is in the budget
    assert [item.changed for item in there.lab.replays] == [item.changed for item in here.lab.replays]


def test_the_verdict_is_the_same_when_the_copies_die(tmp_path: Path, beside: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made, maker = fan_out._in_a_copy, os.getpid()

    def dying(lab: Any, found: Any, jobs: Any, index: int) -> Any:
        if index >= 2:
            assert os.getpid() != maker
            os.kill(os.getpid(), signal.SIGKILL)
        return made(lab, found, jobs, index)

    monkeypatch.setattr(fan_out, "_in_a_copy", dying)
    case, found = _diagnosed(tmp_path / "copies")
    assert case.lab.idleness is None  # no more of them
    monkeypatch.setattr(fan_out, "WORTH_IT", float("inf"))
    _, alone = _diagnosed(tmp_path / "alone")
    assert alone.causes
    assert repr(_numbers(found)) == repr(_numbers(alone))


def test_no_copy_is_left_when_nobody_asks_for_outcomes_any_more(tmp_path: Path, beside: None) -> None:
    case = observe(_slow_learner, tmp_path, budget=200.0)
    assessed = assess(case)
    before = _children()
    jobs = [fan_out.Job(Together([LearningRate(factor)]), 0, 500) for factor in (10.0, 100.0, 1000.0)]
    results = fan_out.outcomes(case.lab, assessed, jobs)
    next(results)
    assert len(_children() - before) == 2
    results.close()
    assert _children() <= before


def test_why_there_is_one_process(tmp_path: Path, beside: None, monkeypatch: pytest.MonkeyPatch) -> None:
    case = observe(_slow_learner, tmp_path, budget=200.0)
    monkeypatch.setattr(copying, "memory", lambda: (100, 399.0))
    assert fan_out._why_not_beside(2) == "there is not memory enough for 2 copies of the process"
    monkeypatch.setattr(copying, "memory", lambda: (100, 400.0))
    assert fan_out._why_not_beside(2) is None
    assert fan_out._why_not_beside(1) == "no processor was idle"
    torch.set_num_threads(2)
    assert fan_out._why_not_beside(2) == "they use several threads of torch"
    torch.set_num_threads(1)
    monkeypatch.setattr(fan_out, "processors", lambda: 1)
    assert fan_out._why_not_beside(2) == "there is one processor"
    jobs = [fan_out.Job(LearningRate(10.0), 0, 10)] * 2
    case.lab.seconds_per_step = 1.0
    assert list(fan_out._beside(case.lab, None, jobs)) == []  # type: ignore[arg-type]
    assert case.lab.why_one_process == "there is one processor" and case.lab.processes == 1


def test_without_a_process_more_the_replays_are_made_here(
    tmp_path: Path, beside: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", none_left)
    case, found = _diagnosed(tmp_path)
    assert found.causes and case.lab.why_one_process is not None
    assert "could not be made (Resource temporarily unavailable)" in case.lab.why_one_process


def test_idle_processors_are_counted() -> None:
    idleness = Idleness()
    assert 1 <= idleness.places() <= (os.cpu_count() or 1)


def test_the_report_says_in_how_many_processes_experiments_were_made() -> None:
    def said(**cost: Any) -> str:
        return cost_text(Report((), {}, {}, cost={"experiments_s": 31.0, **cost}))

    assert said(processes=2) == "checks and experiments 31.0 s in 2 processes"
    assert said(processes=1) == "checks and experiments 31.0 s"
    why = "checks and experiments 31.0 s in one process (no processor was idle)"
    assert said(processes=1, one_process="no processor was idle") == why
