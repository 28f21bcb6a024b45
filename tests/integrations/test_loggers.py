"""What is written for TensorBoard, Weights & Biases and MLflow, read back with their own readers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from paramedic.cli import folders
from paramedic.integrations.loggers import Record, Target, parse, record_of, write
from paramedic.trace.store import LayerRow, StepRow, TraceWriter
from tests.cli.conftest import Command, command, one_line, stored  # noqa: F401  (fixtures)

NAME = "20261123-120000-train-ab12"


@pytest.fixture
def record(stored: Callable[..., Path]) -> Record:  # noqa: F811
    """Twenty steps from 2.0 down, one of them not finite, with a layer and a histogram."""
    folder = stored(NAME)
    writer = TraceWriter(folder / "trace.sqlite")
    writer.step(StepRow(20, 0, 2.0, math.nan, 0.1, None, {}))
    for quantity in ("activation", "gradient", "weight", "update"):
        writer.layer(LayerRow(3, "net.0", quantity, 3.0, 4.0, -1.0, 1.0, 0.25, 0.0))
    shape = {"low": -1.0, "high": 1.0, "mean": 0.0, "std": 0.5, "bins": [1, 2, 3, 4]}
    writer.meta("exhibits", {"distributions": [{"quantity": "weight", "path": "net.0.weight", "state": "final", **shape}]})
    writer.close()
    run = folders.open_run(folder)
    assert run.report is not None
    return record_of(run.report, run.context(), NAME)


def test_tensorboard_reads_curves_histograms_and_findings(record: Record, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    said = write(record, Target("tensorboard", str(tmp_path / "logs")))
    assert said == f"TensorBoard: tensorboard --logdir {tmp_path / 'logs'}"
    read = EventAccumulator(str(tmp_path / "logs" / "paramedic" / NAME))
    read.Reload()
    losses = read.Scalars("paramedic loss")
    assert [item.step for item in losses] == list(range(21)) and math.isnan(losses[-1].value)
    assert losses[10].value == pytest.approx(1.0)
    assert read.Scalars("paramedic gradient rms/net.0")[0].value == pytest.approx(5.0)
    assert read.Scalars("paramedic update to weight/net.0")[0].value == pytest.approx(1.0)
    (histogram,) = read.Histograms("paramedic weight/net.0.weight")
    assert histogram.step == 20 and histogram.histogram_value.num == 10
    assert list(histogram.histogram_value.bucket) == [1, 2, 3, 4]
    (text,) = read.Tensors("paramedic findings/text_summary")
    assert "softmax-before-cross-entropy" in text.tensor_proto.string_val[0].decode()


def test_mlflow_reads_metrics_findings_and_the_report(record: Record, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    said = write(record, Target("mlflow", str(tmp_path / "ml")))
    uri = f"sqlite:///{tmp_path / 'ml' / 'mlflow.db'}"
    assert said.endswith(uri)
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("paramedic")
    (run,) = client.search_runs([experiment.experiment_id])
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [item.step for item in history] == list(range(20)) and history[10].value == pytest.approx(1.0)
    assert run.data.metrics["gradient rms/net.0"] == pytest.approx(5.0) and run.info.status == "FINISHED"
    assert run.data.tags["paramedic.verdict"].startswith("Cross-entropy receives probabilities")
    artifacts = tmp_path / "ml" / "artifacts" / run.info.run_id / "artifacts"
    findings = json.loads((artifacts / "findings.json").read_text())["findings"]
    assert findings[0]["check"] == "softmax-before-cross-entropy" and findings[0]["where"] == "train.py:1"
    assert "## Cross-entropy" in (artifacts / "paramedic.md").read_text()
    assert json.loads((artifacts / "histograms.json").read_text())["weight/net.0.weight at 20"]["counts"] == [1, 2, 3, 4]


def log_records(data: bytes) -> Iterator[bytes]:
    """Entries of LevelDB's log format, in which an offline run is stored: blocks of 32 KiB, after a header of 7 bytes."""
    at, entry = 7, b""
    while at + 7 <= len(data):
        if (left := 32768 - at % 32768) < 7:
            at += left
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        entry += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield entry
            entry = b""


def offline_history(folder: Path) -> tuple[list[dict[str, Any]], Any]:
    """The rows of an offline run and its run record, in Weights & Biases' own messages."""
    from wandb.proto import wandb_internal_pb2

    (path,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    rows, started = [], None
    for data in log_records(path.read_bytes()):
        item = wandb_internal_pb2.Record()
        item.ParseFromString(data)
        if item.WhichOneof("record_type") == "history":
            rows.append({part.key or "/".join(part.nested_key): json.loads(part.value_json) for part in item.history.item})
        elif item.WhichOneof("record_type") == "run":
            started = item.run
    return rows, started


def test_wandb_reads_an_offline_run(record: Record, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target = Target("wandb", str(tmp_path / "wb"), {"project": "digits", "beside": "brave-sea-1", "id": "x1"})
    said = write(record, target)
    assert said.startswith("Weights & Biases: wandb sync ") and capfd.readouterr() == ("", "")
    rows, started = offline_history(tmp_path / "wb")
    assert started.project == "digits" and started.display_name == "paramedic of brave-sea-1"
    losses = {row["_step"]: row["loss"] for row in rows if "loss" in row}
    assert losses[10] == pytest.approx(1.0) and losses[20] == "nan" and len(losses) == 21
    histogram = {key: value for row in rows for key, value in row.items() if key.startswith("weight/net.0.weight")}
    assert histogram["weight/net.0.weight/values"] == [1, 2, 3, 4], histogram
    assert any("findings" in key for row in rows for key in row)


PROGRAM = """
import mlflow, torch, wandb
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(0)
net = torch.nn.Linear(4, 3)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
writer = SummaryWriter("logs/first")
run = wandb.init(project="digits", mode="offline", settings=wandb.Settings(silent=True, console="off"))
mlflow.set_tracking_uri("sqlite:///ml.db")
with mlflow.start_run():
    for step in range(12):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(torch.randn(8, 4)), torch.randint(0, 3, (8,)))
        loss.backward()
        optimizer.step()
        writer.add_scalar("loss", loss.item(), step)
        run.log({"loss": loss.item()})
        mlflow.log_metric("loss", loss.item(), step)
writer.close()
run.finish()
"""


def test_a_program_that_logs_finds_the_run_beside_its_own(command: Command, tmp_path: Path) -> None:  # noqa: F811
    from mlflow.tracking import MlflowClient
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (tmp_path / "train.py").write_text(PROGRAM)
    quick = ("--no-experiments", "--select", "A1", "--fail-on", "never")
    result = command("run", *quick, "train.py", env={"WANDB_SILENT": "true"})
    assert result.returncode == 0, result
    assert [line for line in result.stderr.splitlines() if line.startswith("paramedic: written for ")] == [
        line for line in result.stderr.splitlines() if line.startswith("paramedic:")
    ], result.stderr
    (own,) = (tmp_path / "logs" / "first").glob("events.*")
    read = EventAccumulator(str(own))
    read.Reload()
    assert read.Tags()["scalars"] == ["loss"]  # nothing of ours in the program's own file
    (beside,) = (tmp_path / "logs" / "first" / "paramedic").iterdir()
    ours = EventAccumulator(str(beside))
    ours.Reload()
    assert len(ours.Scalars("paramedic loss")) == 12
    assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == 2
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'ml.db'}")
    runs = client.search_runs(["0"])
    assert len(runs) == 2
    (nested,) = [run for run in runs if run.data.tags["mlflow.runName"].startswith("paramedic ")]
    (program,) = [run for run in runs if run is not nested]
    assert nested.data.tags["mlflow.parentRunId"] == program.info.run_id
    assert nested.data.metrics["loss"] == pytest.approx(program.data.metrics["loss"])


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("tensorbord:x", '--to: no logger is called "tensorbord" (did you mean "tensorboard"?); known are '),
        ("wandb", "--to: wandb needs a place: wandb:DIR"),
        ("tensorboard:https://a.b", "--to: tensorboard takes a directory, not the address https://a.b"),
        ("mlflow:train.py", "--to: train.py is a file, and mlflow needs a directory"),
    ],
)
def test_a_bad_target_is_one_line_before_the_program_starts(
    command: Command, tmp_path: Path, target: str, said: str  # noqa: F811
) -> None:
    (tmp_path / "train.py").write_text("raise SystemExit(99)\n")
    assert one_line(command("run", "--to", target, "train.py")).startswith(said)


def test_a_logger_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Exception, match="wandb is not installed: pip install wandb"):
        parse("wandb:x")
