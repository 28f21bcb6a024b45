"""What people know of is listed apart: comments in the code, the baseline, and how SARIF says so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from paramedic.report import known
from paramedic.report.context import Context
from paramedic.report.formats import FORMATS, render
from paramedic.report.model import Report, RowStatus

SCHEMAS = Path(__file__).parent / "schemas"


@pytest.fixture(scope="module")
def sarif() -> Any:
    schema = json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
    return jsonschema.Draft4Validator(schema)


def test_sarif_follows_the_published_schema(
    sarif: Any, fault: Report, clean_report: Report, hostile: Report, tmp_path: Path
) -> None:
    baselined = known.with_baseline(fault, known.renewed(fault, []))
    for report in (fault, clean_report, hostile, baselined):
        errors = [error.message for error in sarif.iter_errors(json.loads(render(report, "sarif", Context())))]
        assert not errors, errors[:3]


def source(folder: Path, line: str) -> Path:
    (folder / "train.py").write_text(f"import torch\n{line}\n")
    return folder


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("y = s(x)  # paramedic: ignore[softmax-before-cross-entropy] distillation", "distillation"),
        ("y = s(x)  # paramedic: ignore[R06, R19]", ""),
        ("y = s(x)  # paramedic: ignore we know", "we know"),
        ("y = s(x)  # paramedic: ignore[R06] another", None),
        ("y = s(x)", None),
    ],
)
def test_a_comment_ignores_the_finding_on_its_line(
    line: str, reason: str | None, fault: Report, tmp_path: Path
) -> None:
    report = known.without_ignored(fault, source(tmp_path, line))
    checks = [item.check for item in report.findings]
    assert ("softmax-before-cross-entropy" in checks) is (reason is None)
    if reason is not None:
        (item,) = report.known
        assert (item.why, item.reason, item.finding) == ("ignored", reason, fault.findings[0])
        assert report.exit_code("fault") == 0 and report.exit_code("suspect") == 1
        document = json.loads(render(report, "sarif", Context()))["runs"][0]["results"]
        suppressed = [result for result in document if "suppressions" in result]
        assert [result["suppressions"][0]["kind"] for result in suppressed] == ["inSource"]
        assert f"ignored in the code: {reason or 'no reason given'}" in render(report, "text", Context(width=200))


def test_baseline_round_trip_and_what_is_gone(fault: Report, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    assert known.read(path) == []
    known.write(path, known.renewed(fault, []))
    entries = known.read(path)
    assert [item["check"] for item in entries] == ["learning-rate-too-low", "softmax-before-cross-entropy"]
    quiet = known.with_baseline(fault, entries)
    assert quiet.exit_code("suspect") == 0 and quiet.verdict is None and len(quiet.known) == 2 and not quiet.gone
    moved = replace(fault, findings=tuple(
        replace(item, where=replace(item.where, line=77)) if item.where else item for item in fault.findings
    ))
    assert known.with_baseline(moved, entries).exit_code("suspect") == 0  # keyed by module path, not by line

    rows = fault.reasons | {"R19": RowStatus("passed", "x"), "R36": RowStatus("not-checked", "no time")}
    mended = replace(fault, findings=(), reasons=rows)
    after = known.with_baseline(mended, entries)
    assert after.gone == ("softmax-before-cross-entropy",)  # the other check was not made: nobody knows
    assert [item["check"] for item in known.pruned(after, entries)] == ["learning-rate-too-low"]
    assert "found no more; --prune-baseline drops them" in render(after, "text", Context(width=200))
    other = replace(mended, program={"argv": ["other.py"], "steps": 1})
    assert known.with_baseline(other, entries).gone == ()
    assert len(known.renewed(other, entries)) == 2


def test_pruning_keeps_the_same_check_in_another_place(fault: Report) -> None:
    entries = known.renewed(fault, [])
    (old,) = [item for item in entries if item["check"] == "softmax-before-cross-entropy"]
    after = known.with_baseline(fault, [*entries, old | {"place": "teacher"}])
    assert after.gone == ("softmax-before-cross-entropy",)
    assert known.pruned(after, [*entries, old | {"place": "teacher"}]) == entries


def test_a_misspelt_name_in_a_comment_is_said(fault: Report, tmp_path: Path) -> None:
    line = "y = s(x)  # paramedic: ignore[softmax-befor-cross-entropy] distillation"
    report = known.without_ignored(fault, source(tmp_path, line))
    assert report.findings == fault.findings and not report.known
    (text,) = set(report.not_observed) - set(fault.not_observed)
    assert 'no row or check is called so (did you mean "softmax-before-cross-entropy"?)' in text


def test_sarif_says_what_is_new(fault: Report) -> None:
    entries = known.renewed(replace(fault, findings=fault.findings[1:]), [])
    results = json.loads(render(known.with_baseline(fault, entries), "sarif", Context()))["runs"][0]["results"]
    states = {result["ruleId"]: result.get("baselineState") for result in results}
    assert states["softmax-before-cross-entropy"] == "new" and states["learning-rate-too-low"] == "unchanged"
    plain = json.loads(render(fault, "sarif", Context()))["runs"][0]["results"]
    assert not any("baselineState" in result for result in plain)


def test_damaged_baseline_is_one_line(tmp_path: Path) -> None:
    for text in ("no json", '{"schema": "other/1", "known": []}', '{"schema": "paramedic-baseline/1", "known": [{}]}'):
        (tmp_path / "b.json").write_text(text)
        with pytest.raises(known.BaselineError, match="not a baseline"):
            known.read(tmp_path / "b.json")


def test_known_findings_survive_json_and_every_format(fault: Report) -> None:
    report = known.with_baseline(fault, known.renewed(fault, []))
    again = Report.from_json(json.loads(report.dumps()))
    assert again.known == report.known and again.findings == report.findings
    schema = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
    jsonschema.validate(json.loads(report.dumps()), schema)
    for format in FORMATS:
        assert render(report, format, Context())
    for format in ("text", "markdown", "html"):
        assert "Nothing new (2 known findings)" in render(report, format, Context()).replace("&#40;", "(").replace("&#41;", ")")
    for format in ("text", "markdown", "html", "junit", "sarif"):
        assert "softmax-before-cross-entropy" in render(report, format, Context(width=200)).replace("&#45;", "-")
