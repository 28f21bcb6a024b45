"""How metrics are added up, read from source: faults and their look-alikes."""

from __future__ import annotations

import ast

import pytest

from paramedic.measurements.metric_source import evaluation_loops, last_batches, wrong_counts

PROGRAM = """
train_loader = DataLoader(train_set, batch_size=8)
val_loader = DataLoader(val_set, batch_size=8)
def evaluate(model, val_loader=val_loader):
    correct, seen = 0, 0
    with torch.no_grad():
        for x, y in val_loader:
            {body}
    return {result}
"""


def facts(body: str, result: str) -> list[str]:
    tree = ast.parse(PROGRAM.format(body=body, result=result))
    loop = next(evaluation_loops(tree, 8))
    return [item.why for item in wrong_counts(tree, loop)] + [item.name for item in last_batches(tree, loop)]


ADD = "correct += (model((x - 1) / 2).argmax(1) == y).sum().item()"


@pytest.mark.parametrize(
    ("body", "result", "expected"),
    [
        (ADD, "correct / len(val_loader)", ["batches"]),
        (ADD, "correct / len(train_set)", ["another split"]),
        (ADD, "correct / len(train_loader.dataset)", ["another split"]),
        ("correct = (model(x).argmax(1) == y).sum().item()", "correct / len(val_set)", ["correct"]),
        ("error = (model(x) - y).abs()", "error.mean()", ["error"]),
        (ADD, "correct / len(val_set)", []),
        (ADD, "correct / len(val_loader.dataset)", []),
        (ADD + "; seen += len(y)", "correct / seen", []),
        ("correct += (model(x).argmax(1) == y).float().mean()", "correct / len(val_loader)", []),
        ("correct += (model(x).argmax(1) == y).sum() / len(y)", "correct / len(val_loader)", []),
        ("error = (model(x) - y).abs(); correct += error.sum()", "correct / len(val_set)", []),
        ("error = (model(x) - y).abs(); errors.append(error)", "torch.cat(errors).mean()", []),
    ],
)
def test_sums_and_divisors(body: str, result: str, expected: list[str]) -> None:
    assert facts(body, result) == expected
