"""The states of the random generators that a training program draws from: torch's, NumPy's and Python's.

torch has one generator in the processor's memory and one for each GPU; dropout on a GPU draws from the latter. The
state of a GPU's generator is a seed and an offset, kept on the host: reading it waits for nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor


class TorchState(NamedTuple):
    """States of torch's generators; cuda: of every GPU, empty where the program does not use CUDA."""

    cpu: Tensor
    cuda: tuple[Tensor, ...] = ()

    def same(self, other: TorchState) -> bool:
        if len(self.cuda) != len(other.cuda):
            return False
        return all(torch.equal(one, two) for one, two in zip((self.cpu, *self.cuda), (other.cpu, *other.cuda), strict=True))


def torch_state() -> TorchState:
    """Of the moment."""
    if not torch.cuda.is_initialized():
        return TorchState(torch.get_rng_state())
    return TorchState(torch.get_rng_state(), tuple([item.get_state() for item in torch.cuda.default_generators]))


def set_torch_state(state: TorchState) -> None:
    torch.set_rng_state(state.cpu)
    if state.cuda and torch.cuda.is_initialized():
        for generator, value in zip(torch.cuda.default_generators, state.cuda, strict=False):
            generator.set_state(value)


def random_states() -> tuple[TorchState, Any, Any]:
    """Of all generators."""
    return torch_state(), np.random.get_state(), random.getstate()


def set_random_states(states: tuple[TorchState, Any, Any]) -> None:
    set_torch_state(states[0])
    np.random.set_state(states[1])
    random.setstate(states[2])


@contextmanager
def torch_state_kept() -> Iterator[None]:
    """Put torch's generators back as they were when the block ends."""
    state = torch_state()
    try:
        yield
    finally:
        set_torch_state(state)


@contextmanager
def random_states_kept() -> Iterator[None]:
    """Put all generators back as they were when the block ends."""
    states = random_states()
    try:
        yield
    finally:
        set_random_states(states)
