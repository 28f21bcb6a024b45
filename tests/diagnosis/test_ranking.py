"""Causes before symptoms; what a cause explains stands under it."""

from __future__ import annotations

from paramedic.checks.finding import Finding, Outcome, Proof
from paramedic.diagnosis.ranking import rank, with_proof
from paramedic.experiments.counterfactual import Fact, Trial
from paramedic.experiments.counterfactual import Outcome as Ended
from paramedic.experiments.interventions import Remedy
from paramedic.report.model import row_statuses


def _finding(reason: str, check: str, level: str = "fault", **details: object) -> Finding:
    return Finding(reason, check, level, f"{check} in words", **details)  # type: ignore[arg-type]


def test_a_symptom_never_stands_before_a_suspected_cause() -> None:
    ranked = rank([_finding("R33", "dead-units", exact=True), _finding("R01", "constant-input", "suspect")])
    assert [item.reason for item in ranked] == ["R01", "R33"]


def test_a_symptom_is_listed_under_a_proven_cause() -> None:
    ranked = rank([_finding("R35", "vanishing-gradients", "suspect"), _finding("R19", "softmax-twice", exact=True)])
    assert [item.reason for item in ranked] == ["R19"]
    assert ranked[0].explains == ("R35 vanishing-gradients: vanishing-gradients in words",)


def test_a_symptom_alone_is_the_verdict() -> None:
    assert rank([_finding("R35", "vanishing-gradients", "suspect")])[0].reason == "R35"


def test_a_symptom_that_is_proven_to_be_mended_is_a_cause() -> None:
    proof = Proof("replay", 1.0, 0.1, (-1.0, -0.8), 3)
    ranked = rank([_finding("R06", "noisy-labels", "suspect"), _finding("R35", "vanishing-gradients", proof=proof)])
    assert ranked[0].reason == "R35"


def test_exact_facts_come_first_and_two_causes_both_stay() -> None:
    soft = _finding("R36", "learning-rate-too-high", gain=0.9)
    ranked = rank([soft, _finding("R34", "missing-zero-grad", exact=True)])
    assert [item.reason for item in ranked] == ["R34", "R36"]


def test_named_rows_and_checks_go_under_their_cause() -> None:
    cause = _finding("R01", "non-finite-input", exact=True, explains=("R37", "loss-diverges"))
    ranked = rank([_finding("R37", "non-finite-origin", exact=True), cause, _finding("R36", "loss-diverges")])
    assert [item.reason for item in ranked] == ["R01"]
    assert len(ranked[0].explains) == 2


def test_notes_are_last_and_never_explained_away() -> None:
    ranked = rank([_finding("R31", "still-improving", "note"), _finding("R19", "softmax-twice", exact=True)])
    assert [item.level for item in ranked] == ["fault", "note"]


def test_the_row_of_an_explained_finding_is_found() -> None:
    symptom, cause = _finding("R35", "vanishing-gradients"), _finding("R19", "softmax-twice", exact=True)
    outcomes = [
        Outcome("vanishing-gradients", ("R35",), "found", findings=(symptom,)),
        Outcome("softmax-twice", ("R19",), "found", findings=(cause,)),
    ]
    statuses = row_statuses(outcomes, rank([symptom, cause]))
    assert statuses["R35"].status == "found" and "R19" in statuses["R35"].why
    assert statuses["R01"].status == "not-checked"


def test_a_row_whose_only_check_found_something_of_another_row_is_found() -> None:
    found = _finding("S5", "cannot-overfit-tiny-set")
    outcomes = [Outcome("cannot-overfit-tiny-set", ("S5", "R27"), "found", findings=(found,))]
    statuses = row_statuses(outcomes, [found])
    assert statuses["R27"].status == "found" and statuses["R27"].why.endswith("(row S5)")
    silent = Outcome("another", ("R27",), "passed")
    assert row_statuses([*outcomes, silent], [found])["R27"].status == "passed"


def test_a_fact_that_does_no_harm_stands_after_a_proven_cause() -> None:
    proof = Proof("no-weight-decay", 1.0, 0.1, (-1.0, -0.8), 3)
    harmless = _finding("R19", "softmax-twice", exact=True, extra={"harmless": True}, explains=("R30",))
    cause = _finding("R30", "too-much-regularization", proof=proof, extra={"cause": 0})
    ranked = rank([harmless, cause])
    assert [item.reason for item in ranked] == ["R30", "R19"]


def test_causes_proven_one_after_the_other_keep_their_order_and_do_not_swallow_each_other() -> None:
    first = _finding("R36", "learning-rate-too-low", extra={"cause": 0})
    second = _finding("R12", "unstandardized-input", extra={"cause": 1}, explains=("R36",))
    assert [item.reason for item in rank([second, first])] == ["R36", "R12"]


def test_a_mended_fact_gets_its_proof_only_if_it_matters() -> None:
    finding = _finding("R34", "missing-zero-grad", exact=True)
    remedy = Remedy()
    remedy.name = "missing-zero-grad"
    hurts = Trial(remedy, [Ended(0.1, float("nan"))] * 3, [Ended(0.9, float("nan"))] * 3)
    proven = with_proof(finding, Fact(finding, remedy, hurts))
    assert proven.proof is not None and proven.proof.before == 0.9 and proven.proof.experiment == "missing-zero-grad"
    same = Trial(remedy, [Ended(0.1, float("nan"))] * 3, [Ended(0.1, float("nan"))] * 3)
    spared = with_proof(finding, Fact(finding, remedy, same, harmless=True))
    assert spared.proof is None and spared.extra["harmless"] and spared.evidence[-1].value == [0.1, 0.1]
