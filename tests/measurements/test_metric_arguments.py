"""Which names hold predictions, decisions and targets, and what metrics get of them."""

from __future__ import annotations

import ast
import textwrap

import pytest

from paramedic.measurements.metric_arguments import misused_metrics

IN_A_FUNCTION = """
def evaluate(model, loader):
    scores, truth = [], []
    for x, y in loader:
        out = model(x)
        scores.append(torch.sigmoid(out).cpu())
        truth.append(y)
    scores, truth = torch.cat(scores).numpy(), torch.cat(truth).numpy()
    labels = (scores > 0.5).astype(int)
    return {}
"""


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("roc_auc_score(truth, scores)", []),
        ("roc_auc_score(truth, labels)", [("decided", 9)]),
        ("roc_auc_score(truth, scores.round())", [("decided", 10)]),
        ("metrics.average_precision_score(truth, labels)", [("decided", 9)]),
        ("precision_score(truth, labels)", []),
        ("precision_score(labels, truth)", [("swapped", None)]),
        ("r2_score(scores, truth)", [("swapped", None)]),
        ("r2_score(truth, scores)", []),
        ("accuracy_score(labels, truth)", []),
        ("roc_auc_score(y_true=truth, y_score=scores)", []),
        ("r2_score(scores, scores)", []),
    ],
)
def test_in_a_function(call: str, found: list[tuple[str, int | None]]) -> None:
    tree = ast.parse(IN_A_FUNCTION.replace("{}", call))
    assert [(item.why, item.decided) for item in misused_metrics(tree, 5)] == found


@pytest.mark.parametrize(("call", "found"), [("r2_score(p, t)", ["swapped"]), ("r2_score(t, p)", [])])
def test_in_a_script(call: str, found: list[str]) -> None:
    text = f"""
    def other(t, p):
        return r2_score(p, t)

    with torch.no_grad():
        p, t = net(x_test).numpy() * std + mean, y_test
    print({call})
    """
    tree = ast.parse(textwrap.dedent(text))
    assert [item.why for item in misused_metrics(tree, 6)] == found
