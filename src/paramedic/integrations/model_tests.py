"""Ready assertions about a model, its loss and one batch: what people write by hand in every project's tests.

Each takes ``(model, loss, batch)``: the loss is called as ``loss(model(*inputs), target)``, and the batch is a tuple
``(input, ..., target)`` of tensors whose first dimension is the samples. They work on copies, restore the random
numbers, and raise AssertionError with the finding, or NotApplicable with the reason.
"""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from paramedic.checks.check import NotApplicable
from paramedic.trace.random_state import torch_state_kept

STEPS = 200  # of Adam; a batch of a few samples is learned in less, or never
RATES = (1e-2, 1e-3)
LEFT = 0.1  # of the way from the first loss to the smallest possible one: experiments/progress.py calls 0.2 learned
FREE_RATE = 0.1
CHANCE = 2.0  # times the loss of uniform probabilities; sound initializations give 1.0 to 1.3
SAME = 1e-4  # relative: float32 matrix products of other sizes differ by about 1e-6
ENOUGH_UNITS = 4
SEED = 0
Batch = Sequence[Any]
Loss = Callable[..., Tensor]


@dataclass(frozen=True)
class Subject:
    """A copy of the model with its loss and batch. causal: whether outputs may depend on earlier positions only."""

    model: nn.Module
    loss: Loss
    inputs: tuple[Any, ...]
    target: Any
    causal: bool = False

    def output(self) -> Any:
        return self.model(*self.inputs)

    def value(self) -> Tensor:
        return self.loss(self.output(), self.target)


@contextmanager
def subject(model: nn.Module, loss: Loss, batch: Batch, causal: bool = False) -> Iterator[Subject]:
    """Copies with the same random numbers every time. TypeError for a batch that is no tuple of at least two."""
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise TypeError(f"a batch must be a tuple (input, ..., target), not {type(batch).__name__}")
    twin, criterion = copy.deepcopy((model, loss))
    with torch_state_kept(), torch.enable_grad():
        torch.manual_seed(SEED)
        yield Subject(twin, criterion, tuple(batch[:-1]), batch[-1], causal)


def overfits_a_batch(it: Subject) -> None:
    """The model learns one batch by heart."""
    it.model.eval()  # dropout and other noise would stand between the loss and its smallest value
    with torch.no_grad():
        first = float(it.value())
    smallest = _smallest_loss(it)
    if not first > smallest:
        raise NotApplicable("the loss is at its smallest value already")
    best = math.inf
    for rate in RATES:
        twin = copy.deepcopy(it.model)
        trained = Subject(twin, it.loss, it.inputs, it.target)
        parameters = [item for item in twin.parameters() if item.requires_grad]
        assert parameters, "R23 frozen-parameters: the model has no parameter that is trained"
        optimizer = torch.optim.Adam(parameters, lr=rate)
        for _ in range(STEPS):
            optimizer.zero_grad()
            value = trained.value()
            value.backward()
            optimizer.step()
        with torch.no_grad():
            best = min(best, float(trained.value()))
        if (best - smallest) / (first - smallest) <= LEFT:
            return
    left = (best - smallest) / (first - smallest)
    raise AssertionError(
        f"S5 cannot-overfit-tiny-set: {STEPS} steps of Adam on one batch take the loss from {first:.4g} to {best:.4g}; "
        f"{smallest:.4g} is possible, so {left:.0%} is left (expected at most {LEFT:.0%}): run paramedic on the training"
    )


def _smallest_loss(it: Subject) -> float:
    """What the loss reaches when its input is free: 0 for most, the entropy of the targets for soft ones."""
    with torch.no_grad():
        output = it.output()
    if not isinstance(output, Tensor) or not output.is_floating_point():
        raise NotApplicable("the model does not give one tensor")
    best = math.inf
    free = output.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([free], lr=FREE_RATE * float(output.detach().abs().mean() + 1))
    for _ in range(STEPS):
        optimizer.zero_grad()
        value = it.loss(free, it.target)
        if not torch.isfinite(value):
            break
        best = min(best, float(value.detach()))
        value.backward()
        optimizer.step()
    return best


def loss_at_chance(it: Subject) -> None:
    """The first loss is not far above that of uniform probabilities."""
    output, target = it.output(), it.target
    if not isinstance(target, Tensor) or target.is_floating_point() or not isinstance(output, Tensor) or output.dim() < 2:
        raise NotApplicable("the targets are no class labels")
    first, chance = float(it.value().detach()), float(it.loss(torch.zeros_like(output), target))
    if not first <= CHANCE * chance:
        raise AssertionError(
            f"R17 loss-above-chance-at-start: the loss starts at {first:.4g}, and uniform probabilities give {chance:.4g} "
            f"(expected at most {CHANCE:g} times that): scale the last layer's initial weights down"
        )


def gradients_reach_every_parameter(it: Subject) -> None:
    """Every parameter that is to be trained gets a gradient, at the latest in the second step."""
    parameters = [(name, item) for name, item in it.model.named_parameters() if item.requires_grad]
    if not parameters:
        raise AssertionError("R23 frozen-parameters: the model has no parameter that is trained")
    it.model.train()
    optimizer = torch.optim.SGD([item for _, item in parameters], lr=1e-3)
    reached: set[str] = set()
    for _ in range(2):  # behind a layer that begins at zero the gradient is zero in the first step
        optimizer.zero_grad()
        it.value().backward()
        reached |= {name for name, item in parameters if item.grad is not None and bool(item.grad.ne(0).any())}
        optimizer.step()
    missing = [name for name, _ in parameters if name not in reached]
    if missing:
        shown = ", ".join(missing[:6]) + (" ..." if len(missing) > 6 else "")
        raise AssertionError(
            f"R23 parameters-not-reached: {len(missing)} of {len(parameters)} parameters get no gradient ({shown}; expected "
            "0): connect them to the loss, or set requires_grad=False"
        )


def no_leak_between_samples(it: Subject) -> None:
    """In evaluation mode a sample's output does not depend on the others in its batch."""
    it.model.eval()
    tensors = [item for item in it.inputs if isinstance(item, Tensor) and item.dim()]
    if not tensors or len(tensors[0]) < 3:
        raise NotApplicable("fewer than three samples")
    with torch.no_grad():
        before = it.output()
        other = it.model(*(_others_swapped(item) for item in it.inputs))
    one, two = _first(before), _first(other)
    change = _change(one, two, _spread(before))
    if change > SAME:
        raise AssertionError(
            f"R25 samples-influence-each-other: other samples in the batch change the first one's output by {change:.2g} of "
            "the outputs' size (expected 0): look for a view, transpose or dim=0 that mixes samples with features"
        )


def _others_swapped(item: Any) -> Any:
    """All samples but the first in reverse order, the second one doubled."""
    if not isinstance(item, Tensor) or not item.dim() or len(item) < 3:
        return item
    return torch.cat([item[:1], item[1:].flip(0)[:1], item[1:].flip(0)[:-1]])


def no_causal_leak(it: Subject) -> None:
    """The output at a position does not depend on later ones."""
    if not it.causal:
        raise NotApplicable("not said to be causal (causal=True)")
    it.model.eval()
    first = it.inputs[0]
    if not isinstance(first, Tensor) or first.dim() < 2 or first.shape[1] < 3:
        raise NotApplicable("the input is no sequence of at least three positions")
    half = first.shape[1] // 2
    changed = torch.cat([first[:, :half], first[:, half:].flip(0)], dim=1)
    if torch.equal(changed, first):
        raise NotApplicable("the samples have the same second half")
    with torch.no_grad():
        before, after = it.output(), it.model(changed, *it.inputs[1:])
    if not isinstance(before, Tensor) or before.dim() < 2 or before.shape[1] != first.shape[1]:
        raise NotApplicable("the output has no position for each of the input's")
    change = _change(before[:, :half], after[:, :half], _spread(before))
    if change > SAME:
        raise AssertionError(
            f"R25 causal-leak: the second half of the input changes the first half of the output by {change:.2g} of its size "
            "(expected 0): give the attention a causal mask, or pad convolutions on the left"
        )


def initialization_healthy(it: Subject) -> None:
    """No layer begins with equal units, or with an output that is the same for all samples, or not finite."""
    outputs: dict[str, Tensor] = {}
    handles = [
        module.register_forward_hook(lambda _m, _i, out, name=name: outputs.setdefault(name, out))  # type: ignore[misc]
        for name, module in it.model.named_modules() if any(True for _ in module.parameters(recurse=False))
    ]
    try:
        with torch.no_grad():
            it.output()
    finally:
        for handle in handles:
            handle.remove()
    for name, output in outputs.items():
        if isinstance(output, Tensor) and output.is_floating_point():
            if not torch.isfinite(output).all():
                raise AssertionError(f"R28 badly-scaled-initialization: the first output of {name} is not finite")
            if output.dim() > 1 and len(output) > 2 and not (output - output[:1]).ne(0).any() and _varies(it):
                raise AssertionError(
                    f"R28 zero-initialization: the first output of {name} is the same for all {len(output)} samples: draw its "
                    "weights at random"
                )
    for name, parameter in it.model.named_parameters():
        if parameter.dim() > 1 and len(parameter) >= ENOUGH_UNITS and parameter.ne(0).any():
            if not (parameter - parameter[:1]).ne(0).any():
                raise AssertionError(
                    f"R28 symmetric-initialization: all {len(parameter)} units of {name} begin with equal weights: draw "
                    "them at random"
                )


def _varies(it: Subject) -> bool:
    first = next((item for item in it.inputs if isinstance(item, Tensor) and item.dim()), None)
    return first is not None and bool((first != first[:1]).any())


def loss_sane(it: Subject) -> None:
    """The loss is one finite number, depends on the target, and has a finite gradient that is not zero."""
    output = it.output()
    if not isinstance(output, Tensor):
        raise NotApplicable("the model does not give one tensor")
    free = output.detach().clone().requires_grad_()
    value = it.loss(free, it.target)
    if value.numel() != 1:
        raise AssertionError(f"R18: the loss has the shape {tuple(value.shape)} (expected one number): take its mean")
    if not torch.isfinite(value):
        raise AssertionError(f"R37 custom-loss-non-finite: the first loss is {float(value)} (expected a finite number)")
    if not value.requires_grad:
        raise AssertionError("R18 loss-without-gradient: the loss has no gradient with respect to the output")
    (gradient,) = torch.autograd.grad(value, free, allow_unused=True)
    if gradient is None or not torch.isfinite(gradient).all() or not gradient.ne(0).any():
        kind = "no" if gradient is None else "a zero" if torch.isfinite(gradient).all() else "a non-finite"
        raise AssertionError(f"R18 loss-without-gradient: the loss has {kind} gradient with respect to the output")
    if isinstance(it.target, Tensor) and it.target.dim() and len(it.target) > 1:
        rolled = it.target.roll(1, 0)
        if not torch.equal(rolled, it.target) and float(it.loss(free.detach(), rolled)) == float(value.detach()):
            raise AssertionError("R18 custom-loss-ignores-target: other targets give the same loss (expected another one)")


def same_output_in_eval(it: Subject) -> None:
    """Two passes in evaluation mode give the same."""
    it.model.eval()
    with torch.no_grad():
        one, two = it.output(), it.output()
    change = _change(_tensor(one), _tensor(two), _spread(one))
    if change > 0:
        raise AssertionError(
            f"R32 always-on-dropout: two passes in evaluation mode differ by {change:.2g} of the outputs' size (expected 0): "
            "give dropout and noise training=self.training"
        )


def state_dict_round_trip(it: Subject) -> None:
    """What state_dict saves is all that the outputs depend on."""
    it.model.eval()
    with torch.no_grad():
        before = it.output()
        file = io.BytesIO()
        torch.save(it.model.state_dict(), file)
        tensors = [*it.model.parameters(), *it.model.buffers()]
        for tensor in tensors:
            tensor.zero_()
        file.seek(0)
        it.model.load_state_dict(torch.load(file, weights_only=True))
        after = it.output()
    change = _change(_tensor(before), _tensor(after), _spread(before))
    if change > 0:
        raise AssertionError(
            f"R23: after saving and loading its state_dict the model's outputs differ by {change:.2g} of their size (expected "
            "0): register buffers with persistent=True"
        )


def _tensor(output: Any) -> Tensor:
    if isinstance(output, (tuple, list)) and output:
        return _tensor(output[0])
    if not isinstance(output, Tensor):
        raise NotApplicable("the model does not give a tensor")
    return output


def _first(output: Any) -> Tensor:
    return _tensor(output)[:1]


def _spread(output: Any) -> float:
    return float(_tensor(output).detach().double().square().mean().sqrt()) + 1e-12


def _change(one: Tensor, two: Tensor, scale: float) -> float:
    if one.shape != two.shape:
        raise NotApplicable("the outputs have other shapes")
    return float((one.double() - two.double()).abs().max()) / scale if one.numel() else 0.0


ASSERTIONS: dict[str, Callable[[Subject], None]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        overfits_a_batch,
        loss_at_chance,
        gradients_reach_every_parameter,
        no_leak_between_samples,
        no_causal_leak,
        initialization_healthy,
        loss_sane,
        same_output_in_eval,
        state_dict_round_trip,
    )
}
