"""Randomly initialized layers that are frozen below trained ones."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.checks.implementation.wiring import (
    SYMPTOMS,
    Named,
    common_path,
    distinct_tapes,
    initial_value,
    layer_names,
    learned,
    registered,
    unchanged,
    weight_share,
)
from paramedic.experiments.train_also import LEAST_GAIN, Gain, gain_of_training
from paramedic.measurements.training.freshness import looks_fresh
from paramedic.trace.place import Place


class FrozenParameters(Check):
    """Layers are frozen at their random initialization.

    What it measures: weight matrices with ``requires_grad=False`` that feed trained layers, never change, and look like
    a random draw (their entries are exchangeable); then the recorded steps again with these layers trained too.
    Why it matters: trained layers on random features reach a fraction of what the network could.
    Fix: freeze only what was trained before; load the pretrained weights before freezing; unfreeze the rest.
    Not a fault when: the frozen layers were loaded, or trained earlier in the program; training them gains nothing
    (random features on purpose).
    References: the article's reason 23; PyTorch tutorial, "Transfer learning".
    """

    reason = "R23"
    name = "frozen-parameters"
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        crashed = _nothing_to_train(case)
        if crashed is not None:
            yield self._all_frozen(case, crashed)
            return
        if case.lab.why_not_replayable() is not None:
            raise NotApplicable(f"no replay: {case.lab.why_not_replayable()}")
        frozen = frozen_below_trained(case)
        if not frozen or learned(case, [item.tensor for item in frozen]):
            raise NotApplicable("no randomly initialized layer is frozen")
        gain = gain_of_training(case.lab, _same_layers(case, frozen)) if case.lab.why_no_budget() is None else None
        if gain is not None and not gain.gain > LEAST_GAIN:
            return
        yield self._finding_of(case, frozen, gain)

    def _finding_of(self, case: Case, frozen: list[Named], gain: Gain | None) -> Finding:
        whole = [item.tensor for item in registered(case).values() if item.root is frozen[0].root]
        share = weight_share([item.tensor for item in frozen], whole)
        say = self.suspect if gain is None else self.fault
        proof = None if gain is None else _proof(gain)
        effect = ""
        if proof is not None:
            effect = f"; with them trained the loss falls to {proof.after:.3g} instead of {proof.before:.3g}"
        return say(
            f"{layer_names(frozen)} are frozen at their random initialization ({share:.0%} of the weights, "
            f"requires_grad=False){effect}: train them, or load pretrained weights before freezing",
            where=froze_place(case, frozen),
            module=common_path(frozen),
            evidence=(
                Evidence("share of the weights frozen at random values", round(share, 4), "0"),
                Evidence("frozen matrices", len(frozen), "0"),
            ),
            remedy="train these layers (requires_grad_(True) and in the optimizer), or load pretrained weights first",
            proof=proof,
            gain=None if gain is None else gain.gain,
            explains=SYMPTOMS,
            exact=gain is not None,
        )

    def _all_frozen(self, case: Case, frozen: list[Named]) -> Finding:
        return self.fault(
            f"no parameter requires a gradient: all {len(frozen)} parameters of the model are frozen, so backward "
            "fails: unfreeze what is to be trained",
            where=froze_place(case, frozen),
            module=common_path(frozen),
            evidence=(Evidence("parameters that require a gradient", 0, "at least 1"),),
            remedy="set requires_grad_(True) on the layers that are to be trained",
            explains=SYMPTOMS,
            exact=True,
        )


def _nothing_to_train(case: Case) -> list[Named] | None:
    """All parameters, if backward failed because every one of them is frozen."""
    ended = case.trace.meta("ended", {}) or {}
    if "does not require grad" not in str(ended.get("message", "")):
        return None
    items = list(registered(case).values())
    return items if items and not any(item.tensor.requires_grad for item in items) else None


def froze_place(case: Case, items: list[Named]) -> Place | None:
    """Where requires_grad was set to False, else where the model was constructed."""
    for item in items:
        entry = case.setup.froze.get(id(item.tensor))
        if entry is not None and entry[0]() is item.tensor and entry[1] is not None:
            return entry[1]
    return next((record.constructed for record in case.setup.models if items and record.module is items[0].root), None)


def frozen_below_trained(case: Case) -> list[Named]:
    """Frozen, unchanged matrices whose results trained layers read (or that stand on trained layers alone)."""
    candidates = {
        key: item
        for key, item in registered(case).items()
        if _was_frozen(case, item.tensor) and item.tensor.dim() > 1 and unchanged(case, item.tensor)
        and looks_fresh(item.tensor) and not _constant(item.tensor)
    }
    if not candidates:
        return []
    feeding: set[int] = set()
    chosen = distinct_tapes(case)
    for index, record in enumerate(case.lab.backwards):
        if any(record is item for item in chosen):
            feeding |= _feeding_trained(case, index, set(candidates))
    return [item for key, item in candidates.items() if key in feeding]


def _was_frozen(case: Case, tensor: Tensor) -> bool:
    for (live, _), wanted in zip(case.setup.initial.tensors, case.setup.initial.wanted, strict=True):
        if live is tensor:
            return not wanted and not tensor.requires_grad
    return False


def _constant(tensor: Tensor) -> bool:
    return bool((tensor == tensor.flatten()[0]).all())


def _feeding_trained(case: Case, index: int, candidates: set[int]) -> set[int]:
    """Those of the candidates that a trained parameter is applied after, or that are applied to trained values only."""
    marks: dict[int, set[int]] = {}
    feeding: set[int] = set()
    on_trained: dict[int, bool] = {}
    for call in case.lab.operations(index).calls:
        inherited: set[int] = set().union(*(marks.get(id(item), set()) for item in call.inputs))
        own = {id(item) for item in call.inputs} & candidates
        trains = any(item.is_leaf and item.requires_grad for item in call.inputs)
        if trains:
            feeding |= inherited | own
        others = [item for item in call.inputs if id(item) not in candidates and item.is_floating_point()]
        for key in own:
            computed = any(item.requires_grad and not item.is_leaf for item in others)
            on_trained[key] = on_trained.get(key, True) and computed
        for item in call.outputs:
            marks[id(item)] = inherited | own
    return feeding | {key for key, value in on_trained.items() if value}


def _same_layers(case: Case, frozen: list[Named]) -> list[Tensor]:
    """All frozen parameters of the modules that hold the matrices: their biases too."""
    modules = {id(item.module) for item in frozen}
    return [
        item.tensor
        for item in registered(case).values()
        if id(item.module) in modules and not item.tensor.requires_grad and initial_value(case, item.tensor) is not None
    ]


def _proof(gain: Gain) -> Proof:
    median = torch.tensor(gain.before).median().item(), torch.tensor(gain.after).median().item()
    differences = sorted(other - one for one, other in zip(gain.before, gain.after, strict=True))
    return Proof(
        "the recorded steps again with the frozen layers trained too", median[0], median[1],
        (differences[0], differences[-1]), len(differences), "loss", "requires_grad",
    )
