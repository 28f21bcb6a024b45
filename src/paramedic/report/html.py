"""One self-contained HTML file: no script, no network, at most a few hundred kilobytes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from paramedic.catalogue import ROW_BY_ID
from paramedic.report.charts import charts
from paramedic.report.context import (
    STATUS_WORDS,
    Context,
    certainty,
    cost_text,
    ended_badly,
    headline,
    place_text,
    proof_text,
)
from paramedic.report.escape import clean, clean_lines, number
from paramedic.report.model import Report, _version
from paramedic.report.svg import bars

CODE_AROUND = 3


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clean=clean, clean_lines=clean_lines, number=number)
    return environment.get_template("report.html.j2")


def render(report: Report, context: Context) -> str:
    """Everything is passed through jinja2's autoescape; only the SVG made here is markup."""
    verdict = report.verdict
    argv = report.program.get("argv") or []
    return _template().render(
        report=report,
        verdict=verdict,
        headline=headline(report),
        ended_badly=ended_badly(report),
        others=[item for item in report.findings if item.level != "note" and item is not verdict],
        notes=[item for item in report.findings if item.level == "note"],
        certainty=certainty,
        place_text=place_text,
        proof_text=proof_text,
        code=lambda finding: context.code(finding.where, CODE_AROUND),
        bars=lambda finding: bars(finding.proof.before, finding.proof.after, finding.proof.unit),
        rows=[
            (ROW_BY_ID[row], status, STATUS_WORDS[status.status]) for row, status in report.reasons.items()
        ],
        counts=[
            (sum(row.status == status for row in report.reasons.values()), word, status)
            for status, word in STATUS_WORDS.items()
        ],
        charts=charts(context.trace),
        cost=cost_text(report),
        ignored=context.ignored,
        program=" ".join(clean(part, 200) for part in argv) if isinstance(argv, list) else clean(argv),
        version=_version(),
    )
