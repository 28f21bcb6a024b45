"""Layers that behave differently in training and in evaluation, and in which mode they were called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from paramedic.checks.case import Case
from paramedic.trace.setup import EvaluationRecord
from paramedic.trace.tape import Node, Tape, flatten


def mode_dependent(module: nn.Module) -> bool:
    """Whether a layer computes something else in training mode: dropout, batch norm with running statistics."""
    if isinstance(module, _DropoutNd):
        return module.p > 0
    if isinstance(module, _BatchNorm):
        return module.running_mean is not None
    if isinstance(module, nn.RNNBase):
        return module.dropout > 0 and module.num_layers > 1
    if isinstance(module, nn.MultiheadAttention):
        return module.dropout > 0
    return isinstance(module, nn.RReLU | nn.FractionalMaxPool2d)


@dataclass(frozen=True)
class Call:
    """One recorded call of a model: its mode-dependent layers by path, with their ``training`` flags."""

    node: Node
    flags: dict[str, bool]
    layers: dict[str, nn.Module]


def calls_of(tape: Tape) -> Iterator[Call]:
    """The module calls of a tape that contain mode-dependent layers."""
    for node in tape.module_calls():
        module = node.module
        if module is None or node.training is None:
            continue
        flags, layers = {}, {}
        for (path, part), flag in zip(module.named_modules(), node.training, strict=False):
            if mode_dependent(part):
                flags[path], layers[path] = flag, part
        if flags:
            yield Call(node, flags, layers)


def kinds(layers: list[nn.Module]) -> str:
    """"2 BatchNorm2d and 1 Dropout"."""
    counts: dict[str, int] = {}
    for layer in layers:
        counts[type(layer).__name__] = counts.get(type(layer).__name__, 0) + 1
    return " and ".join(f"{count} {name}" for name, count in counts.items())


def batch_norms(module: nn.Module) -> list[_BatchNorm]:
    """Batch norm layers with running statistics."""
    return [part for part in module.modules() if isinstance(part, _BatchNorm) and part.running_mean is not None]


def evaluated_output(
    case: Case, record: EvaluationRecord, *, training: bool, seed: int = 0
) -> tuple[Tensor, Tensor | None]:
    """The model's output and the last scalar (a loss or metric) of a recorded evaluation, in one mode, at the end.

    The last scalar is None where the program computes none with torch.
    """
    with case.lab.at("final"), torch.no_grad():
        torch.manual_seed(seed)
        for root in case.lab.modules():
            root.train(training)
        record.model.train(training)
        values = record.tape.run(random=False, modes=False)
    output = first_output(record, values)
    scalars = [
        values[number]
        for node in record.tape.nodes
        for number in node.outputs
        if number is not None and isinstance(values.get(number), Tensor)
        and values[number].numel() == 1 and values[number].is_floating_point()
    ]
    return output, scalars[-1] if scalars else None


def first_output(record: EvaluationRecord, values: dict[int, Tensor]) -> Tensor:
    """The first floating-point tensor that the model returned."""
    node = next(node for node in record.tape.nodes if node.module is record.model)
    outputs = [values[number] for number in node.outputs if number is not None and number in values]
    return next(item for item in flatten(outputs) if isinstance(item, Tensor) and item.is_floating_point())


def relative_difference(one: Tensor, other: Tensor) -> float:
    """Root mean square difference over the standard deviation of ``one`` (0 where both are equal)."""
    if one.shape != other.shape or one.numel() == 0:
        return float("inf")
    one, other = one.double(), other.double()
    scale = max(float(one.std(correction=0)), float(one.abs().mean()), 1e-12)
    return float((one - other).pow(2).mean().sqrt()) / scale
