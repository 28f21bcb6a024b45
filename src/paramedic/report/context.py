"""What a format may look up beside the report: the lines of the program, and the stored trace."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from paramedic.checks.finding import Evidence, Finding, Proof, percent_learned
from paramedic.checks.registry import Description, PluginError, descriptions, plugin_description
from paramedic.report.escape import clean, number
from paramedic.report.model import Known, Report
from paramedic.trace.place import Place
from paramedic.trace.store import Trace

MAX_SOURCE_BYTES = 2_000_000
STATUS_WORDS = {
    "found": "found",
    "passed": "passed",
    "not-applicable": "not applicable",
    "not-checked": "not checked",
}


@dataclass(frozen=True)
class CodeLine:
    """One line of the user's code; ``marked`` is the line that a finding speaks of."""

    number: int
    text: str
    marked: bool


@dataclass(frozen=True)
class Context:
    """root: the program's working directory. started: when the run began (seconds since 1970; later edits of
    a file make its lines unknown). ignored: rows and checks that the user switched off, with the reason.
    """

    root: Path = Path()
    run: Path | None = None
    trace: Trace | None = None
    started: float | None = None
    color: bool = False
    width: int = 80
    fail_on: str = "fault"
    ignored: Mapping[str, str] = field(default_factory=dict)

    def code(self, place: Place | None, around: int = 0) -> list[CodeLine]:
        """The line of ``place`` with ``around`` lines on each side; empty if it cannot be read as it was."""
        if place is None or place.line < 1:
            return []
        path = self.root / place.file
        try:
            info = path.stat()
            if not path.is_file() or path.suffix != ".py" or info.st_size > MAX_SOURCE_BYTES:
                return []
            if self.started is not None and info.st_mtime > self.started:
                return []
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except (OSError, ValueError):
            return []
        if place.line > len(lines):
            return []
        first, last = max(1, place.line - around), min(len(lines), place.line + around)
        return [
            CodeLine(at, clean(lines[at - 1].expandtabs(4), 300), at == place.line)
            for at in range(first, last + 1)
        ]


def place_text(finding: Finding) -> str:
    """ "train.py:41 (net.3)", as far as it is known."""
    module = clean(finding.module, 120) if finding.module else ""
    if module and not any(letter.isalpha() for letter in module):  # "0.1" of nested sequences
        module = f"layer {module}"
    if finding.where is None:
        return module
    line = f":{finding.where.line}" if finding.where.line else ""  # a file of data has none
    place = f"{clean(finding.where.file, 200)}{line}"
    return f"{place} ({module})" if module else place


def certainty(finding: Finding) -> str:
    """ "fault, proven by experiment", "fault, exact", "suspect, unproven"."""
    if finding.level == "fault":
        return "fault, proven by experiment" if finding.proof else "fault, exact"
    return "suspect, unproven" if finding.level == "suspect" else "note"


def claim(finding: Finding) -> str:
    """What is wrong, in a sentence without numbers: the first line of the check's page."""
    page = next((item for item in descriptions() if item.name == finding.check), None) or _of_plugin(finding.check)
    if page is None or not page.doc:
        return clean(finding.check, 120).replace("-", " ").capitalize()
    return page.doc.splitlines()[0].rstrip(".").replace("``", "")


@cache
def _of_plugin(check: str) -> Description | None:
    """The page of a plugin's check, as long as the plugin is installed and works."""
    try:
        return plugin_description(check)
    except PluginError:
        return None


def confidence(finding: Finding) -> tuple[str, str]:
    """How sure it is: a word, and why."""
    if finding.proof is not None and finding.proof.seeds < 2 and finding.proof.unit != "u":
        return "Proven", "an experiment on a copy, with this one thing changed"
    if finding.proof is not None:
        seeds = f"{finding.proof.seeds} seed" + ("s" if finding.proof.seeds != 1 else "")
        return "Proven", f"the same training was repeated on a copy with this one thing changed, with {seeds}"
    if finding.level == "fault":
        return "Certain", "a fact that was read off the program itself, nothing estimated"
    if finding.level == "suspect":
        return "Likely", "what was measured is significant, but no experiment has proven it"
    return "Note", "worth knowing, no alarm"


NAMES = {"p": "p-value"}  # of evidence, as people read them


def evidence(finding: Finding) -> tuple[Evidence, ...]:
    """What was measured, in words: without what the proof shows already (values on the progress scale u)."""
    shown = finding.evidence if finding.proof is None else [item for item in finding.evidence if item.unit != "u"]
    return tuple(_in_words(item) if item.unit == "u" else replace(item, name=NAMES.get(item.name, item.name)) for item in shown)


def _in_words(item: Evidence) -> Evidence:
    """ "u at the end: 0.98 (below 0.2)", which is 0 for perfect, as "learned at the end: 2 % (above 80 %)"."""
    gain = item.name.startswith("gain in u")  # a difference, of which more is better already
    turned = {} if gain else {"below": "above", "above": "below", "least": "most", "fall": "rise"}

    def share(value: Any) -> str:
        known = isinstance(value, (int, float))
        return percent_learned(1 - value if gain else value) if known else number(value)

    def words(text: str) -> str:
        text = re.sub(r"(?<=below |above |about )[\d.]+", lambda found: share(float(found[0])), text)
        text = re.sub(r"\b[a-z]+\b", lambda word: turned.get(word[0], word[0]), text)
        return re.sub(r"\bu\b", "learned", text.replace("gain in u", "gain"))

    values = item.value if isinstance(item.value, (list, tuple)) else [item.value]
    return replace(item, name=words(item.name), value=", ".join(map(share, values)), expected=words(item.expected), unit="")


def sentence(text: str) -> str:
    """With a capital letter, unless it begins with a name of the program or of torch."""
    word = text.split(" ", 1)[0].rstrip(",:")
    return text[:1].upper() + text[1:] if word.isalpha() and word.islower() else text


def headline(report: Report) -> str:
    """The verdict in one sentence."""
    verdict = report.verdict
    if verdict is not None:
        place = place_text(verdict).split(" (")[0] if verdict.where is not None else ""
        return claim(verdict) + (f": {place}" if place else "")
    if ending := ended_badly(report):
        return ending
    if unexamined := report.program.get("unexamined"):
        return clean(unexamined, 400)
    passed = sum(row.status == "passed" for row in report.reasons.values())
    if not passed:
        return f"{_nothing(report)}, but nothing could be checked either"
    return f"{_nothing(report)}: {passed} of {len(report.reasons)} rows checked and passed"


def _nothing(report: Report) -> str:
    """ "Nothing found", or what is left to say where all that was found is known."""
    count = len(report.known)
    return f"Nothing new ({count} known finding{'s' if count != 1 else ''})" if count else "Nothing found"


def known_text(known: Known) -> str:
    """A known finding in one line: row, check, place, and why it is known."""
    reason = clean(known.reason, 200) or "no reason given"
    why = "in the baseline" if known.why == "baseline" else f"ignored in the code: {reason}"
    return f"{known.finding.reason} {clean(known.finding.check, 120)} {place_text(known.finding)} ({why})"


def ended_badly(report: Report) -> str:
    """How the program ended if it did not come to its own good end, in one line; empty otherwise."""
    program = report.program
    steps = program.get("steps")
    after = f" after step {steps}" if isinstance(steps, int) and steps else " before its first optimizer step"
    crashed = program.get("crashed")
    if isinstance(crashed, dict):
        if crashed.get("kind") == "interrupted":
            return f"The program was interrupted{after}"
        if crashed.get("kind") == "killed":
            return clean(crashed.get("message") or f"The program was killed{after}", 400)
        place = crashed.get("place")
        at = (
            f" at {clean(place.get('file'), 200)}:{clean(place.get('line'), 12)}"
            if isinstance(place, dict)
            else ""
        )
        said = [clean(crashed[key], 300) for key in ("error", "message") if crashed.get(key)]
        return f"The program crashed{after}{at}: {': '.join(said) or 'unknown error'}"
    if crashed:
        return f"The program crashed{after}: {clean(crashed, 300)}"
    if program.get("exit_code"):
        return f"The program ended itself{after} with exit code {clean(program['exit_code'], 12)}"
    return ""


def ended_early(report: Report) -> str:
    """By which option the program was ended before its own end; empty if by none."""
    option = {"steps-reached": "--steps", "fault-found": "--fail-fast"}.get(str(report.program.get("ended")))
    return f"by {option} after step {report.program.get('steps')}, before the program's own end" if option else ""


def proof_text(finding: Finding) -> str:
    """The experiment's result in one sentence."""
    proof = finding.proof
    assert proof is not None
    changed = clean(proof.changed or proof.experiment, 200)
    if proof.unit != "u":
        low, high = map(number, proof.interval)
        unit = clean(proof.unit, 40)  # a name goes before the numbers, "of the labels read" after them
        shown = f"{number(proof.before)} → {number(proof.after)}"
        shown = f"{shown} {unit}" if " " in unit else f"{unit} {shown}"
        seeds = f", {proof.seeds} seeds" if proof.seeds > 1 else ""
        return f"{changed}: {shown} (95 % interval of the change {low} to {high}{seeds})"
    before, after, (low_share, high_share) = learned(proof)
    return (
        f"{changed}: learned {percent(before)} → {percent(after)} of the way from chance to perfect "
        f"(95 % interval of the gain {percent(low_share)} to {percent(high_share)}, {proof.seeds} seeds)"
        f"{_repeat(proof.experiment)}"
    )


def percent(share: float) -> str:
    """ "12 %"; what is clearly below chance is named so, for "-300 %" says nothing more."""
    return percent_learned(1 - share)


def learned(proof: Proof) -> tuple[float, float, tuple[float, float]]:
    """Before, after and the interval of the change, as shares of the way from chance (0) to perfect (1)."""
    low, high = proof.interval
    return 1 - proof.before, 1 - proof.after, (-high, -low)


def _repeat(experiment: str) -> str:
    """How to repeat an experiment that has a name; those that need a sentence cannot be repeated by themselves."""
    named = experiment and not any(letter.isspace() for letter in experiment)
    return f"; repeat it with `paramedic replay RUN {clean(experiment, 200)}`" if named else ""


def cost_text(report: Report) -> str:
    """What observing and experimenting cost, as far as it was measured."""
    parts = []
    overhead, seconds = report.cost.get("overhead"), report.cost.get("experiments_s")
    if isinstance(overhead, (int, float)):
        parts.append(f"observing {number(100 * overhead, 2)} % of the program's time")
    if isinstance(seconds, (int, float)):
        parts.append(f"checks and experiments {seconds:.1f} s{_in_processes(report)}")
    return ", ".join(parts)


def _in_processes(report: Report) -> str:
    count, why = report.cost.get("processes"), report.cost.get("one_process")
    if isinstance(count, int) and count > 1:
        return f" in {count} processes"
    return f" in one process ({clean(why, 100)})" if why else ""


def phases_text(report: Report) -> str:
    """Which of several trainings in one program was diagnosed, and what was done with the others; "" for one."""
    phases = [item for item in report.program.get("phases") or [] if isinstance(item, dict)]
    diagnosed = next((item for item in phases if item.get("diagnosed")), None)
    if diagnosed is None:
        return ""
    parts = [
        f"{number(report.program.get('phases_seen'))} trainings one after the other; diagnosed: {_phase(diagnosed)} "
        f"({clean(diagnosed.get('why'), 100)})"
    ]
    reasons: dict[str, list[str]] = {}
    for item in phases:
        if item is not diagnosed:
            why = item.get("unexamined")
            text = f"not examined, {clean(why, 100)}" if why else "examined for exact facts only"
            reasons.setdefault(text, []).append(_phase(item))
    return "; ".join([*parts, *(f"{text}: {', '.join(those)}" for text, those in reasons.items())])


def _phase(item: dict[str, Any]) -> str:
    first, steps = item.get("first_step"), item.get("steps")
    span = f"steps {first} to {first + max(1, steps) - 1}" if isinstance(first, int) and isinstance(steps, int) else ""
    made = f", optimizer of {clean(item.get('optimizer'), 200)}" if item.get("optimizer") else ""
    return f"number {number(item.get('phase'))}, {span}{made}"


def grouped_rows(report: Report) -> dict[str, dict[str, list[str]]]:
    """status -> why -> rows, in the catalogue's order. Rows that were found or passed need no reason."""
    groups: dict[str, dict[str, list[str]]] = {status: {} for status in STATUS_WORDS}
    for row, status in report.reasons.items():
        why = "" if status.status in ("found", "passed") else clean(status.why, 300)
        groups[status.status].setdefault(why, []).append(row)
    return groups


def next_command(report: Report) -> str:
    """What to type next; empty if there is nothing."""
    if report.verdict is None:
        return ""
    return f"paramedic explain {shlex.quote(clean(report.verdict.check, 120))}"
