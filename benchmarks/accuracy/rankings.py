"""Other orders of the same findings, to see what the ranking is worth."""

from __future__ import annotations

from typing import Any

Findings = list[dict[str, Any]]


def alarms(report: dict[str, Any]) -> Findings:
    return [finding for finding in report["findings"] if finding["level"] != "note"]


def rules_only(report: dict[str, Any]) -> Findings:
    """Findings that no experiment was needed for, in their order."""
    return [finding for finding in alarms(report) if not finding["proof"]]


def counterfactual_only(report: dict[str, Any]) -> Findings:
    """Findings that an experiment proved, the largest gain first."""
    proven = [finding for finding in alarms(report) if finding["proof"]]
    return sorted(proven, key=lambda item: item["proof"]["after"] - item["proof"]["before"])


ORDERS = {"paramedic": alarms, "rules only": rules_only, "counterfactuals only": counterfactual_only}
