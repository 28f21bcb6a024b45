"""The model is validated in training mode."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.samples import batches
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.split_rows import trained_rows
from paramedic.checks.training.modes import calls_of, evaluated_output, kinds, relative_difference
from paramedic.measurements.data.hashing import row_hashes
from paramedic.trace.setup import EvaluationRecord
from paramedic.trace.tape import Leaf

LEAST_DIFFERENCE = 0.01  # of the outputs' standard deviation: below it the mode makes no difference worth a word
LEAST_SHARE = 0.5  # of the recorded evaluation passes
MOST_TRAINED = 0.5  # of the rows of a pass: those that are held out have next to none, a pass over training rows all
EQUALITIES = frozenset({"eq", "__eq__", "ne", "__ne__"})
DECISIONS = frozenset({"argmax", "max", "topk", "round", "gt", "__gt__", "ge", "__ge__"})


class ValidatingInTrainMode(Check):
    """Validation batches go through the model in training mode.

    What it measures: the ``training`` flags of dropout and batch norm layers in forward passes that nobody
    differentiated and whose outputs are compared with targets, or are read once for rows that are not trained on; the same
    batch in both modes at the final weights.
    Why it matters: dropout blurs the outputs, batch norm uses the statistics of the validation batch and learns from
    it: the reported figures are wrong.
    Fix: ``model.eval()`` before validation, ``model.train()`` after it.
    Not a fault when: batch norm statistics are re-estimated on purpose; dropout is kept for an uncertainty estimate.
    References: the article's reason 32; torch.nn.Module.eval.
    """

    reason = "R32"
    name = "validating-in-train-mode"
    also = ("R21",)
    needs = ("evaluation",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        passes = [item for item in case.setup.evaluations if not _is_training_pass(case, item)]
        records = [(record, _active(record)) for record in passes]
        relevant = [(record, active) for record, active in records if active is not None]
        if not relevant:
            raise NotApplicable("no layer of the validated model depends on the mode")
        wrong = [record for record, active in relevant if active and (_is_used(record) or _is_scored(case, record))]
        if len(wrong) <= LEAST_SHARE * len(relevant):
            return
        record = wrong[-1]
        output, scalar = evaluated_output(case, record, training=False)
        shaken, other = evaluated_output(case, record, training=True)
        difference = relative_difference(output, shaken)
        if not difference > LEAST_DIFFERENCE:
            return
        layers = [layer for call in calls_of(record.tape) for layer in call.layers.values()]
        effect = f"the outputs change by {difference:.0%} of their spread"
        if scalar is not None and other is not None:
            effect += f", the batch's result is {float(other):.4g} instead of {float(scalar):.4g}"
        yield self.fault(
            f"validation runs in training mode: {kinds(layers)} active in {len(wrong)} of {len(relevant)} recorded "
            f"passes (expected 0); {effect}: call model.eval() before validation",
            where=record.place,
            evidence=(
                Evidence("training flag in validation", True, "False"),
                Evidence("change of the outputs by the mode", round(difference, 4), "0", "standard deviations"),
            ),
            remedy="call model.eval() before validation, and model.train() after it",
            explains=("R21", "R30", "R25", "R31", "R15", "stale-batchnorm-statistics"),
            exact=True,
        )


def _active(record: EvaluationRecord) -> bool | None:
    """Whether mode-dependent layers of the model were in training mode; None if it has none."""
    flags = [flag for call in calls_of(record.tape) for flag in call.flags.values()]
    return any(flags) and record.training if flags else None


def _is_used(record: EvaluationRecord) -> bool:
    """Whether something besides the output was read together with it: a target; or it was compared with a class."""
    constants = {number for number, leaf in record.tape.leaves.items() if not leaf.parameter}
    computed: set[int] = set()
    for node in record.tape.nodes:
        numbers = set(node.inputs())
        if node.module is record.model:
            computed.update(number for number in node.outputs if number is not None)
        elif numbers & computed:
            if numbers & (constants - computed) or node.name in EQUALITIES:
                return True
            computed.update(number for number in node.outputs if number is not None)
    return False


def _is_scored(case: Case, record: EvaluationRecord) -> bool:
    """Whether the outputs for rows that are not trained on are read once, outside of torch (``pred.numpy()``, a list), by a
    program that trains on targets: for a metric of scikit-learn's, say. Rows that come again and again between two steps
    are an estimate of uncertainty; training rows, or others of their array without a decision, may estimate statistics.
    """
    trained = batches(case)
    if not trained or trained[0].target is None or not (given := _rows_of(record)):
        return False
    rows = given[0]
    if rows.value.shape[1:] != trained[0].inputs.shape[1:]:
        return False
    if record.loader is not None and case.setup.loaders[record.loader].role != "validation":
        return False
    own = row_hashes(rows.value)
    if np.isin(own, trained_rows(case)).mean() >= MOST_TRAINED:
        return False
    same_time = [item for item in case.setup.evaluations if item.after_step == record.after_step]
    again = sum(np.array_equal(own, row_hashes(leaf.value)) for item in same_time for leaf in _rows_of(item))
    if again > 1:
        return False
    decided = any(node.name in DECISIONS for node in record.tape.nodes)
    source, other = rows.source, trained[0].input_leaf.source
    return decided or source is None or other is None or source.origin is None or source.origin is not other.origin


def _rows_of(record: EvaluationRecord) -> list[Leaf]:
    """What the evaluated model is given in each of its calls, its first input that is no parameter."""
    found = []
    for node in record.tape.nodes:
        if node.module is record.model:
            leaves = [record.tape.leaves[number] for number in node.inputs() if number in record.tape.leaves]
            found += [leaf for leaf in leaves if not leaf.parameter and leaf.value.dim() > 0][:1]
    return found


def _is_training_pass(case: Case, record: EvaluationRecord) -> bool:
    """A forward pass with gradients between training steps, as the training loop makes them: not a validation."""
    if not record.grad:
        return False
    loader = case.setup.loaders[record.loader] if record.loader is not None else None
    return loader is None or loader.role == "train"
