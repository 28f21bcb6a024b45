"""Codes that stand for names are told from columns of numbers on one scale."""

import numpy as np
from sklearn.datasets import load_digits

import paramedic

NAME = "integer-coded-categories"
DIGITS = load_digits()


def notes(inputs: np.ndarray, targets: np.ndarray) -> list[str]:
    report = paramedic.audit((inputs.astype("float32"), targets), select=[NAME])
    return [finding.summary for finding in report.findings if finding.check == NAME]


def test_a_code_without_an_order_is_noted() -> None:
    centre = DIGITS.images[:, 3:5, 3:5].sum(axis=(1, 2)).astype("float32")
    ink = DIGITS.data.sum(axis=1)
    (text,) = notes(np.column_stack([DIGITS.target, ink]), centre)
    assert text.startswith("one column of whole numbers looks like categories (column 0)")
    assert notes(np.column_stack([np.eye(10)[DIGITS.target], ink]), centre) == []


def test_pixels_are_no_categories() -> None:
    assert notes(DIGITS.data, DIGITS.target) == []
