"""What the report shows beside the findings: the network, the data as it sees them, distributions, replays.

Collected after the program has ended, from what was recorded. Each part stands alone: one that fails is left out
and named under "missing".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from paramedic.checks.case import Case
from paramedic.diagnosis.exhibits.data import data
from paramedic.diagnosis.exhibits.network import distributions, network
from paramedic.diagnosis.exhibits.progress import levels, replays
from paramedic.diagnosis.exhibits.settings import environment, fingerprints, settings, sources
from paramedic.diagnosis.exhibits.suspects import suspects

SECONDS = 8.0  # of processor time, as the lab counts it, for all parts together; a part that has begun is finished
MAX_BYTES = 900_000  # of JSON: with the 700 kB of the charts' library the page stays below its 2 MB

# In the order of their worth: a part that does not fit any more is left out.
PARTS: tuple[tuple[str, Callable[[Case], Any]], ...] = (
    ("levels", levels),
    ("replays", replays),
    ("environment", lambda case: environment()),
    ("settings", settings),
    ("fingerprints", fingerprints),
    ("network", network),
    ("suspects", suspects),
    ("data", data),
    ("distributions", distributions),
    ("sources", sources),
)


def exhibits(case: Case) -> dict[str, Any]:
    """JSON values by part, at most MAX_BYTES in all; "missing" says what could not be had and why."""
    from paramedic.diagnosis.examine import _undisturbed
    from paramedic.trace.store import _json

    found: dict[str, Any] = {}
    missing: dict[str, str] = {}
    started, size = time.thread_time(), 0
    for name, part in PARTS:
        if time.thread_time() - started > SECONDS:
            missing[name] = f"there was no time left ({SECONDS:g} s)"
            continue
        try:
            with _undisturbed():
                text = _json(part(case))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the report does without
            missing[name] = f"{type(error).__name__}: {str(error)[:200]}"
            continue
        if size + len(text) > MAX_BYTES:
            missing[name] = f"it would be larger than the report may be ({len(text):,} bytes)"
            continue
        size += len(text)
        if (value := json.loads(text)) is not None:
            found[name] = value
    return {**found, "missing": missing}
