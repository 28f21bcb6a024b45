"""Reports made by hand: a proven fault with company, a clean one, and one with hostile names everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic.catalogue import ROWS
from paramedic.checks.finding import Evidence, Finding, Proof, Remedy
from paramedic.report.model import Report, RowStatus
from paramedic.trace.place import Place
from paramedic.trace.store import LayerRow, StepRow, Trace, TraceWriter

HOSTILE = (
    "<script>alert(1)</script>\"'&]]>[bold red]x[/]\x1b[31m\x00\r\n"
    "::error::\u202e`|*_@me %0A\ud800\u2028{{7*7}}"
)


def statuses(**found: str) -> dict[str, RowStatus]:
    rows = {row.id: RowStatus("passed", "some-check") for row in ROWS}
    for row in ("R14", "S3"):
        rows[row] = RowStatus("not-applicable", "no pretrained model")
    for row in ("A1", "R29"):
        rows[row] = RowStatus("not-checked", "no time was left")
    return rows | {row: RowStatus("found", why) for row, why in found.items()}


@pytest.fixture
def fault() -> Report:
    main = Finding(
        reason="R19",
        check="softmax-before-cross-entropy",
        level="fault",
        summary="cross_entropy got probabilities: all 64 rows sum to 1 (max error 1e-07); pass the logits",
        where=Place("train.py", 2),
        module="net.3",
        evidence=(Evidence("row sum error", 1.2e-7, "above 1e-3"), Evidence("rows", 64)),
        remedy=Remedy(
            "take the softmax out of the model", "--- a/train.py\n+++ b/train.py\n-y = s(x)\n+y = x\n"
        ),
        proof=Proof("without the softmax", 0.98, 0.12, (-0.91, -0.8), 3, changed="softmax removed"),
        explains=("R35 vanishing-gradients: the gradient's norm falls to 1e-6",),
    )
    other = Finding(
        "R36", "learning-rate-too-low", "suspect", "the rate 1e-9 moves nothing", Place("train.py", 1)
    )
    note = Finding("R08", "class-imbalance", "note", "the largest class has 30 % of the samples")
    return Report(
        findings=(main, other, note),
        reasons=statuses(R19=main.summary, R36=other.summary),
        program={"argv": ["train.py", "--epochs", "3"], "steps": 468, "crashed": None},
        cost={"overhead": 0.012, "experiments_s": 31.0},
        not_observed=("the compiled part of the step",),
        errors={"broken-check": "ValueError: no"},
    )


@pytest.fixture
def clean_report() -> Report:
    return Report((), statuses(), {"argv": ["train.py"], "steps": 10, "crashed": None})


@pytest.fixture
def hostile() -> Report:
    finding = Finding(
        reason="R19",
        check=HOSTILE,
        level="fault",
        summary=HOSTILE,
        where=Place(HOSTILE, 3),
        module=HOSTILE,
        evidence=(Evidence(HOSTILE, HOSTILE, HOSTILE, HOSTILE), Evidence("x", float("nan"))),
        remedy=Remedy(HOSTILE, f"--- {HOSTILE}\n```\n+{HOSTILE}"),
        proof=Proof(HOSTILE, float("nan"), float("inf"), (float("-inf"), 0.0), 3, HOSTILE, HOSTILE),
        explains=(HOSTILE,),
    )
    note = Finding("R08", HOSTILE, "note", HOSTILE)
    return Report(
        findings=(finding, note),
        reasons=statuses(R19=HOSTILE) | {"R14": RowStatus("not-applicable", HOSTILE)},
        program={"argv": [HOSTILE], "steps": 1, "crashed": {"type": HOSTILE, "message": HOSTILE}},
        cost={"overhead": "nan"},
        not_observed=(HOSTILE,),
        errors={HOSTILE: HOSTILE},
    )


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    writer = TraceWriter(tmp_path / "trace.sqlite")
    for step in range(2000):
        loss = float("nan") if 50 <= step < 100 else 3.0 / (1 + step) + 0.01
        writer.step(StepRow(step, 0, 0.01 * step, loss, 0.1, 1.0, {}))
    for step in range(0, 2000, 10):
        for path in ("net.0", HOSTILE):
            for quantity in ("activation", "gradient", "update", "weight"):
                writer.layer(LayerRow(step, path, quantity, 0.0, 1.0 + step, -1.0, 1.0, 0.0, 0.0))
    writer.close()
    return Trace(tmp_path / "trace.sqlite")
