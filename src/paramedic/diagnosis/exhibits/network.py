"""The network as a tree with shapes and parameter counts, and distributions that the trace does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.measurements.spread import spread
from paramedic.measurements.training.histogram import histogram
from paramedic.measurements.training.saturation import on_flat_part
from paramedic.trace.tape import flatten

MAX_MODULES = 400
MAX_LAYERS = 48  # with distributions
VALUES = 200_000  # of a tensor, at equal distances, go into its histogram
STATES = ("initial", "final")
LATE = 0.9  # of the steps: what was recorded there stands for the end


def network(case: Case) -> list[dict[str, Any]] | None:
    """Modules in definition order: path, depth, kind, own and all parameters, output shape, dead and saturated units."""
    if case.live is None or not case.live.models:
        return None
    observed = {state: _outputs(case, state) for state in STATES}
    rows: list[dict[str, Any]] = []
    for record in case.live.models:
        for name, module in record.module.named_modules():
            if len(rows) >= MAX_MODULES:
                return rows
            rows.append(_row(f"{record.name}.{name}" if name else record.name, name, module, observed))
    return rows


def _row(path: str, name: str, module: nn.Module, observed: dict[str, dict[int, Tensor]]) -> dict[str, Any]:
    own = [p for p in module.parameters(recurse=False) if not nn.parameter.is_lazy(p)]
    every = [p for p in module.parameters() if not nn.parameter.is_lazy(p)]
    output = observed["initial"].get(id(module), observed["final"].get(id(module)))
    units = {
        state: _units(module, outputs[id(module)])
        for state, outputs in observed.items()
        if id(module) in outputs and next(module.children(), None) is None
    }
    return {
        "path": path,
        "depth": name.count(".") + 1 if name else 0,
        "kind": type(module).__name__,
        "settings": module.extra_repr()[:120],
        "own": sum(p.numel() for p in own),
        "all": sum(p.numel() for p in every),
        "frozen": bool(own) and not any(p.requires_grad for p in own),
        "shape": list(output.shape) if output is not None else None,
        "units": {state: value for state, value in units.items() if value},
    }


def _outputs(case: Case, state: str) -> dict[int, Tensor]:
    """The first tensor that each module gave in the first recorded step, by the module's id."""
    lab = case.workshop
    if lab is None or lab.why_not_replayable() is not None:
        return {}
    return {
        id(module): tensors[0]
        for _, module, output in reversed(lab.operations(0, state).module_outputs)
        if (tensors := [item for item in flatten(output) if isinstance(item, Tensor)])
    }


def _units(module: nn.Module, output: Tensor) -> dict[str, float]:
    """Share of units that are zero for every sample, and share of values on a flat part of tanh or sigmoid."""
    value = output.detach()
    if value.dim() < 2 or not value.is_floating_point() or not isinstance(module, _ACTIVATIONS):
        return {}
    unit = -1 if value.dim() == 3 else 1  # (batch, time, features), else (batch, channels, ...)
    rows = value.movedim(unit, 0).reshape(value.shape[unit], -1)
    result = {"dead": round(float((rows == 0).all(1).float().mean()), 4)}
    if (flat := on_flat_part(module, rows)) is not None:
        result["saturated"] = round(float(flat.mean()), 4)
    return result


_ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Hardtanh, nn.SELU, nn.CELU)


def distributions(case: Case) -> list[dict[str, Any]] | None:
    """Histograms of the update over the whole training, and of weights, activations and gradients at those of its two
    ends that were not recorded while it ran: the last in short runs, both without an optimizer."""
    lab = case.workshop
    if lab is None or lab.why_not_replayable() is not None:
        return None
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    first = {id(live): start for live, start in lab.setup.initial.tensors}
    for state in _ends_not_recorded(case):
        with lab.at(state):
            for quantity, path, value in _values(case, state):
                if (found := _histogram(value)) is not None:
                    rows[quantity, path, state] = {"quantity": quantity, "path": path, "state": state, **found}
    for path, parameter in _parameters(case):
        if id(parameter) in first and first[id(parameter)].shape == parameter.shape:
            if (found := _histogram(parameter.detach() - first[id(parameter)].to(parameter.device))) is not None:
                rows["update", path, "run"] = {"quantity": "update", "path": path, "state": "run", **found}
    return list(rows.values()) or None


def _ends_not_recorded(case: Case) -> tuple[str, ...]:
    recorded = max((row.step for row in case.trace.histograms()), default=None)
    if recorded is None:
        return STATES
    last = max((row.step for row in case.trace.steps()), default=0)
    return () if recorded >= LATE * last else STATES[1:]


def _parameters(case: Case) -> list[tuple[str, Tensor]]:
    """Those that were recorded while it ran; without any the first matrices."""
    named: list[tuple[str, Tensor]] = [
        (f"{record.name}.{name}", parameter)
        for record in case.setup.models
        for name, parameter in record.module.named_parameters()
        if not nn.parameter.is_lazy(parameter)
    ]
    recorded = _recorded(case)
    matrices = [item for item in named if item[1].dim() > 1]
    return [item for item in named if item[0] in recorded] or spread(matrices or named, MAX_LAYERS)


def _recorded(case: Case) -> set[str]:
    return {row.path for row in case.trace.histograms()}


def _values(case: Case, state: str) -> Iterator[tuple[str, str, Tensor]]:
    lab = case.lab
    parameters = _parameters(case)
    for path, parameter in parameters:
        yield "weight", path, parameter.detach()
    tape = lab.main_backward.tape
    assert tape is not None
    log = lab.log(tape)
    if log.root is None:
        return
    leaves: dict[str, Tensor] = {}
    for path, module, output in log.module_outputs:
        if next(module.children(), None) is None and isinstance(output, Tensor) and output.is_floating_point():
            leaves.setdefault(path, output.detach())
    recorded = _recorded(case)
    for path in [path for path in leaves if path in recorded] or spread(list(leaves), MAX_LAYERS):
        yield "activation", path, leaves[path]
    wanted = [(path, parameter) for path, parameter in parameters if parameter.requires_grad]
    if not wanted or not log.root.requires_grad:
        return
    root = log.root if log.root.numel() == 1 else log.root.sum()
    gradients = torch.autograd.grad(root, [parameter for _, parameter in wanted], allow_unused=True)
    for (path, _), gradient in zip(wanted, gradients, strict=True):
        if gradient is not None:
            yield "gradient", path, gradient


def _histogram(tensor: Tensor) -> dict[str, Any] | None:
    values = tensor.detach().flatten()
    values = values[:: max(1, values.numel() // VALUES)][:VALUES]
    found = histogram(values.double().cpu().numpy())
    if found is None:
        return None
    ends = {name: float(f"{getattr(found, name):.5g}") for name in ("low", "high", "mean", "std")}
    return {**ends, "nonfinite": found.nonfinite, "bins": list(found.counts)}
