"""Which recorded networks work against each other: a generator, and the judge that it is trained to fool (a discriminator
or critic, which is trained to tell what it makes from real samples)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import nn

from paramedic.trace.setup import BackwardRecord, OptimizerStep, Setup, parameters_of
from paramedic.trace.tape import Node, Tape


@dataclass(eq=False)
class Contest:
    """A generator that is trained through a judge.

    real, generated: recorded tapes, with the numbers of what the judge is given in them: by the program in the judge's
    own steps, and by the generator in the generator's.
    """

    judge: nn.Module
    real: list[tuple[Tape, int]] = field(default_factory=list)
    generated: list[tuple[Tape, int]] = field(default_factory=list)


def contest_of(setup: Setup) -> Contest | None:
    """The judge that one optimizer trains, through which another one trains what makes the judge's input."""
    found: Contest | None = None
    steps = list(losses_of(setup))
    for tape, optimizer in steps:
        for node, numbers in _calls_on(setup, tape, {optimizer}):
            trainers = _trainers(setup, node.module)
            if numbers and node.grad_enabled and trainers and optimizer not in trainers:
                found = found or Contest(node.module)  # type: ignore[arg-type]
                if found.judge is node.module:
                    found.generated.append((tape, numbers[0]))
                    break
    if found is None:
        return None
    own = _trainers(setup, found.judge)
    others = set(range(len(setup.optimizers))) - own
    judges = False  # what generators make, too: a critic that is trained on given actions alone is no judge
    for tape, optimizer in steps:
        for node, numbers in _calls_on(setup, tape, others) if optimizer in own else ():
            if node.module is not found.judge or not node.grad_enabled:
                continue
            if numbers:
                judges = judges or _counts(tape, node)
            elif (given := next(iter(node.inputs()), None)) is not None and not _holds(found.real, tape):
                found.real.append((tape, given))
    return found if found.real and judges else None


def _counts(tape: Tape, node: Node) -> bool:
    """Whether something else than a copy without gradients is computed from a call."""
    return any(other.name != "detach" and set(other.inputs()).intersection(node.outputs) for other in tape.nodes)


def _holds(pairs: list[tuple[Tape, int]], tape: Tape) -> bool:
    return bool(pairs) and pairs[-1][0] is tape


def _calls_on(setup: Setup, tape: Tape, makers: set[int]) -> Iterator[tuple[Node, list[int]]]:
    """Module calls, with those of their inputs that depend on modules that one of these optimizers trains."""
    made: set[int] = set()
    for node in tape.nodes:
        numbers = [number for number in node.inputs() if number in made]
        if node.module is not None:
            yield node, numbers
        if numbers or (node.module is not None and _trainers(setup, node.module) & makers):
            made.update(number for number in node.outputs if number is not None)


def _trainers(setup: Setup, module: nn.Module | None) -> set[int]:
    own = {id(p) for p in module.parameters()} if module is not None else set()
    return {
        number for number, record in enumerate(setup.optimizers)
        if any(id(p) in own for p in parameters_of(record.optimizer))
    }  # fmt: skip


def losses_of(setup: Setup) -> Iterator[tuple[Tape, int]]:
    """The tapes with the optimizer that makes the step after them."""
    for step in setup.steps:
        index = next((event.optimizer for event in step if isinstance(event, OptimizerStep)), None)
        for event in step:
            if isinstance(event, BackwardRecord) and event.tape is not None and event.problem is None and index is not None:
                yield event.tape, index
