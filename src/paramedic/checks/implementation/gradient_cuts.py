"""Places inside a model where a value is taken out of the graph, although gradients should go through it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from paramedic.checks.case import Case
from paramedic.checks.finding import Proof
from paramedic.checks.implementation.rerun import kept, seeded
from paramedic.experiments.operations import Operation
from paramedic.experiments.progress import ADDITIONS
from paramedic.measurements.gradients import Derivatives, directional
from paramedic.trace.place import Place, place_of
from paramedic.trace.tape import Tape

SUMS = ADDITIONS | {"__rsub__", "rsub"}
CUTTING = frozenset({"data", "tensor", "as_tensor", "detach"})
PARAMETERS = 6  # largest tensors looked at
SECONDS = 5.0
SEEDS = (0, 1, 2)
STEPS = 150
EXPERIMENT_SECONDS = 20.0
GAIN = 0.1  # of the loss; a smaller gain is not worth a person's time


@dataclass(frozen=True)
class Cut:
    """A value inside a module that goes on to the loss without its gradient."""

    name: str
    place: Place
    module_path: str | None


@dataclass(frozen=True)
class PartialGradient:
    """A parameter that gets a gradient, but not the whole one."""

    parameter: str
    derivatives: Derivatives


def cuts(case: Case) -> list[Cut]:
    """Cut values that the network computes on with: they reach a layer with parameters again."""
    operations = case.lab.operations(0)
    path = {id(item) for item in operations.on_path()}
    found: list[Cut] = []
    after: dict[int, Cut] = {}
    for call in operations.calls:
        cut = next((after[id(item)] for item in call.inputs if id(item) in after), None)
        if cut is not None and id(call) in path and any(isinstance(item, nn.Parameter) for item in call.inputs):
            if cut not in found:
                found.append(cut)
        if call.name in CUTTING and call.module is not None and call.place is not None:
            if (
                any(item.requires_grad and not item.is_leaf for item in call.inputs)
                and not call.requires_grad
                and not _straight_through(call, operations.calls)
            ):
                cut = Cut(call.name, call.place, call.module_path)
        if cut is not None:
            after.update({id(item): cut for item in call.outputs})
    return found


def _straight_through(cut: Operation, calls: list[Operation]) -> bool:
    """Whether what is cut off is added to what it was made from and cancels it: x + (f(x) - x).detach(), which has the value
    of f(x) and the gradient of x, or f(x) - x.detach() + x."""
    value = cut.inputs[0]
    maker = next((call for call in calls if call.name in SUMS and any(item is value for item in call.outputs)), None)
    parts = {id(item) for item in (value, *(maker.inputs if maker is not None else ()))}
    sums = {id(item) for item in cut.outputs}
    for call in calls:
        inputs = {id(item) for item in call.inputs}
        if call.name in SUMS and inputs & sums:
            if inputs & parts:
                return True
            sums.update(id(item) for item in call.outputs)
    return False


def partial_gradients(case: Case) -> list[PartialGradient]:
    """Parameters whose gradient in float64 is not the derivative of the loss; raises what the replay raises."""
    tape = case.lab.main_backward.tape
    assert tape is not None
    started = time.thread_time()
    parameters = [leaf.value for leaf in tape.leaves.values() if leaf.parameter and leaf.value.requires_grad]
    for root in case.lab.modules():
        parameters.extend(item for item in root.parameters() if item.requires_grad)
    unique = list({id(item): item for item in parameters if item.is_floating_point()}.values())
    found = []
    with in_double(case, unique) as loss:
        value = loss()
        gradients = torch.autograd.grad(value, unique, allow_unused=True)
        if not torch.equal(value.detach(), loss().detach()):
            return []  # the loss is random: differences say nothing
        generator = torch.Generator().manual_seed(0)
        largest = sorted(range(len(unique)), key=lambda i: -unique[i].numel())[:PARAMETERS]
        for index in largest:
            if gradients[index] is None or time.thread_time() - started > SECONDS:
                continue
            derivatives = _of_parameter(loss, unique[index], gradients[index], generator)
            name = case.setup.parameter_name(unique[index]) or "a parameter"
            found.append(PartialGradient(name, derivatives))
    return found


def _of_parameter(loss: Any, parameter: Tensor, gradient: Tensor, generator: torch.Generator) -> Derivatives:
    def moved(values: Any) -> Tensor:
        old = parameter.data
        parameter.data = values[0]
        try:
            return loss()
        finally:
            parameter.data = old

    return directional(moved, [parameter.detach()], 0, gradient, generator)


@contextmanager
def in_double(case: Case, parameters: list[Tensor]) -> Iterator[Any]:
    """The main loss in float64 as a function of the present parameters; the live objects get their own data back."""
    tape = case.lab.main_backward.tape
    assert tape is not None
    default = torch.get_default_dtype()
    buffers = [item for root in case.lab.modules() for item in root.buffers() if item.is_floating_point()]
    live = [*parameters, *buffers]
    before = [item.data for item in live]
    constants = {
        number: leaf.value.detach().double() for number, leaf in tape.constants().items()
        if leaf.value.is_floating_point()
    }
    plain = Tape([replace(node, autocast=None) for node in tape.nodes], tape.leaves, tape.root)

    def loss() -> Tensor:
        seeded()
        copies = {number: value.clone() for number, value in constants.items()}
        with _all_kept(case), torch.enable_grad():
            return plain.loss(replace=copies)

    try:
        torch.set_default_dtype(torch.float64)
        for item in live:
            item.data = item.data.double()
        yield loss
    finally:
        torch.set_default_dtype(default)
        for item, data in zip(live, before, strict=True):
            item.data = data


@contextmanager
def _all_kept(case: Case) -> Iterator[None]:
    with ExitStack() as stack:
        for root in case.lab.modules():
            stack.enter_context(kept(root))
        yield


class _Through(TorchFunctionMode):
    """Lets gradients through at one line: the cutting call gives its argument back."""

    def __init__(self, places: set[Place]) -> None:
        super().__init__()
        self.places = places

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        name = getattr(getattr(func, "__self__", None), "__name__", name) if name == "__get__" else name
        if name in CUTTING and args and isinstance(args[0], Tensor) and args[0].requires_grad and not args[0].is_leaf:
            if place_of(sys._getframe(1)) in self.places:
                return args[0]
        return func(*args, **(kwargs or {}))


def with_gradients(case: Case, found: list[Cut]) -> Proof | None:
    """Train the recorded steps with the cuts, and without; None where the loss does not become lower by far."""
    started = time.thread_time()
    places = {cut.place for cut in found}
    before, after = [], []
    for seed in SEEDS:
        left = min(EXPERIMENT_SECONDS - (time.thread_time() - started), case.lab.time_left())
        if left <= 0:
            break
        half = time.thread_time() + left / 2
        as_it_is = case.lab.train(steps=STEPS, seed=seed, deadline=half)
        try:
            with _Through(places):
                through = case.lab.train(steps=len(as_it_is.losses), seed=seed)
        except RuntimeError:  # the value is written to in place: it cannot keep its gradient
            return None
        before.append(_end(as_it_is.losses))
        after.append(_end(through.losses))
    if len(before) < 2:
        return None
    differences = [b - a for a, b in zip(before, after, strict=True)]
    if max(differences) >= 0 or -median(differences) < GAIN * abs(median(before)):
        return None
    return Proof(
        "trained the recorded steps again with gradients going through", median(before), median(after),
        (min(differences), max(differences)), len(before), "loss", "the value keeps its gradient",
    )


def _end(losses: tuple[float, ...]) -> float:
    """Mean of the last fifth."""
    part = losses[-max(1, len(losses) // 5) :]
    return sum(part) / len(part)
