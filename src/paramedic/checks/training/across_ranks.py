"""What is compared between the processes of one training."""

from __future__ import annotations

from paramedic.checks.case import Case
from paramedic.checks.check import NotApplicable, NotChecked
from paramedic.trace.setup import RankFacts

LEAST_STEPS = 3  # after as many compared optimizer steps without agreement the weights go apart for good


def data_parallel(case: Case) -> list[RankFacts]:
    """The facts of all ranks if each holds a whole copy of the same network."""
    ranks = case.setup.ranks
    if not ranks:
        raise NotApplicable("the program is one process")
    if len(ranks) < 2:
        raise NotChecked("the other ranks left nothing to compare")
    if any(item.sharded for item in ranks):
        raise NotApplicable("the parameters are sharded: each rank holds a part of them")
    if len({item.shapes for item in ranks}) > 1:
        raise NotApplicable("the ranks train different networks")
    return ranks


def agreement(ranks: list[RankFacts]) -> dict[int, bool]:
    """Per compared optimizer step, whether the weights of all ranks were the same."""
    steps = set(ranks[0].weights).intersection(*(item.weights for item in ranks[1:]))
    return {step: len({item.weights[step] for item in ranks}) == 1 for step in sorted(steps)}


def same_start(ranks: list[RankFacts]) -> bool:
    return len({item.initial for item in ranks}) == 1
