"""How strongly the loss depends on each layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from paramedic.experiments.lab import Lab
from paramedic.trace.setup import own_parameters
from paramedic.trace.tape import tensors_of


@dataclass(frozen=True)
class Sensitivity:
    """Of one recorded step at given weights.

    weights: name -> S = |gradient| |weight| / loss, the change of the loss per relative change of the weight
        (invariant to the scale of loss and layers), for weights of at least two dimensions.
    decades: log10 of the rms of the loss's gradient at the first layer's output over that at the last one's.
    gradients: gradient of every parameter that was reached. first, last: dotted paths of those layers.
    """

    weights: dict[str, float]
    decades: float
    first: str
    last: str
    gradients: dict[int, Tensor]


def sensitivity(lab: Lab, state: str = "initial") -> Sensitivity | None:
    """The sensitivities of the main loss at the weights of a state; None without a graph. Cached."""
    key = f"sensitivity {state}"
    if key not in lab._cache:
        with lab.at(state):
            lab._cache[key] = _measure(lab)
    return lab._cache[key]  # type: ignore[no-any-return]


def _measure(lab: Lab) -> Sensitivity | None:
    tape = lab.main_backward.tape
    assert tape is not None
    log = lab.log(tape)
    if log.root is None or log.root.grad_fn is None:
        return None
    names = {id(p): name for root in lab.modules() for name, p in root.named_parameters()}
    parameters: list[Tensor] = [p for root in lab.modules() for p in root.parameters() if p.requires_grad]
    parameters += [leaf.value for leaf in tape.leaves.values() if leaf.parameter and leaf.value.requires_grad]
    parameters = list({id(p): p for p in parameters}.values())
    outputs = [
        (path, item)
        for path, module, result in log.module_outputs
        if own_parameters(module)
        for item in tensors_of(result)[:1]
        if isinstance(item, Tensor) and item.requires_grad
    ]
    if not parameters and not outputs:
        return None
    gradients = torch.autograd.grad(
        log.root, [*parameters, *(item for _, item in outputs)], allow_unused=True
    )
    loss = max(abs(float(log.root.detach())), 1e-12)
    weights = {
        names.get(id(p), "parameter"): float(g.norm() * p.detach().norm()) / loss
        for p, g in zip(parameters, gradients, strict=False)
        if g is not None and p.dim() >= 2
    }
    flow = [
        (path, float(g.detach().double().pow(2).mean().sqrt()))
        for (path, _), g in zip(outputs, gradients[len(parameters) :], strict=True)
        if g is not None
    ]
    first, last = (flow[0], flow[-1]) if flow else (("", 1.0), ("", 1.0))
    return Sensitivity(
        weights,
        _decades(first[1], last[1]),
        first[0],
        last[0],
        {id(p): g.detach() for p, g in zip(parameters, gradients, strict=False) if g is not None},
    )


def _decades(first: float, last: float) -> float:
    if not (math.isfinite(first) and math.isfinite(last)):
        return math.inf
    return math.log10((first + 1e-45) / (last + 1e-45)) if last > 0 else 0.0
