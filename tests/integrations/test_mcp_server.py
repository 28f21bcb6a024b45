"""The MCP server over its own protocol: the official client in another process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client

import paramedic
from tests.cli.test_replay import PROGRAM as SOFTMAX
from tests.test_examples import TRAIN

SOURCES = Path(paramedic.__file__).parent.parent
FAULTY = TRAIN.replace("    optimizer.zero_grad()\n", "")


def talk(folder: Path, calls: list[tuple[str, dict[str, Any]]], *options: str) -> tuple[list[str], list[Any]]:
    """The tools' names, and the results of the calls."""

    async def session() -> tuple[list[str], list[Any]]:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "paramedic", "mcp", "--folder", str(folder), *options],
            env={**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1"},
            cwd=str(folder),
        )
        async with stdio_client(server) as (read, write), ClientSession(read, write) as client:
            await client.initialize()
            tools = await client.list_tools()
            results = [await client.call_tool(name, arguments) for name, arguments in calls]
            return [tool.name for tool in tools.tools], results

    return asyncio.run(session())


def text(result: Any) -> str:
    return "\n".join(item.text for item in result.content)


def test_an_agent_runs_a_program_reads_the_cause_and_gets_the_patch(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(FAULTY)
    calls = [
        ("run", {"script": "train.py", "budget": 0}),
        ("fix", {}),
        ("explain", {"name": "missing-zero-grad"}),
        ("run", {"script": "../outside.py"}),
        ("report", {"run": "../../etc"}),
        ("explain", {"name": "R99"}),
    ]
    tools, results = talk(tmp_path, calls)
    assert set(tools) == {"run", "report", "runs", "explain", "checks", "fix", "replay"}
    run, fix, page, outside, elsewhere, unknown = results
    found = json.loads(text(run))
    assert found["report"]["findings"][0]["check"] == "missing-zero-grad" and found["exit_code"] == 1
    assert found["output"].strip().startswith("accuracy")
    (patch,) = [item["patch"] for item in json.loads(text(fix))["patches"] if item["check"] == "missing-zero-grad"]
    assert "+    optimizer.zero_grad()" in patch
    assert json.loads(text(page))["checks"][0]["reason"] == "R34"
    assert "lies outside of" in text(outside) and "not the name of a run" in text(elsewhere)
    assert "no row or check" in text(unknown)
    assert (tmp_path / "train.py").read_text() == FAULTY


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import time\nwhile True:\n    time.sleep(1)\n")
    _, (result,) = talk(tmp_path, [("run", {"script": "train.py", "seconds": 5})])
    assert "ended after 5 s" in text(result)


def test_an_experiment_is_listed_and_repeated_within_the_folder_and_the_time(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SOFTMAX)
    name = "softmax-before-cross-entropy"
    talk(tmp_path, [("run", {"script": "train.py", "budget": 20})])
    (run,) = (tmp_path / ".paramedic").glob("*-train-*")
    calls = [
        ("replay", {"run": run.name}),
        ("replay", {"run": run.name, "experiment": name}),
        ("replay", {"run": run.name, "experiment": name, "seconds": 0.1}),
        ("replay", {"run": run.name, "experiment": "no-such"}),
        ("replay", {"run": f"../{run.name}", "experiment": name}),
    ]
    _, results = talk(tmp_path, calls)
    known = {item["name"]: item for item in json.loads(text(results[0]))["experiments"]}
    repeated = json.loads(text(results[1]))
    assert repeated["same"] and repeated["then"] == known[name] and repeated["now"]["after"] == known[name]["after"]
    assert repeated["now"]["variant"][-1][1] < repeated["now"]["base"][-1][1]
    assert "ended after 0 s" in text(results[2]) and "no experiment of this run" in text(results[3])
    assert "not the name of a run" in text(results[4])
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(info | {"cwd": str(tmp_path.parent)}))
    _, elsewhere = talk(tmp_path, [("replay", {"run": run.name, "experiment": name}), ("fix", {"verify": True})])
    assert all("lies outside of" in text(result) for result in elsewhere)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_shells(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    from paramedic.cli.main import main

    with pytest.raises(SystemExit) as end:
        main(["completion", shell])
    assert end.value.code == 0 and "_PARAMEDIC_COMPLETE" in capsys.readouterr().out
