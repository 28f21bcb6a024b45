"""Keras 3 on the torch backend updates the weights with optimizers of its own: here they look like torch's."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from paramedic.trace.identity import ByIdentity

if TYPE_CHECKING:
    from paramedic.capture.observer import Observer

MODULE = "keras.src.optimizers.base_optimizer"
# Keras' attribute -> the key of a torch parameter group.
_SETTINGS = {"momentum": "momentum", "nesterov": "nesterov", "weight_decay": "weight_decay", "epsilon": "eps"}


class KerasOptimizer:
    """The interface of a torch optimizer, as far as the lab uses it, over a Keras optimizer.

    ``state`` gives copies of the optimizer's variables; setting it writes them, and what is absent starts anew.
    """

    def __init__(self, optimizer: Any, variables: list[Any]) -> None:
        self.keras, self.variables = optimizer, variables
        self.kind = type(optimizer).__name__
        group: dict[str, Any] = {"params": [item.value for item in variables], "lr": self._rate()}
        for name, key in _SETTINGS.items():
            value = getattr(optimizer, name, None)
            if isinstance(value, (int, float)):
                group[key] = value
        if hasattr(optimizer, "beta_1"):
            group["betas"] = (optimizer.beta_1, optimizer.beta_2)
        self.param_groups = [group]
        self.defaults = {key: value for key, value in group.items() if key != "params"}
        self._initial = [tensor.detach().clone() for tensor in self._tensors()]

    def _rate(self) -> float:
        return float(self.keras._get_current_learning_rate())

    def refresh(self) -> None:
        """Before a step of the program: the rate that a schedule or a callback has set."""
        self.param_groups[0]["lr"] = self._rate()

    def _tensors(self) -> list[Tensor]:
        rate = getattr(self.keras, "_learning_rate", None)
        return [item.value for item in self.keras.variables if item is not rate]

    @property
    def state(self) -> dict[int, dict[str, Tensor]]:
        return {index: {"value": item.detach().clone()} for index, item in enumerate(self._tensors())}

    @state.setter
    def state(self, values: Mapping[int, Any]) -> None:
        with torch.no_grad():
            for index, (tensor, initial) in enumerate(zip(self._tensors(), self._initial, strict=True)):
                tensor.data.copy_(values[index]["value"] if index in values else initial)

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.param_groups[0]["params"]:
            parameter.grad = None

    def step(self, closure: Any = None) -> None:
        """One update with the group's settings; the optimizer's own are put back."""
        group, own = self.param_groups[0], vars(self.keras)
        before = {name: own[name] for name in ("_learning_rate", *_SETTINGS) if name in own}
        own["_learning_rate"] = group["lr"]
        own.update({name: group[key] for name, key in _SETTINGS.items() if name in own and key in group})
        try:
            with torch.no_grad():
                grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in group["params"]]
                self.keras.apply(grads, self.variables)
        finally:
            own.update(before)


def intercept_keras(observer: Observer, module: Any) -> None:
    """``apply`` of every Keras optimizer is a step."""
    known = ByIdentity()
    depth = 0

    def facade(optimizer: Any, variables: Any) -> KerasOptimizer | None:
        if optimizer in known:
            known[optimizer].refresh()
            return known[optimizer]
        variables = list(optimizer._trainable_variables if variables is None else variables)
        if not optimizer.built:  # as ``apply`` itself would a moment later
            with module.backend.name_scope(optimizer.name, caller=optimizer):
                optimizer.build(variables)
        known[optimizer] = KerasOptimizer(optimizer, variables)
        return known[optimizer]

    def make(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, grads: Any, trainable_variables: Any = None) -> Any:
            nonlocal depth
            found = None
            if depth == 0 and observer.active and len(grads):
                found = observer.keras(lambda: facade(self, trainable_variables))
            if found is not None:
                observer.before_step(found, False)
            depth += 1
            try:
                result = original(self, grads, trainable_variables)
            finally:
                depth -= 1
            if found is not None:
                observer.after_step(found)
            return result

        return wrapper

    observer.patches.replace(module.BaseOptimizer, "apply", make)
