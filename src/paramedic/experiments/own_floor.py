"""Progress on losses that are computed from derivatives of the network: equations, energies, scores.

Free outputs have no derivatives by the input, so what they could reach is not known. What knows nothing is the network with
an output that is the same for every input; what can be reached is what the network itself reaches, trained on the batches
that progress is measured on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from paramedic.checks.check import NotChecked
from paramedic.experiments.in_turn import Gauge
from paramedic.experiments.interventions import (
    LEARNING_RATE_FACTORS,
    LearningRate,
    OtherOptimizer,
    Remedy,
    StandardInitialization,
)
from paramedic.experiments.lab import Intervention, Lab
from paramedic.experiments.operations import Operations
from paramedic.experiments.progress import Probe, Scale, loss_of, train_probes

BATCHES = 4  # that progress is measured on
STEPS = 200  # of the network itself, from its first weights, its last ones, and standard ones where the first are not
RATES = (1e-2, 1e-3)  # of Adam: METHODS row 27, whose ladder begins so
CONSTANT_STEPS, CONSTANT_RATE = 100, 0.1
SHARE = 0.25  # of the budget, for both ends of the scale; with fewer steps the floor would be too high
LEAST_RANGE = 0.1  # of the loss of a constant network: what learns less than that has nothing to be judged by
TRIED = frozenset({"learning-rate-too-high", "learning-rate-too-low", "badly-scaled-initialization", "wrong-optimizer"})
NOT_TRIED = (
    "the loss is computed from derivatives of the network (autograd.grad): only learning rates, initial weights and "
    "optimizers are tried there"
)


def gauge(lab: Lab, count: int, change: Intervention) -> Gauge:
    """How progress is measured. Raises NotChecked where it cannot be."""
    if lab.budget <= 0:
        raise NotChecked("experiments are off: how far a loss of derivatives can fall is measured by training on a few batches")
    probes = train_probes(lab, min(count, BATCHES), change)
    for probe in probes:
        probe.derivatives = True
    steps = 3 * len(RATES) * STEPS + CONSTANT_STEPS
    if steps * _seconds(lab, probes) > SHARE * lab.budget:
        raise NotChecked(f"budget: {steps} steps to see how far this loss can fall")
    with lab.at("final"):
        reached = [loss_of(lab, probes)]
    for state in ("initial", "final"):
        reached += [_trained(lab, probes, state, rate) for rate in RATES]
    if (standard := StandardInitialization()).why_not(lab) is None:
        reached += [_trained(lab, probes, "initial", rate, standard) for rate in RATES]
    with lab.at("initial"):
        start = loss_of(lab, probes)
    constant = min(start, _of_a_constant(lab, probes))
    minimum = min((value for value in reached if math.isfinite(value)), default=math.inf)
    if not constant - minimum > LEAST_RANGE * abs(constant):
        raise NotChecked("the loss is computed from derivatives of the network, and training on a few batches hardly lowers it")
    scale = Scale(minimum, constant)
    return Gauge(probes, scale, False, in_turn=False, tried=TRIED, why_not_tried=NOT_TRIED, remedies=remedies)


def remedies(lab: Lab) -> list[Remedy]:
    """What is tried."""
    rates = [LearningRate(factor) for factor in LEARNING_RATE_FACTORS]
    return [StandardInitialization(), *rates, OtherOptimizer("Adam"), OtherOptimizer("SGD")]


def _mean_loss(probes: Sequence[Probe]) -> Tensor:
    """In the modes in which the program trains: a network may ask for a differentiable derivative in training alone."""
    return torch.stack([probe.change.loss(probe.tape.loss(**probe.options())).sum() for probe in probes]).mean()


def _seconds(lab: Lab, probes: Sequence[Probe]) -> float:
    """Of processor time for one step; the first one is slower than any other."""
    with lab.at("initial"), torch.enable_grad():
        for _ in range(2):
            started = time.thread_time()
            _mean_loss(probes).backward()
    return time.thread_time() - started


def _trained(lab: Lab, probes: Sequence[Probe], state: str, rate: float, start: Remedy | None = None) -> float:
    """The lowest loss on the way of a training on the probes; start: what changes the weights before it."""
    with lab.at(state), torch.enable_grad():
        if start is not None:
            start.begin(lab)
        parameters = [item for item in lab.parameters() if item.requires_grad]
        return _lowest(lambda: _mean_loss(probes), parameters, rate, STEPS)


def _lowest(loss: Callable[[], Tensor], variables: list[Tensor], rate: float, steps: int) -> float:
    optimizer = torch.optim.Adam(variables, lr=rate)
    best = math.inf
    for _ in range(steps):
        value = loss()
        if not math.isfinite(float(value.detach())):
            break
        best = min(best, float(value.detach()))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return best


def _of_a_constant(lab: Lab, probes: Sequence[Probe]) -> float:
    """The loss of the best network whose last layers give the same for every input; infinite where these are not found."""
    with lab.at("initial"), torch.enable_grad():
        last = _last_layers(lab.log(probes[0].tape, **probes[0].options()))
        if not last:
            return math.inf
        values: dict[int, Tensor] = {
            id(module): output.detach().mean(0, keepdim=True).clone().requires_grad_() for module, output in last
        }
        try:
            with _constant([module for module, _ in last], values):
                return _lowest(lambda: _mean_loss(probes), list(values.values()), CONSTANT_RATE, CONSTANT_STEPS)
        except Exception:  # the program's own code, with an output that does not depend on its input
            return math.inf


@contextmanager
def _constant(modules: Sequence[nn.Module], values: dict[int, Tensor]) -> Iterator[None]:
    def hook(module: nn.Module, args: Any, result: Tensor) -> Tensor:
        return 0 * result + values[id(module)]  # its derivative by the input is there, and zero

    with ExitStack() as stack:
        for module in modules:
            stack.callback(module.register_forward_hook(hook).remove)
        yield


def _last_layers(log: Operations) -> list[tuple[nn.Module, Tensor]]:
    """Modules whose operations with parameters no other such operation comes after, each with one of its outputs."""
    with_parameters = [call for call in log.calls if any(isinstance(item, nn.Parameter) for item in call.inputs)]
    owners = {id(result): module for _, module, result in log.module_outputs if isinstance(result, Tensor)}
    found: dict[int, tuple[nn.Module, Tensor]] = {}
    for call in with_parameters:
        known = {id(item) for item in call.outputs}
        later = log.calls[log.calls.index(call) + 1 :]
        for other in later:
            if known & {id(item) for item in other.inputs}:
                known.update(id(item) for item in other.outputs)
        if any(other is not call and known & {id(item) for item in other.inputs} for other in with_parameters):
            continue
        output = next((item for item in call.outputs if id(item) in owners and item.dim()), None)
        if output is None:
            return []
        found.setdefault(id(owners[id(output)]), (owners[id(output)], output))
    return list(found.values())
