"""One self-contained HTML file of at most 2 MB: no network, charts by a vendored Apache ECharts.

A Content-Security-Policy allows the two scripts that stand in it, by their hashes, and nothing else. Without scripts
the verdict, its proof, the rows and the network can be read all the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from paramedic.catalogue import ROW_BY_ID
from paramedic.checks.finding import Finding
from paramedic.checks.registry import descriptions
from paramedic.remedies.patching import HUNK, PatchError, file_of, hunks_of
from paramedic.report import svg
from paramedic.report.charts import charts
from paramedic.report.context import (
    STATUS_WORDS,
    Context,
    claim,
    confidence,
    cost_text,
    ended_badly,
    ended_early,
    evidence,
    headline,
    known_text,
    learned,
    phases_text,
    place_text,
    proof_text,
    sentence,
)
from paramedic.report.distributions import distributions
from paramedic.report.escape import clean, clean_lines, number
from paramedic.report.model import Report, _version
from paramedic.trace.place import Place

MAX_BYTES = 2_000_000  # of the page
LARGE_PARTS = ("distributions", "heat", "suspects", "data", "network", "replays")  # the first of them is the first to go
FOLDED = 40  # modules; a longer tree is opened by those who look for it
CODE_AROUND = 3
MARKS = {"found": "!", "passed": "✓", "not-applicable": "–", "not-checked": "?"}
HERE = Path(__file__).parent
PARTS = {
    "loss": "Loss",
    "experiments": "Experiments",
    "data": "Data",
    "network": "Network",
    "layers": "Layers over the steps",
    "distributions": "Distributions of the layers",
    "about": "Environment and cost",
}


@cache
def environment() -> Environment:
    """Of all pages: texts of the program are escaped."""
    made = Environment(
        loader=FileSystemLoader(HERE / "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(clean=clean, clean_lines=clean_lines, number=number, sentence=sentence, code=_code)
    return made


def _code(text: str) -> Markup:
    """What stands in backquotes as code, all of it escaped."""
    parts = str(text).split("`")
    if len(parts) % 2 == 0:
        return Markup(escape(text))
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts))


@cache
def asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8").strip()


def script(name: str) -> str:
    """The script of a page, with what the pages have in common."""
    return f"{asset('page/zoom.js')}\n{asset(f'page/{name}')}"


def render(report: Report, context: Context, live: bool = False) -> str:
    """The page, with as many of its parts as fit into MAX_BYTES; what is left out is named.

    live: the page of a program that runs, which asks its server for news.
    """
    exhibits, numbers = _exhibits(context), charts(context.trace)
    numbers["distributions"] = distributions(context.trace, exhibits)
    text = _page(report, context, exhibits, numbers, live)
    for part in LARGE_PARTS:
        if len(text.encode("utf-8")) <= MAX_BYTES:
            break
        missing = {**(exhibits.get("missing") or {}), part: f"the page would be larger than {MAX_BYTES / 1e6:g} MB"}
        exhibits, numbers = ({name: item for name, item in parts.items() if name != part} for parts in (exhibits, numbers))
        exhibits["missing"] = missing
        text = _page(report, context, exhibits, numbers, live)
    return text


def _page(report: Report, context: Context, exhibits: dict[str, Any], numbers: dict[str, Any], live: bool) -> str:
    """Text passes through jinja2's autoescape or, for the scripts, as JSON; markup is only what is made here."""
    page_data = {
        **numbers,
        "levels": exhibits.get("levels"),
        "replays": _replays(exhibits.get("replays"), report),
        "data": _without_samples(exhibits.get("data")),
        "rows": _rows(report),
        "layer": _first_layer(numbers.get("distributions"), report),
    }
    scripts = [asset("vendor/echarts.custom.min.js"), script("report.js")]
    verdict = report.verdict
    argv = report.program.get("argv") or []
    network = _network(exhibits.get("network"), report)
    about = exhibits.get("environment") or (context.trace.meta("environment") if context.trace else None)
    anchors = {
        "loss": live or bool(numbers.get("curves", {}).get("loss")),
        "experiments": len(exhibits.get("replays") or ()) > 1,
        "data": bool(exhibits.get("data")),
        "network": bool(network),
        "layers": live or bool(numbers.get("heat")),
        "distributions": live or bool(numbers.get("distributions")),
        "about": True,
    }
    return environment().get_template("report.html.j2").render(
        report=report,
        live=live,
        verdict=verdict,
        headline=headline(report),
        ended_badly=ended_badly(report),
        crash_code=context.code(_crash_place(report), CODE_AROUND),
        ended_early=ended_early(report),
        others=[item for item in report.findings if item.level != "note" and item is not verdict],
        notes=[item for item in report.findings if item.level == "note"],
        known=[known_text(item) for item in report.known],
        claim=claim,
        confidence=confidence,
        place_text=place_text,
        proof_text=proof_text,
        code=lambda finding: context.code(finding.where, CODE_AROUND),
        in_patch=_in_patch,
        diff_lines=_diff_lines,
        changed_place=_changed_place,
        bars=_bars,
        evidence=evidence,
        sparkline=svg.sparkline,
        rows=[
            (ROW_BY_ID[row], status, STATUS_WORDS[status.status]) for row, status in report.reasons.items()
        ],
        marks=MARKS,
        counts=[
            (sum(row.status == status for row in report.reasons.values()), word, status)
            for status, word in STATUS_WORDS.items()
        ],
        anchors=[name for name, there in anchors.items() if there],
        parts=[(name, PARTS[name]) for name, there in anchors.items() if there],
        data=exhibits.get("data"),
        suspects=exhibits.get("suspects") or {},
        network=network,
        folded=len(network) > FOLDED,
        network_size=f"{sum(row['own'] for row in network):,}",
        settings=exhibits.get("settings"),
        environment=about if isinstance(about, dict) else {},
        missing=exhibits.get("missing") or {},
        steps=report.program.get("steps"),
        cost=cost_text(report),
        phases=phases_text(report),
        ignored=context.ignored,
        program=" ".join(clean(part, 200) for part in argv) if isinstance(argv, list) else clean(argv),
        version=_version(),
        css=Markup(asset("page/report.css")),
        echarts=Markup(scripts[0]),
        script=Markup(scripts[1]),
        hashes=Markup(" ".join(map(script_hash, scripts))),
        connect="; connect-src 'self'" if live else "",
        page_data=Markup(script_json({**_cleaned(page_data), "issue": _issue(report, context)})),
    )


def script_json(value: Any) -> str:
    """JSON that may stand inside a script element: ASCII without any character that HTML gives a meaning to."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def script_hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _cleaned(value: Any) -> Any:
    """All texts of a JSON value without control characters."""
    if isinstance(value, dict):
        return {clean(key, 200): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return clean_lines(value, 8_000) if isinstance(value, str) else value


def _exhibits(context: Context) -> dict[str, Any]:
    found = context.trace.meta("exhibits") if context.trace is not None else None
    return found if isinstance(found, dict) else {}


def _issue(report: Report, context: Context) -> str:
    from paramedic.report.markdown import render as markdown

    return markdown(report, context)


def _rows(report: Report) -> dict[str, Any]:
    """What the strip and its dialog show, by row."""
    return {
        row: {
            "title": ROW_BY_ID[row].title,
            "word": STATUS_WORDS[status.status],
            "why": clean(status.why, 600),
            "pages": [
                {"name": item.name, "doc": item.doc}
                for item in descriptions()
                if row == item.reason or row in item.also
            ],
        }
        for row, status in report.reasons.items()
    }


def _crash_place(report: Report) -> Place | None:
    crashed = report.program.get("crashed")
    place = crashed.get("place") if isinstance(crashed, dict) else None
    if not isinstance(place, dict) or not isinstance(place.get("line"), int):
        return None
    return Place(str(place.get("file")), place["line"])


def _bars(finding: Finding) -> Markup | None:
    proof = finding.proof
    assert proof is not None
    if proof.unit == "u":
        before, after, interval = learned(proof)
        return svg.bars(before, after, interval, "percent")
    return svg.bars(proof.before, proof.after, proof.interval, "value", proof.unit)


def _diff_lines(patch: str) -> list[tuple[str, str, str]]:
    """(class, number, line) of what a patch changes and what stands around it: without empty lines at the ends.

    number: of the line in the file as it is; an added line has none.
    """
    found: list[tuple[str, str, str]] = []
    part: list[tuple[str, str, str]] = []
    at = 0
    for line in [*clean_lines(patch).strip("\n").split("\n")[2:], "@@ end"]:
        if not line.startswith("@@ "):
            kind = {"+": "added", "-": "removed"}.get(line[:1], "")
            part.append((kind, "" if kind == "added" or not at else str(at), line))
            at += bool(at) and kind != "added"
            continue
        written = [index for index, (kind, _, text) in enumerate(part) if kind or text.strip()]
        if written:
            found += [("dim", "", "...")] * bool(found) + part[written[0] : written[-1] + 1]
        part = []
        start = HUNK.match(line)
        at = int(start.group(1)) if start else 0
    return found


def _changed_place(finding: Finding) -> str:
    """Where the patch of a finding begins to change, where that is not the place that the finding names; "" otherwise."""
    text = finding.remedy.patch if finding.remedy is not None else None
    if not text or _in_patch(finding):
        return ""
    try:
        hunk = hunks_of(text)[0]
        same = next((at for at, (old, new) in enumerate(zip(hunk.old, hunk.new, strict=False)) if old != new), 0)
        return f"{clean(file_of(text), 200)}:{hunk.start + same + 1}"
    except (PatchError, IndexError):
        return ""


def _in_patch(finding: Finding) -> bool:
    """Whether the patch shows the line that the finding speaks of: it need not stand there twice."""
    text = finding.remedy.patch if finding.remedy is not None else None
    if not text or finding.where is None:
        return False
    try:
        same = file_of(text) == finding.where.file
    except PatchError:
        return False
    return same and any(hunk.start < finding.where.line <= hunk.start + len(hunk.old) for hunk in hunks_of(text))


def _replays(replays: Any, report: Report) -> Any:
    """The experiments, those first and marked that prove a finding; "beside": which one they are to be compared with."""
    if not isinstance(replays, list):
        return None
    proven = {finding.proof.changed for finding in report.findings if finding.proof is not None} - {""}
    marked = []
    for replay in (item for item in replays if isinstance(item, dict)):
        name = str(replay.get("changed"))
        mended = next((name.removesuffix(f" and {item}") for item in proven if name.endswith(f" and {item}")), "")
        marked.append({**replay, "title": sentence(name), "proves": name in proven or bool(mended), "beside": mended})
    return sorted(marked, key=lambda replay: not replay["proves"])


def _without_samples(data: Any) -> Any:
    """The samples stand in the page itself."""
    if not isinstance(data, dict):
        return None
    roles = {role: {"classes": part.get("classes")} for role, part in data.get("roles", {}).items()}
    return {"roles": roles, "values": data.get("values")}


def _network(rows: Any, report: Report) -> list[dict[str, Any]]:
    """The rows of the tree, each with its findings: those that name this module, or a parameter of its own."""
    if not isinstance(rows, list):
        return []
    paths = {row["path"] for row in rows}
    at: dict[str, list[Finding]] = {}
    for finding in report.findings:
        path = finding.module or ""
        while path and path not in paths and "." in path:
            path = path.rpartition(".")[0]
        at.setdefault(path, []).append(finding)
    return [
        {
            **row,
            "label": row["path"].rpartition(".")[2] if row["depth"] else row["path"],
            "findings": at.get(row["path"], []),
            "units_text": _units(row.get("units") or {}),
        }
        for row in rows
    ]


def _first_layer(shown: Any, report: Report) -> int | None:
    """Which layer's distributions are shown first: the one that a finding names; None for the page's own choice."""
    layers = shown["layers"] if shown else []
    for path in (clean(item.module or "", 200) for item in report.findings if item.level != "note"):
        for at, name in enumerate(layers if path else ()):
            if name == path or name.startswith(f"{path}.") or path.startswith(f"{name}."):
                return at
    return None


def _units(units: dict[str, dict[str, float]]) -> str:
    """ "dead 12 % → 80 %", of those that are worth a look."""
    parts = []
    for kind in ("dead", "saturated"):
        shares = [units.get(state, {}).get(kind) for state in ("initial", "final")]
        known = [share for share in shares if isinstance(share, (int, float))]
        if known and max(known) > 0:
            parts.append(f"{kind} " + " → ".join("?" if s is None else f"{100 * s:.0f} %" for s in shares))
    return ", ".join(parts)
