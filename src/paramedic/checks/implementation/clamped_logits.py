"""Raw outputs whose logarithm is taken after they were clamped."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.places import named_loss
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.loss_inputs import SHAPE_OPERATIONS, described, loss_indices, maker_of
from paramedic.experiments.operations import Operation, Operations

CLAMPS = frozenset({"clamp", "clamp_", "clip", "clip_", "clamp_min", "clamp_min_"})
LOGARITHMS = frozenset({"log", "log_", "log2", "log10", "xlogy"})
SLACK = 1e-3  # the sums of a softmax in bfloat16 are further from 1 than this, but none of its entries leaves [0, 1]
SMALL = 0.1  # a lower bound below which the clamp is there for the logarithm
LEAST_SHARE = 0.05  # of the entries: raw outputs lie on the wrong side half of the time, those of a softmax never
LAYERS = frozenset({"linear", "addmm", "matmul", "__matmul__", "conv1d", "conv2d", "conv3d", "add", "__add__", "__radd__"})


class ClampedLogits(Check):
    """A loss clamps raw outputs to what probabilities can be, and takes their logarithm.

    What it measures: the share of the entries before the clamp that lie outside of [0, 1]; below 0 alone where the clamp has
    no upper end and the entries come from a layer directly.
    Why it matters: a clamped entry has no gradient, and the others are no probabilities: raising every output raises all of
    them.
    Fix: a softmax or sigmoid after the last layer, or a loss of logits (``from_logits=True`` in Keras, F.cross_entropy).
    Not a fault when: never for a loss of probabilities.
    References: the article's reason 19; keras.losses, the argument from_logits.
    """

    reason = "R19"
    name = "clamped-logits"
    also = ("R18",)
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        seen = False
        for index in loss_indices(case.lab):
            with case.lab.at("initial"):
                operations = case.lab.operations(index)
                for clamp in _clamped_for_a_logarithm(operations):
                    seen = True
                    share = _outside(operations, clamp)
                    if share >= LEAST_SHARE:
                        yield self._finding_of(operations, clamp, share)
                        return
        if not seen:
            raise NotApplicable("no loss takes a logarithm of clamped outputs")

    def _finding_of(self, operations: Operations, clamp: Operation, share: float) -> Finding:
        maker, _ = maker_of(operations, clamp.inputs[0], before=clamp)
        given = clamp.inputs[0].detach()
        low, high = float(given.min()), float(given.max())
        return self.fault(
            f"the loss takes the logarithm of clamped outputs, and {share:.0%} of them lie outside of 0 to 1 before the clamp "
            f"({low:.3g} to {high:.3g}, from {described(maker)}; expected probabilities): there is no softmax or sigmoid",
            where=named_loss(clamp.place) or clamp.place,
            evidence=(
                Evidence("share of outputs outside of 0 to 1", round(share, 3), "0"),
                Evidence("smallest and largest output", f"{low:.3g} to {high:.3g}", "0 to 1"),
            ),
            remedy="use a loss of logits (from_logits=True in Keras, F.cross_entropy), or end in a softmax or sigmoid",
            explains=("R18", "R36", "R33", "R35", "R31", "R28", "R24", "R17", "R37", "S5", "R30", "R29", "R34", "R12"),
            exact=True,
        )


def _clamped_for_a_logarithm(operations: Operations) -> Iterator[Operation]:
    """Clamps of what is differentiated, within what probabilities can be, whose results go into a logarithm as they are."""
    path = operations.on_path()
    for number, call in enumerate(path):
        if call.name not in CLAMPS or not call.inputs or not call.inputs[0].requires_grad:
            continue
        low, high = _bounds(call)
        if low is None or not 0 < low < SMALL or (high is not None and not 1 - SMALL < high <= 1):
            continue
        carried = {id(item) for item in call.outputs}
        for later in path[number + 1 :]:
            if not any(id(item) in carried for item in later.inputs):
                continue
            if later.name in LOGARITHMS:
                yield call
                break
            if later.name in SHAPE_OPERATIONS:
                carried.update(id(item) for item in later.outputs)


def _bounds(clamp: Operation) -> tuple[float | None, float | None]:
    low, high = clamp.argument(1, "min"), clamp.argument(2, "max")
    if isinstance(low, Tensor) or isinstance(high, Tensor):
        return None, None
    return low, None if clamp.name.startswith("clamp_min") else high


def _outside(operations: Operations, clamp: Operation) -> float:
    """The share of the entries that no clamp of probabilities would change much; 0 where they need not be probabilities."""
    given = clamp.inputs[0].detach().double()
    below = float((given < -SLACK).double().mean())
    if _bounds(clamp)[1] is None:
        maker, _ = maker_of(operations, clamp.inputs[0], before=clamp)
        return below if maker is not None and maker.name in LAYERS else 0.0
    return below + float((given > 1 + SLACK).double().mean())
