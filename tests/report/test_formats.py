"""Every format: what people and machines rely on, and that hostile names stay text."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import numpy as np
import pytest

from paramedic.checks.finding import Evidence, Finding, Remedy
from paramedic.checks.registry import descriptions
from paramedic.report.context import Context
from paramedic.report.formats import FORMATS, render
from paramedic.report.html import _code
from paramedic.report.model import Report
from paramedic.trace.store import Trace, TraceWriter
from tests.report.conftest import HOSTILE

SOURCE = "import torch\nloss = criterion(model(x), y)\n"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]")


@pytest.fixture
def context(tmp_path: Path, trace: Trace) -> Context:
    (tmp_path / "train.py").write_text(SOURCE)
    return Context(root=tmp_path, trace=trace, run=Path(".paramedic/run-1"))


@pytest.mark.parametrize("format", [item for item in FORMATS if item != "json"])
def test_no_control_character_of_the_program_is_printed(
    format: str, hostile: Report, context: Context
) -> None:
    assert not CONTROL.search(render(hostile, format, context))


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_can_be_written_as_utf8(format: str, hostile: Report, context: Context) -> None:
    if format == "json":  # JSON keeps the text as it is: its writer replaces what UTF-8 cannot hold
        assert json.loads(render(hostile, format, context))["findings"][0]["level"] == "fault"
    else:
        render(hostile, format, context).encode("utf-8")


@pytest.mark.parametrize("format", ["text", "markdown", "html"])
@pytest.mark.parametrize(
    ("item", "words"),
    [
        (Evidence("u at the end", 0.98, "below 0.2", "u"), "learned at the end: 2 % (expected above 80 %)"),
        (Evidence("u of the loss", 3.0, "about 1", "u"), "learned of the loss: less than nothing (expected about 0 %)"),
        (Evidence("least u on 8 samples", 0.5, "below 0.05", "u"), "most learned on 8 samples: 50 % (expected above 95 %)"),
        (Evidence("gain in u on seeds", 0.2, "above 0.05", "u"), "gain on seeds: 20 % (expected above 5 %)"),
        (Evidence("u before, and after", [0.7, 0.1], "a fall", "u"), "learned before, and after: 30 %, 90 % (expected a rise)"),
    ],
)  # fmt: skip
def test_the_progress_scale_is_said_in_words(format: str, item: Evidence, words: str, fault: Report, context: Context) -> None:
    found = replace(fault.findings[0], evidence=(item,), proof=None)
    page = render(replace(fault, findings=(found,)), format, context)
    plain = html.unescape(re.sub(r"<[^>]*>", " ", re.sub(r"<(script|style).*?</\1>", "", page, flags=re.S)))
    plain = " ".join(plain.replace(" (expected: ", " (expected ").split())
    assert words.replace(":", "") in plain.replace(":", "") and not re.search(r"\bu\b", plain)


def test_no_check_speaks_of_u() -> None:
    assert [item.name for item in descriptions() if re.search(r"\bu\b", item.doc)] == []


def test_a_wide_line_of_a_patch_is_broken_and_not_cut(fault: Report, context: Context) -> None:
    call = "loader = DataLoader(TensorDataset((x - mean) / std, y), batch_size=32, generator=generator, shuffle=True)"
    remedy = Remedy("shuffle", f"--- a/train.py\n+++ b/train.py\n-    {call[:60]})\n+    {call}\n")
    text = render(replace(fault, findings=(replace(fault.findings[0], remedy=remedy),)), "text", context)
    added = [line.strip().lstrip("+ ") for line in text.splitlines() if line.strip().startswith("+")]
    assert len(added) == 2 and " ".join(added) == call and all(len(line) <= 80 for line in text.splitlines())


def test_text_of_a_proven_fault(fault: Report, context: Context) -> None:
    text = render(fault, "text", context)
    assert text.startswith(
        "Wrong      Cross-entropy receives probabilities where it expects logits\n"
        "Where      train.py:2 (net.3)  loss = criterion(model(x), y)\n"
        "Change     Take the softmax out of the model\n"
        "\n"
        "Finding    R19 softmax-before-cross-entropy (fault, proven by experiment)\n"
    )
    assert "              2 > loss = criterion(model(x), y)\n" in text
    assert "Proven     Softmax removed: learned 2 % → 88 % of the way from chance to perfect" in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "now     █ 2 %" in text and f"changed {28 * '█'} 88 %" in text
    assert "Explains   R35 vanishing-gradients" in text
    assert "  R36 learning-rate-too-low (suspect, unproven): the rate" in text
    assert "R17+ R18+ R19! R20+" in text
    assert "The 44 rows: 2 found, 38 passed, 2 not applicable, 2 not checked" in text
    assert "not applicable S3 R14: no pretrained model" in text
    assert "in broken-check: ValueError: no" in text
    assert "paramedic explain softmax-before-cross-entropy" in text
    assert "\x1b" not in text


def test_a_path_to_copy_is_never_broken(clean_report: Report) -> None:
    run = Path("/a/long/path" * 12)
    assert f"Details    {run}/report.html\n" in render(clean_report, "text", Context(run=run))


def test_text_has_colours_only_when_asked(fault: Report) -> None:
    assert "\x1b[" in render(fault, "text", Context(color=True))


def test_text_of_a_healthy_program(clean_report: Report) -> None:
    assert render(clean_report).startswith("Nothing found: 40 of 44 rows checked and passed\n")
    assert str(clean_report) == render(clean_report)


def test_rich_markup_of_the_program_is_not_interpreted(hostile: Report, context: Context) -> None:
    assert "[bold red]x[/]" in render(hostile, "text", context)


def test_a_line_is_not_shown_if_the_file_changed_since_the_run(fault: Report, context: Context) -> None:
    changed = Context(root=context.root, started=1.0)
    assert "criterion(model(x), y)" in render(fault, "text", context)
    assert "criterion(model(x), y)" not in render(fault, "text", changed)


def test_json_can_be_read_back(fault: Report, hostile: Report) -> None:
    for report in (fault, hostile):
        document = json.loads(report.dumps())
        assert Report.from_json(document).to_json() == document
    for damaged in ({}, [], {"schema": "paramedic/2"}, {"schema": "paramedic/1"}):
        with pytest.raises(ValueError):
            Report.from_json(damaged)  # type: ignore[arg-type]


def test_json_keeps_its_contract(fault: Report, hostile: Report, clean_report: Report) -> None:
    schema = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for report in (fault, clean_report, hostile):
        jsonschema.validate(json.loads(report.dumps()), schema)


def test_numbers_of_numpy_are_numbers() -> None:
    values = (np.float32(0.5), np.int64(3), np.bool_(True), np.float32("nan"), np.array(2.0))
    evidence = tuple(Evidence("x", value) for value in values)
    document = json.loads(Report((Finding("R19", "x", "note", "y", evidence=evidence),), {}).dumps())
    assert [item["value"] for item in document["findings"][0]["evidence"]] == [0.5, 3, True, "nan", 2.0]


def test_sarif(fault: Report, hostile: Report, context: Context) -> None:
    run = json.loads(render(fault, "sarif", context))["runs"][0]
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note"]
    location = run["results"][0]["locations"][0]
    assert location["physicalLocation"]["region"]["startLine"] == 2
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "train.py"
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    uri = json.loads(render(hostile, "sarif", context))["runs"][0]["results"][0]["locations"][0]
    assert re.fullmatch(r"[\x21-\x7e]+", uri["physicalLocation"]["artifactLocation"]["uri"])


def test_junit(fault: Report, hostile: Report, context: Context) -> None:
    suite = ElementTree.fromstring(render(fault, "junit", context)).find("testsuite")
    assert suite is not None
    assert {key: suite.get(key) for key in ("failures", "skipped", "errors", "tests")} == {
        "failures": "1",
        "skipped": "4",
        "errors": "1",
        "tests": "45",
    }
    ElementTree.fromstring(render(hostile, "junit", context))
    strict = ElementTree.fromstring(render(fault, "junit", Context(fail_on="suspect"))).find("testsuite")
    assert strict is not None and strict.get("failures") == "2"


def test_github(fault: Report, hostile: Report, context: Context) -> None:
    lines = render(fault, "github", context).splitlines()
    assert lines[0].startswith(
        "::error file=train.py,line=2,title=R19 softmax-before-cross-entropy::cross_entropy got"
    )
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice"]
    hostile_lines = render(hostile, "github", context).splitlines()
    assert len(hostile_lines) == 3
    for line in hostile_lines:
        head = line[2:].split("::")[0]
        assert "%250A" in line and head.count("title=") == 1 and len(head.split(",")) <= 3


def test_markdown(fault: Report, hostile: Report, context: Context) -> None:
    text = render(fault, "markdown", context)
    assert text.startswith("## Cross-entropy receives probabilities where it expects logits&#58; train")
    assert "```python\nimport torch\nloss = criterion(model(x), y)\n```" in text
    dangerous = re.sub(r"^(`{4,}).*?^\1$", "", render(hostile, "markdown", context), flags=re.S | re.M)
    assert "<script>" not in dangerous and "@me" not in dangerous and "[bold" not in dangerous


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            assert name != "href" or (value or "").startswith("#")
            assert name != "src" or (value or "").startswith("data:image/png;base64,")
        if tag not in ("meta", "br", "img", "rect", "path", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "path", "polyline"):
            assert self.open.pop() == tag


def page_data(text: str) -> Any:
    return json.loads(re.search(r'<script type="application/json" id="report-data">(.*?)</script>', text)[1])  # type: ignore[index]


@pytest.mark.parametrize("name", ["fault", "hostile", "clean_report"])
def test_html(name: str, request: pytest.FixtureRequest, context: Context) -> None:
    text = render(request.getfixturevalue(name), "html", context)
    parser = _Tags()
    parser.feed(text)
    assert not parser.open
    assert parser.tags.count("script") == 3
    outside = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    assert name != "hostile" or "{{7*7}}" in outside and "<script>alert" not in text
    data = page_data(text)
    assert set(data["curves"]) == {"loss", "metric", "lr", "gradient"} and len(data["heat"]) == 5 and len(data["rows"]) == 44
    assert len(text) < 2_000_000


def test_html_allows_only_its_own_scripts(fault: Report, context: Context) -> None:
    text = render(fault, "html", context)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]  # type: ignore[index]
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.S)
    digests = [base64.b64encode(hashlib.sha256(item.encode()).digest()).decode() for item in scripts]
    assert policy.startswith("default-src 'none'") and "connect-src" not in policy
    assert policy.split("script-src ")[1] == " ".join(f"'sha256-{digest}'" for digest in digests)


def test_html_of_a_crash_shows_its_line(clean_report: Report, context: Context) -> None:
    crashed = {"kind": "crashed", "error": "KeyError", "message": "'x'", "place": {"file": "train.py", "line": 2}}
    text = render(replace(clean_report, program={"argv": ["train.py"], "steps": 3, "crashed": crashed}), "html", context)
    assert '<span class="marked">   2  loss = criterion(model(x), y)</span>' in text
    assert "The program crashed after step 3 at train.py:2: KeyError" in text and "nothing was found that explains it" in text


def test_html_stays_below_its_size_and_names_what_it_leaves_out(
    fault: Report, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paramedic.report.html.MAX_BYTES", 1_200_000)
    writer = TraceWriter(tmp_path / "large.sqlite")
    histogram = {"quantity": "weight", "state": "final", "low": -1.0, "high": 1.0, "mean": 0.0, "std": 0.3}
    histogram |= {"nonfinite": 0, "bins": list(range(1000, 1033))}
    large = [{**histogram, "path": f"net.{at}.weight"} for at in range(4000)]
    module = {"kind": "Linear", "settings": "", "own": 1, "all": 1, "frozen": False, "shape": [2], "units": {}, "depth": 1}
    writer.meta("exhibits", {"distributions": large, "network": [{**module, "path": f"net.{at}"} for at in range(100)]})
    writer.close()
    text = render(fault, "html", replace(context, trace=Trace(tmp_path / "large.sqlite")))
    assert len(text.encode()) < 1_200_000 and "distributions: the page would be larger than 1.2 MB" in text
    assert "<summary>All 100 modules</summary>" in text and re.search(r">99</span>", text)


def test_html_shows_verdict_proof_and_code(fault: Report, context: Context) -> None:
    text = render(fault, "html", context)
    assert '<span class="marked">   2  loss = criterion(model(x), y)</span>' in text
    assert '<span class="removed"><i></i>-y = s(x) </span>' in text
    assert text.index("Cross-entropy receives probabilities") < text.index('class="bars"') < text.index("What else")


def test_the_issue_text_is_the_markdown_report(fault: Report, context: Context) -> None:
    assert page_data(render(fault, "html", context))["issue"] == render(fault, "markdown", context)


def test_formats_need_no_trace(fault: Report) -> None:
    for format in FORMATS:
        assert fault.render(format)
    with pytest.raises(ValueError, match="unknown format"):
        fault.render("pdf")


def test_what_stands_in_backquotes_is_code_and_escaped() -> None:
    assert _code("a `<b>` & c") == "a <code>&lt;b&gt;</code> &amp; c"
    assert _code("one ` and <i>") == "one ` and &lt;i&gt;"
    assert "<" not in str(_code(HOSTILE * 2)).replace("<code>", "").replace("</code>", "")
