"""Steps that a program makes without an optimizer, by writing to its parameters: ``p -= lr * p.grad``.

What each parameter has changed by is compared with its gradient. Where one rule of stochastic gradient descent explains
all of it, the steps are those of ``torch.optim.SGD``, and can be trained again like any others. So can they where the
program makes its parameters anew, ``p = (p - lr * p.grad).detach().requires_grad_()``: the leaves of one loss's graph
follow those of the loss before, in the same order, and tensors of our own stand for all that follow each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from paramedic.trace.tape import Leaf, Tape

SAMPLED = 256  # elements of each tensor that are compared
EXPLAINED = 1e-3  # of the change may be left, besides what rounding leaves: a rule fits all of it or is another one
# Two units in the last place.
ROUNDING = {torch.float64: 4.4e-16, torch.float32: 2.4e-7, torch.bfloat16: 1.6e-2, torch.float16: 2e-3}
LEAST_PRECISION = 0.02  # of a rate that is read from changes which are hardly above rounding
DIGITS = 4  # of a rate that somebody has typed
MOST_MOMENTUM = 0.9999
MOST_FUNCTIONS = 20_000  # of a graph whose leaves are looked for: each call of backward is followed, in Python


@dataclass(frozen=True)
class Rule:
    """One step of stochastic gradient descent. missed: which tensors have a gradient and did not change."""

    rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    missed: tuple[int, ...] = ()


def made_anew(tape: Tape, loose: Sequence[Leaf]) -> bool:
    """Whether a loss is computed from a tensor that was computed from one of these, and wants a gradient of its own: what is
    trained is another tensor after every step (``w = (w - rate * w.grad).detach().requires_grad_()``).
    """
    reached = {number for number, leaf in tape.leaves.items() if any(leaf is item for item in loose)}
    for node in tape.nodes:
        if reached.intersection(node.inputs()):
            if node.name == "requires_grad_":
                return True
            reached.update(number for number in node.outputs if number is not None)
    return False


def graph_leaves(root: Tensor) -> list[Tensor]:
    """The tensors that a loss is differentiated by, in the order of its graph; none of a graph that is too large."""
    found: dict[int, Tensor] = {}
    waiting, seen = [root.grad_fn], set[Any]()
    while waiting and len(seen) < MOST_FUNCTIONS:
        function = waiting.pop()
        if function is None or function in seen:
            continue
        seen.add(function)
        variable = getattr(function, "variable", None)
        if isinstance(variable, Tensor):
            found.setdefault(id(variable), variable)
        waiting.extend(step for step, _ in function.next_functions)
    return list(found.values()) if not waiting else []


def cut_at(tape: Tape, numbers: Mapping[int, Tensor]) -> Tape:
    """A tape that starts from parameters with these numbers, whatever they were computed from."""
    assert tape.root is not None
    nodes = [node for node in tape.nodes if not numbers.keys() & set(node.outputs)]
    leaves = tape.leaves | {number: Leaf(tensor, parameter=True) for number, tensor in numbers.items()}
    return Tape(nodes, leaves, tape.root, tape.grad).pruned(tape.root)


class HandMadeUpdates:
    """Follows the parameters of one training from one call of backward to the next.

    optimizer: what makes the same steps; None until the first one was understood. failed: one was not. rate: of the last
    step. loose: what the losses were computed from so far that wants a gradient and is not known to be trained, with the leaves
    of the tapes. anew: the parameters are other tensors after every step; held: tensors of our own that stand for them.
    """

    def __init__(self) -> None:
        self.optimizer: torch.optim.SGD | None = None
        self.failed = False
        self.rate = 0.0
        self.loss: tuple[float, Tensor | None] = (float("nan"), None)  # of the last backward, also on a device
        self.parameters: list[Tensor] = []
        self.loose: list[tuple[Leaf, Tensor]] = []
        self.anew = False
        self.held: list[Tensor] = []
        self._changing: Tensor | None = None
        self._values: list[np.ndarray] = []
        self._gradients: list[np.ndarray | None] = []
        self._change: dict[int, np.ndarray] = {}  # of the step before, by id of the tensor, or by position

    def begins(self, parameters: Sequence[Tensor]) -> None:
        """Before a call of backward that reads these."""
        self.parameters = list(parameters)
        self._values = [_sample(item) for item in self.parameters]
        self._gradients = []

    def ends(self, inputs: Sequence[Tensor] = (), gradients: Sequence[Tensor | None] = ()) -> None:
        """After it: the gradients are in the parameters, or what ``torch.autograd.grad`` gave for ``inputs``."""
        given = {id(item): gradient for item, gradient in zip(inputs, gradients, strict=False)}
        found = [given.get(id(item)) if given else item.grad for item in self.parameters]
        self._gradients = [
            None if item is None or item.is_sparse else _sample(item) for item in found
        ]

    def follow(self, leaves: Sequence[Tensor]) -> bool:
        """The parameters are these tensors now, each in the place of one of before; False where they do not match."""
        same = [(item.shape, item.dtype) for item in leaves] == [(item.shape, item.dtype) for item in self.parameters]
        if same:
            self.parameters = list(leaves)
        return same and bool(leaves)

    def replaced_by(self, leaves: Sequence[Tensor]) -> bool:
        """Whether other tensors hold what a step makes of the parameters."""
        before = self.parameters
        if {id(item) for item in before} & {id(item) for item in leaves}:
            return False
        try:
            return self.follow(leaves) and self.rule() is not None
        finally:
            self.parameters = before

    def hold(self) -> None:
        """From here on tensors of our own stand for the parameters, which are made anew."""
        self.anew = True
        self.held = [item.detach().clone().requires_grad_() for item in self.parameters]

    def keep_last(self) -> None:
        """Give the tensors of our own the values that the parameters were seen with last."""
        with torch.no_grad():
            for held, item in zip(self.held, self.parameters, strict=False):
                held.copy_(item)

    def edited(self) -> None:
        """The gradients in the parameters were clipped."""
        if any(item.grad is not None for item in self.parameters):
            self.ends()

    def changed(self) -> bool:
        """Whether a parameter has another value than before the last backward."""
        pairs = zip(self.parameters, self._values, strict=True)
        found = next((item for item, value in pairs if _differs(item, value)), None)
        self._changing = self._changing if found is None else found
        return found is not None

    def finite(self) -> bool:
        """Whether the gradients of the last backward are numbers."""
        return all(np.isfinite(item).all() for item in self._gradients if item is not None)

    def one(self) -> list[Tensor]:
        """A parameter that changes with every step: it says when there was one."""
        return self.parameters[:1] if self._changing is None else [self._changing]

    def rule(self) -> Rule | None:
        """What the change since the last backward is of its gradients; None where no rule explains it."""
        if not self._gradients:
            return None
        known = [k for k, gradient in enumerate(self._gradients) if gradient is not None]
        changes = {k: _sample(self.parameters[k]) - self._values[k] for k in known}
        moved = [k for k in known if changes[k].any()]
        if not moved or len(moved) < sum(_differs(p, v) for p, v in zip(self.parameters, self._values, strict=True)):
            return None  # also where one was changed that has no gradient
        gradients = [item for item in self._gradients if item is not None]
        rounding = max(ROUNDING.get(self.parameters[k].dtype, ROUNDING[torch.float32]) for k in moved)
        values, change = (np.concatenate([items[k] for k in moved]) for items in (self._values, changes))
        columns = {"rate": -np.concatenate([gradients[known.index(k)] for k in moved])}
        keys = [k if self.anew else id(item) for k, item in enumerate(self.parameters)]
        before = [self._change[keys[k]] for k in moved if keys[k] in self._change]
        earlier = {"momentum": np.concatenate(before)} if len(before) == len(moved) else {}
        decay = {"decay": -values}
        found = next(
            (fit for more in ({}, earlier, decay, earlier | decay)
             if (fit := _fit(columns | more, change, rounding * np.abs(values)))), None,
        )  # fmt: skip
        if found is None:
            return None
        self._change = {keys[k]: changes[k] for k in known}
        missed = tuple(
            k for k, gradient in zip(known, gradients, strict=True)
            if k not in moved and bool((np.abs(found["rate"] * gradient) > np.abs(rounding * self._values[k])).any())
        )  # fmt: skip
        rate = float(f"{found['rate']:.{DIGITS}g}")
        return Rule(rate, round(found.get("momentum", 0.0), DIGITS), float(f"{found.get('decay', 0.0) / rate:.3g}"), missed)


def _sample(tensor: Tensor) -> np.ndarray:
    flat = tensor.detach().reshape(-1)
    return flat[:: max(1, flat.numel() // SAMPLED)][:SAMPLED].double().cpu().numpy()  # type: ignore[no-any-return]


def _differs(parameter: Tensor, value: np.ndarray) -> bool:
    return not np.array_equal(_sample(parameter), value, equal_nan=True)


def _fit(columns: dict[str, np.ndarray], change: np.ndarray, noise: np.ndarray) -> dict[str, float] | None:
    """Least squares of the change; None where more is left than rounding, or where the numbers are no step's."""
    if not all(np.isfinite(item).all() for item in (*columns.values(), change)):
        return None
    matrix = np.stack(list(columns.values()), axis=1)
    scale = np.linalg.norm(matrix, axis=0)
    if not (scale > 0).all():
        return None
    solution, _, rank, _ = np.linalg.lstsq(matrix / scale, change, rcond=None)
    if rank < matrix.shape[1]:
        return None
    found = dict(zip(columns, solution / scale, strict=True))
    left = np.linalg.norm(change - matrix / scale @ solution)
    if left > EXPLAINED * np.linalg.norm(change) + np.linalg.norm(noise):
        return None
    precise = left <= LEAST_PRECISION * abs(solution[0]) * len(change) ** 0.5
    ordinary = found["rate"] > 0 and 0 <= found.get("momentum", 0.0) < MOST_MOMENTUM and found.get("decay", 0.0) >= 0
    return {key: float(value) for key, value in found.items()} if ordinary and precise else None


def unique(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Each tensor once, in order."""
    return list({id(item): item for item in tensors}.values())
