"""The output for one sample depends on the other samples of its batch."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.rerun import place_of_step
from paramedic.checks.implementation.sample_flow import (
    REDUCTIONS,
    RESHAPES,
    Flow,
    Mixing,
    described,
    sample_flow,
)

RECURRENT = frozenset({"lstm", "gru", "rnn_tanh", "rnn_relu"})
ATTENTION = frozenset({"multi_head_attention_forward", "scaled_dot_product_attention"})


class SamplesInfluenceEachOther(Check):
    """The model's output for one sample changes when another sample of the batch changes.

    What it measures: in evaluation mode, one sample of a recorded batch is replaced (or made ten times larger), and
        the outputs of all others are compared, relative to the standard deviation of the output. Exactly zero is
        expected. Then the first operation at which the change reaches another sample is searched.
    Why it matters: a view or reshape that mixes dimensions, a recurrent layer that takes the batch for time, or a
        mean or softmax over the batch: the model trains on scrambled samples, and predicts something else in
        every other batch. No error is raised, because the shapes still fit.
    Fix: permute or transpose before a view, set batch_first=True, reduce over the right dimension.
    Not a fault when: the rows of the batch are meant to see each other (nodes of a graph, a set).
    References: the article's reason 25; A. Karpathy, A Recipe for Training Neural Networks ("use backprop to chart
        dependencies"), 2019.
    """

    reason = "R25"
    name = "samples-influence-each-other"
    needs = ("setup", "replay")
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        flow = sample_flow(case)
        require_verdict(flow)
        for mixing in flow.mixings:
            if mixing.by_statistics or not mixing.certain:
                continue
            yield self._finding_of(case, mixing)

    def _finding_of(self, case: Case, mixing: Mixing) -> Finding:
        step = mixing.steps[0] if mixing.steps else None
        place = place_of_step(case.setup, step.call, mixing.rerun.node) if step else mixing.rerun.node.place
        operation = described(step.call) if step else type(mixing.rerun.module).__name__
        what = "the order of the samples is not kept" if mixing.leak.moved else "samples mix"
        return self.fault(
            f"{what} in {operation}: one changed sample of {mixing.count} changes the output of others by "
            f"{mixing.leak.others:.2g} standard deviations (expected 0): {_advice(mixing)}",
            where=place,
            module=step.call.module_path if step else None,
            evidence=(
                Evidence("change of other samples' output", mixing.leak.others, "0", "standard deviations"),
                Evidence("change of its own output", mixing.leak.own, "above 0", "standard deviations"),
                Evidence("batch dimension of the input", mixing.dim),
            ),
            remedy=_advice(mixing),
            explains=("batch-size-dependent-output", "R05", "R17", "R31", "R32", "R33", "R35", "S5", "causal-leak"),
            exact=True,
        )


def require_verdict(flow: Flow) -> None:
    """NotApplicable or NotChecked where no call could be tested."""
    if not flow.tested and not flow.mixings:
        if any("Error" in text for text in flow.skipped):
            raise NotChecked(flow.skipped[0])
        raise NotApplicable(flow.skipped[0] if flow.skipped else "no module is called with a batch in this program")


def _advice(mixing: Mixing) -> str:
    names = [step.call.name for step in mixing.steps]
    modules = [step.call.module for step in mixing.steps]
    if any(name in RECURRENT or name in ATTENTION for name in names):
        if any(_time_first(module) for module in modules):
            return f"the layer takes dimension {mixing.dim}, the batch, for time: pass batch_first=True"
        return "the layer works along the batch: move the batch to the dimension that the layer expects"
    if any(name in RESHAPES for name in names):
        return "a reshape does not move dimensions: permute or transpose them first, and keep the batch dimension"
    if any("softmax" in name for name in names):
        return "normalize over the classes or keys (dim=-1), not over the batch"
    if any(name in REDUCTIONS for name in names):
        return "reduce over the features of each sample, not over the batch"
    return "keep the batch dimension out of this operation"


def _time_first(module: nn.Module | None) -> bool:
    return getattr(module, "batch_first", None) is False
