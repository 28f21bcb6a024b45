"""Randomly initialized layers that are frozen below trained ones."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.checks.implementation.wiring import (
    SYMPTOMS,
    Named,
    common_path,
    layer_names,
    learned,
    registered,
    weight_share,
)
from paramedic.experiments.counterfactual import proven
from paramedic.experiments.frozen import frozen_below_trained, frozen_with_a_copy, same_layers
from paramedic.experiments.train_also import LEAST_GAIN, Gain, gain_of_training
from paramedic.trace.place import Place


class FrozenParameters(Check):
    """Layers are frozen at their random initialization, or together with a copy that shares them.

    What it measures: weight matrices with ``requires_grad=False`` that feed trained layers, never change, and look like
    a random draw (their entries are exchangeable), or that belong to a second module of the same class as well, which is
    called without gradients; then the recorded steps again with these layers trained too.
    Why it matters: trained layers on random features reach a fraction of what the network could; and who freezes a shallow
    copy freezes the original.
    Fix: freeze only what was trained before; load the pretrained weights before freezing; unfreeze the rest. A copy that
    is to stay as it is needs ``copy.deepcopy``.
    Not a fault when: the frozen layers were loaded, or trained earlier in the program; training them gains nothing
    (random features on purpose).
    References: the article's reason 23; PyTorch tutorial, "Transfer learning".
    """

    reason = "R23"
    name = "frozen-parameters"
    cost = "experiment"
    after_facts = 1

    def examine(self, case: Case) -> Iterator[Finding]:
        crashed = _nothing_to_train(case)
        if crashed is not None:
            yield self._all_frozen(case, crashed)
            return
        if case.lab.why_not_replayable() is not None:
            raise NotApplicable(f"no replay: {case.lab.why_not_replayable()}")
        shared = frozen_with_a_copy(case)
        if shared and case.lab.why_no_budget() is None:
            effect = gain_of_training(case.lab, same_layers(case, shared))
            if effect.gain > LEAST_GAIN:
                yield self._shared(case, shared, _proof(effect), effect.gain)
                return
        frozen = [item for item in frozen_below_trained(case) if not case.setup.was_loaded(item.tensor)]
        if not frozen or learned(case, [item.tensor for item in frozen]):
            raise NotApplicable("no randomly initialized layer is frozen")
        gain = gain_of_training(case.lab, same_layers(case, frozen)) if case.lab.why_no_budget() is None else None
        if gain is None:
            yield self._finding_of(case, frozen)
        elif gain.gain > LEAST_GAIN:
            yield self._finding_of(case, frozen, _proof(gain), gain.gain)
        else:
            trial = proven(case, self.name)  # with another cause mended that hid it
            if trial is not None:
                yield self._finding_of(case, frozen, trial.proof(), trial.gain)

    def _finding_of(
        self, case: Case, frozen: list[Named], proof: Proof | None = None, gain: float | None = None
    ) -> Finding:
        whole = [item.tensor for item in registered(case).values() if item.root is frozen[0].root]
        share = weight_share([item.tensor for item in frozen], whole)
        say = self.suspect if proof is None else self.fault
        effect = ""
        if proof is not None:
            effect = f"; with them trained {proof.unit} falls to {proof.after:.3g} instead of {proof.before:.3g}"
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
            gain=gain,
            explains=SYMPTOMS,
            exact=proof is not None,
        )

    def _shared(self, case: Case, frozen: list[Named], proof: Proof, gain: float) -> Finding:
        whole = [item.tensor for item in registered(case).values() if item.root is frozen[0].root]
        share = weight_share([item.tensor for item in frozen], whole)
        return self.fault(
            f"{layer_names(frozen)} are frozen ({share:.0%} of the weights, requires_grad=False), though the optimizer holds "
            f"them: a second module of the same class shares them, and is called without gradients; with them trained "
            f"{proof.unit} falls to {proof.after:.3g} instead of {proof.before:.3g}: make the copy with copy.deepcopy",
            where=froze_place(case, frozen),
            module=common_path(frozen),
            evidence=(
                Evidence("share of the weights frozen in both", round(share, 4), "0"),
                Evidence("frozen matrices", len(frozen), "0"),
            ),
            remedy="copy the model with copy.deepcopy before freezing the copy: copy.copy shares its parameters",
            proof=proof,
            gain=gain,
            explains=SYMPTOMS,
            exact=True,
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


def _proof(gain: Gain) -> Proof:
    median = torch.tensor(gain.before).median().item(), torch.tensor(gain.after).median().item()
    differences = sorted(other - one for one, other in zip(gain.before, gain.after, strict=True))
    return Proof(
        "the recorded steps again with the frozen layers trained too", median[0], median[1],
        (differences[0], differences[-1]), len(differences), "loss", "requires_grad",
    )
