"""The line of a custom backward that computes one of the gradients."""

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor

from paramedic.checks.implementation.custom_functions import backward_place


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, power: Tensor) -> Tensor:
        ctx.save_for_backward(x, scale, power)
        return scale * x**power

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, scale, power = ctx.saved_tensors
        (grad,) = grads
        grad_x = grad * scale * power * x ** (power - 1)
        grad_scale = grad * x**power
        grad_scale = grad_scale * (x > 0)
        return (
            grad_x,
            grad_scale.sum(0),
            (grad * scale * x**power * x.log()).sum(),
        )


class TwoWays(torch.autograd.Function):
    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        if ctx.needs_input_grad[0]:
            return grads[0]
        return 2 * grads[0]


@pytest.mark.parametrize(
    ("function", "position", "text"),
    [
        (Scaled, 0, "grad_x = grad * scale"),
        (Scaled, 1, "grad_scale = grad_scale * (x > 0)"),
        (Scaled, 2, "(grad * scale * x**power * x.log()).sum()"),
        (Scaled, None, "def backward"),
        (TwoWays, 0, "def backward"),
    ],
)
def test_the_line_of_a_gradient(function: type[torch.autograd.Function], position: int | None, text: str) -> None:
    place = backward_place(function, position)
    assert place is not None
    lines, first = inspect.getsourcelines(function)
    assert lines[place.line - first].strip().startswith(text)
