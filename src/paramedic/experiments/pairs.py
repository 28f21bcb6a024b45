"""Pairs and triplets of a network's outputs, and the same loss with their meaning turned round."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from paramedic.experiments.interventions import Remedy
from paramedic.experiments.lab import Lab
from paramedic.experiments.progress import branches, main_tapes
from paramedic.trace.tape import Tape

MOST_EXCHANGES = 3  # of the inputs of a triplet


class ReversedPairs(Remedy):
    """The labels of the pairs turned round, or two inputs of a triplet exchanged: the same loss asks for the opposite."""

    rows = ("R18",)
    cause = name = "pairs-reversed"
    order = 5
    defines_loss = True

    def __init__(self, exchanged: tuple[int, int] | None = None) -> None:
        self.exchanged = exchanged
        if exchanged is None:
            self.changes = "the labels of the pairs turned round"
            self.remedy = "exchange the two branches of the loss, or turn the labels of the pairs round (1 - label)"
        else:
            one, other = exchanged
            self.changes = f"the network's inputs {one + 1} and {other + 1} of each triplet exchanged"
            self.remedy = "give the loss its arguments in the other order (anchor, positive, negative)"

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        found: Mapping[int, Tensor] = {}
        if self.exchanged is None:
            found = {number: turned(tape.leaves[number].value) for number in pair_labels(tape)}
        else:
            entered = branches(tape)
            if len(entered) > max(self.exchanged):
                one, other = (entered[k] for k in self.exchanged)
                found = {one: tape.leaves[other].value, other: tape.leaves[one].value}
        return {"replace": found}


def pair_labels(tape: Tape) -> list[int]:
    """The constants that say of every pair which of two kinds it is: the labels, and what was computed from them alone.

    All of them split the pairs in the same two parts; empty where there is no such constant, or more than one split.
    """
    entered = branches(tape)
    if len(entered) != 2:
        return []
    rows = len(tape.leaves[entered[0]].value)
    found: dict[int, Tensor] = {}
    for number, leaf in tape.constants().items():
        if number not in entered and leaf.value.numel() == rows and len(leaf.value.unique()) == 2:
            value = leaf.value.flatten()
            found[number] = value == value.max()
    parts = list(found.values())
    same = all(bool((part == parts[0]).all()) or bool((part != parts[0]).all()) for part in parts)
    return list(found) if same else []


def turned(value: Tensor) -> Tensor:
    """The two values of a tensor exchanged."""
    if value.dtype == torch.bool:
        return ~value
    return value.max() + value.min() - value


def turned_round(lab: Lab) -> list[ReversedPairs]:
    """What can be turned round in the recorded steps."""
    if lab.why_not_replayable() is not None:
        return []
    tapes = main_tapes(lab)
    entered = branches(tapes[0])
    if len(entered) == 2 and all(pair_labels(tape) for tape in tapes):
        return [ReversedPairs()]
    if len(entered) == 3:
        pairs = sorted(combinations(range(3), 2), reverse=True)
        return [ReversedPairs(exchanged=item) for item in pairs[:MOST_EXCHANGES]]
    return []
