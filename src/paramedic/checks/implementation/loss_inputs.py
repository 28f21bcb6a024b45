"""What enters the losses of a program: where it was made, and which values it can take at all."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.experiments.lab import Lab
from paramedic.experiments.loss_tail import LossTail, loss_tail
from paramedic.experiments.operations import LossCall, Operation, Operations
from paramedic.measurements.loss import class_dimension
from paramedic.trace.place import Place

# They move, select or convert values, and leave the values themselves as they are.
SHAPE_OPERATIONS = frozenset(
    {"view", "reshape", "squeeze", "unsqueeze", "flatten", "unflatten", "transpose", "permute", "contiguous", "clone",
     "float", "double", "half", "bfloat16", "to", "type", "type_as", "__getitem__", "swapaxes", "swapdims", "movedim",
     "moveaxis", "T", "mT", "expand", "expand_as", "chunk", "split", "unbind", "narrow", "select", "clamp",
     "clamp_min", "clamp_max", "clip", "nan_to_num", "view_as", "reshape_as", "ravel", "stack", "cat", "concat",
     "masked_select", "index_select", "t", "cpu", "cuda"}
)
SOFTMAXES = frozenset({"softmax", "log_softmax", "gumbel_softmax"})
ROW_SUM_TOLERANCE = 1e-3  # float32 rows of 10^4 classes sum to 1 within 1e-5; bfloat16 within 4e-3 of one class
HALF_TOLERANCE = 3e-2  # bfloat16 and float16
DRAWS = 6
MAX_LOSSES = 4  # different backward statements that are looked at
LAYERS = frozenset({"torch", "keras"})  # packages whose layers are constructed line by line in a program


@dataclass(frozen=True)
class LossInput:
    """One comparison with a target, and how its input comes about.

    call: the loss. tail: the operations from the last parameters to the loss (None where they cannot be run by
    themselves). index: of the recorded step. maker: the operation that gave the input its values; tensor: its
    result, before any reshaping.
    """

    call: LossCall
    operations: Operations
    tail: LossTail | None
    maker: Operation | None
    tensor: Tensor
    index: int


def loss_indices(lab: Lab) -> list[int]:
    """The first recorded step of every backward statement of the program."""
    found: dict[object, int] = {}
    for index, record in enumerate(lab.backwards):
        found.setdefault(str(record.place), index)
    return list(found.values())[:MAX_LOSSES]


def faithful_tail(lab: Lab, index: int) -> LossTail | None:
    """The tail of the ``index``-th loss if it can be run by itself; cached by the lab."""
    cache = lab._cache
    key = ("tail", index)
    if key not in cache:
        tail = loss_tail(lab.operations(index))
        with lab.at("initial"):
            cache[key] = tail if tail is not None and tail.faithful() else None
    return cache[key]


def loss_inputs(case: Case) -> list[LossInput]:
    """All comparisons with a target in the program's losses."""
    found = []
    for index in loss_indices(case.lab):
        operations = case.lab.operations(index)
        tail = faithful_tail(case.lab, index)
        for call in case.lab.loss_calls(index):
            maker, tensor = maker_of(operations, call.input, before=call.operation)
            found.append(LossInput(call, operations, tail, maker, tensor, index))
    return found


def maker_of(
    operations: Operations, tensor: Tensor, before: Operation | None = None
) -> tuple[Operation | None, Tensor]:
    """The operation that gave ``tensor`` its values, past reshaping and clamping; and the tensor that it made."""
    calls = operations.calls
    end = next((number for number, call in enumerate(calls) if call is before), len(calls))
    for number in range(end - 1, -1, -1):
        call = calls[number]
        if not any(item is tensor for item in call.outputs):
            continue
        if call.name in SHAPE_OPERATIONS and call.inputs:
            tensor = call.inputs[0]
            if any(item is tensor for item in call.outputs):  # in place: the same tensor, look further up
                continue
            continue
        return call, tensor
    return None, tensor


def class_axis(call: LossCall) -> int | None:
    """The dimension of the loss input that holds the classes; None if there is none."""
    if call.name in ("cross_entropy", "nll_loss"):
        return (1 if call.input.dim() > 1 else 0) if call.input.dim() else None
    return class_dimension(call.input, call.target) if call.target is not None else None


def tolerance(tensor: Tensor) -> float:
    return HALF_TOLERANCE if tensor.dtype in (torch.bfloat16, torch.float16) else ROW_SUM_TOLERANCE


def sums_to_one(values: Tensor, dim: int) -> bool:
    """Whether all values lie in [0, 1] and every row along ``dim`` sums to 1."""
    slack = tolerance(values)
    rows = values.detach().double()
    if rows.numel() == 0 or not bool(torch.isfinite(rows).all()) or rows.shape[dim] < 2:
        return False
    within = bool((rows >= -slack).all()) and bool((rows <= 1 + slack).all())
    return within and float((rows.sum(dim) - 1).abs().max()) <= slack


def log_sums_to_one(values: Tensor, dim: int) -> bool:
    """Whether every row along ``dim`` holds logarithms of probabilities that sum to 1."""
    rows = values.detach().double()
    return not bool(torch.isnan(rows).any()) and float(rows.logsumexp(dim).abs().max()) <= 10 * tolerance(values)


def reach(tail: LossTail, tensor: Tensor, scale: float) -> tuple[Tensor, Tensor] | None:
    """Per element, the least and the largest value that ``tensor`` takes when the network's outputs are anything up
    to ``scale`` in size; None if it does not depend on them."""
    generator = torch.Generator().manual_seed(0)
    lows: list[Tensor] = []
    for draw in range(2 * DRAWS):
        size = scale if draw % 2 else scale ** (draw / (2 * DRAWS))
        outputs = []
        for item in tail.outputs:
            signs = torch.rand(item.shape, generator=generator, device="cpu").sub(0.5).sign().to(item.device)
            if draw < 4:
                signs = torch.full_like(signs, 1.0 if draw % 4 < 2 else -1.0)
            outputs.append((signs * size).to(item.dtype))
        with torch.no_grad():
            values = tail.run(outputs)[1]
        if id(tensor) not in values:
            return None
        lows.append(values[id(tensor)].detach().double())
    stacked = torch.stack(lows)
    if bool(torch.isnan(stacked).any()):
        return None
    return stacked.amin(0), stacked.amax(0)


def made_at(case: Case, operation: Operation) -> Place | None:
    """The user's line of an operation: where its module was constructed, for a layer of a library without further modules
    (nn.Softmax in an nn.Sequential, a Dense layer with its activation are called by no line of the user's), else where it was
    called. A module that is called several times (one ``self.relu`` for all layers) is right elsewhere: it is the call that
    counts."""
    module = operation.module
    calls = [call for call in case.lab.operations(0).calls if module is not None and call.module is module]
    own = module is not None and not list(module.children()) and len(calls) < 2
    if module is not None and own and type(module).__module__.split(".")[0] in LAYERS:
        constructed = case.setup.constructed.get(module)
        if constructed is not None:
            return constructed
    return operation.place


def described(operation: Operation | None) -> str:
    """"softmax (net.3)" for an operation inside a module."""
    if operation is None:
        return "its input"
    return f"{operation.name} ({operation.module_path})" if operation.module_path else operation.name


def activation_place(case: Case, item: LossInput) -> Place | None:
    """Where to mend an activation in front of a loss: its own line, unless the loss reads its result rightly elsewhere
    (the weight of a focal loss); then the line of the comparison."""
    if item.maker is None:
        return item.call.place
    on_path = {id(call) for call in item.operations.on_path()}
    readers = [
        call
        for call in item.operations.calls
        if id(call) in on_path and any(value is item.tensor for value in call.inputs)
    ]
    if len(readers) > 1 and item.call.place is not None:
        return item.call.place
    return made_at(case, item.maker) or item.call.place
