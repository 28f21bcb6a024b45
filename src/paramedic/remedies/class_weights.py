"""Class weights in the loss, from the number of rows of each class."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import evidence
from paramedic.remedies.source import NoPatch, Source, argument, with_argument

CHECKS = ("minority-class-ignored",)
LOSSES = {
    "CrossEntropyLoss": "weight", "NLLLoss": "weight", "cross_entropy": "weight", "nll_loss": "weight",
    "BCEWithLogitsLoss": "pos_weight", "binary_cross_entropy_with_logits": "pos_weight",
}  # fmt: skip
MAX_CLASSES = 20  # more numbers than that nobody wants in a line


def rewrite(source: Source, finding: Finding) -> None:
    """``weight=torch.tensor([...])``: rows over (classes x rows of the class), as scikit-learn's "balanced"."""
    counts = evidence(finding, "rows per class")
    if not isinstance(counts, (list, tuple)) or not 2 <= len(counts) <= MAX_CLASSES or not all(counts):
        raise NoPatch("the number of rows per class is not known")
    found = [call for call in source.calls() if source.called(call) in LOSSES]
    if len(found) != 1:
        raise NoPatch("no single loss")
    call = found[0]
    name = LOSSES[source.called(call)]
    if argument(call, name) is not None and evidence(finding, "weight of the largest class in that of the smallest") is None:
        raise NoPatch("there are class weights already")
    total = sum(counts)
    if name == "pos_weight":
        if len(counts) != 2:
            raise NoPatch("not two classes")
        code = f"{source.torch()}.tensor({counts[0] / counts[1]:.4g})"
    else:
        weights = ", ".join(f"{total / (len(counts) * count):.4g}" for count in counts)
        code = f"{source.torch()}.tensor([{weights}])"
    source.change(call, lambda node: _with(node, name, code))


def _with(node: cst.Call, name: str, code: str) -> cst.Call:
    return with_argument(node, name, code)
