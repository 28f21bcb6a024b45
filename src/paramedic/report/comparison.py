"""Two runs on one page: what is not the same, and both losses on one chart. Self-contained, as the report is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from paramedic.report.charts import charts
from paramedic.report.escape import clean, number
from paramedic.report.html import asset, environment, script, script_hash, script_json
from paramedic.report.model import _version
from paramedic.trace.store import Trace

CURVES = (("loss", "Loss"), ("metric", "Validation"), ("lr", "Learning rate"), ("gradient", "Gradient norm"))
CODE = {"+": "added", "-": "removed"}


def render(comparison: dict[str, Any], traces: Sequence[Trace]) -> str:
    """``comparison`` is that of `paramedic compare --format json`."""
    numbers = [charts(trace) for trace in traces]
    curves = [
        {
            "key": key,
            "title": title,
            "series": [
                {"name": f"{run}: {series['name']}", "run": run, "points": series["points"]}
                for run, found in zip("AB", numbers, strict=True)
                for series in found.get("curves", {}).get(key, ())
            ],
        }
        for key, title in CURVES
    ]
    scripts = [asset("vendor/echarts.custom.min.js"), script("comparison.js")]
    return environment().get_template("comparison.html.j2").render(
        comparison=comparison,
        runs=[clean(run, 120) for run in comparison["runs"]],
        facts=[(name, *map(_shown, values)) for name, values in comparison["facts"].items()],
        parts=[
            (title, [(name, *map(_shown, values)) for name, values in comparison[part].items()])
            for part, title in (("settings", "Settings"), ("fingerprints", "Data"), ("environment", "Environment"))
        ],
        code=[("dim" if line[:4] in ("--- ", "+++ ") else CODE.get(line[:1], ""), line) for line in comparison["code"]],
        curves=[item for item in curves if item["series"]],
        css=Markup(asset("page/report.css")),
        echarts=Markup(scripts[0]),
        script=Markup(scripts[1]),
        hashes=Markup(" ".join(map(script_hash, scripts))),
        version=_version(),
        page_data=Markup(script_json({"curves": curves})),
    )


def _shown(value: Any) -> str:
    return "–" if value is None else number(value, 4)
