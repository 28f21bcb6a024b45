"""Where NaN or infinity first arises in a recorded step: forward, by the operation log, or backward, by its graph."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from paramedic.experiments.operations import Operation, Operations, Watch, log_operations
from paramedic.trace.tape import Tape

# They write infinity on purpose (masks), or only hand it on.
FILLS = frozenset(
    {"masked_fill", "masked_fill_", "where", "full", "full_like", "new_full", "fill_", "__setitem__", "triu", "tril",
     "masked_scatter", "scatter", "scatter_", "index_fill", "index_fill_", "tensor", "zeros", "empty"}
)


# They take a mask of zeros and minus infinities as an argument.
MASKING = FILLS | {
    "add", "__add__", "__radd__", "add_", "__iadd__", "softmax", "log_softmax", "scaled_dot_product_attention",
    "multi_head_attention_forward", "maximum", "max", "amax", "clamp", "to", "float", "expand", "unsqueeze", "view",
}


@dataclass(frozen=True)
class Range:
    """Least and greatest finite value of a tensor, and whether it holds NaN or infinity."""

    low: float
    high: float
    nan: bool
    infinite: bool
    dtype: torch.dtype
    shape: tuple[int, ...]


def range_of(tensor: Tensor) -> Range | None:
    """The range of a floating-point tensor; None for others and for empty ones."""
    if not tensor.is_floating_point() or tensor.is_sparse:
        return None
    values = tensor.detach()
    shape = tuple(values.shape)
    if values.numel() == 0:
        return Range(math.nan, math.nan, False, False, values.dtype, shape)
    finite = values[torch.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.numel() else (math.nan, math.nan)
    return Range(low, high, bool(values.isnan().any()), bool(values.isinf().any()), values.dtype, shape)


@dataclass(eq=False)
class Fact:
    """An operation with the ranges of its inputs before it, of its outputs after it, and who made each input."""

    call: Operation
    inputs: list[Range | None]
    makers: list[int | None]
    outputs: list[Range | None] = field(default_factory=list)

    def any_nan(self, ranges: list[Range | None]) -> bool:
        return any(item is not None and item.nan for item in ranges)

    def any_infinite(self, ranges: list[Range | None]) -> bool:
        return any(item is not None and item.infinite for item in ranges)


@dataclass(frozen=True)
class Origin:
    """The first event. phase: "forward", "backward" or "input" (a value that was not finite when it came in).

    tensor: for "input", the tensor that holds it.
    """

    phase: str
    call: Operation
    inputs: tuple[Range, ...]
    output: Range | None
    tensor: Tensor | None = None


class RangeWatch(Watch):
    """Notes the range of everything while it is computed; in-place operations overwrite it later."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.nodes: dict[Any, Operation] = {}
        self._maker: dict[int, int] = {}
        self._open: Fact | None = None

    def before(self, call: Operation) -> None:
        makers = [self._maker.get(id(item)) for item in call.inputs]
        self._open = Fact(call, [range_of(item) for item in call.inputs], makers)

    def after(self, call: Operation) -> None:
        fact = self._open
        if fact is None or fact.call is not call:
            return
        fact.outputs = [range_of(item) for item in call.outputs]
        for item in call.outputs:
            self._maker[id(item)] = len(self.facts)
            self._claim(item.grad_fn, call)
        self.facts.append(fact)

    def _claim(self, node: Any, call: Operation) -> None:
        """The graph's nodes that this operation added are its own."""
        stack = [node]
        while stack:
            item = stack.pop()
            if item is None or item in self.nodes or type(item).__name__ == "AccumulateGrad":
                continue
            self.nodes[item] = call
            stack.extend(child for child, _ in item.next_functions)

    def maker_of(self, tensor: Tensor) -> int | None:
        return self._maker.get(id(tensor))


def watched(tape: Tape, paths: dict[int, str], **options: Any) -> tuple[Operations, RangeWatch]:
    """Run a tape with all ranges noted."""
    watch = RangeWatch()
    return log_operations(tape, paths, watch, **options), watch


def forward_origin(watch: RangeWatch, result: Tensor | None) -> Origin | None:
    """The first operation on the way to ``result`` that makes NaN, or infinity that was not put there as a mask.

    Without a result (the program crashed) the last operation with NaN is followed back.
    """
    if result is not None:
        start = watch.maker_of(result)
    else:
        bad = [number for number, fact in enumerate(watch.facts) if fact.any_nan(fact.outputs)]
        start = bad[-1] if bad else None
    if start is None:
        return None
    return _follow(watch.facts, start)


def _follow(facts: list[Fact], number: int) -> Origin | None:
    while True:
        fact = facts[number]
        bad_nan = [place for place, item in enumerate(fact.inputs) if item is not None and item.nan]
        if fact.any_nan(fact.outputs) and bad_nan:
            maker = fact.makers[bad_nan[0]]
            if maker is None:
                return _input(fact, bad_nan[0])
            number = maker
            continue
        if not fact.any_nan(fact.outputs) and not fact.any_infinite(fact.outputs):
            return None
        return _source_of_infinity(facts, number) or _event(fact)


def _source_of_infinity(facts: list[Fact], number: int) -> Origin | None:
    """The operation behind an infinite input; None if there is none, or if it was filled in on purpose."""
    for position, item in enumerate(facts[number].inputs):
        if item is None or not item.infinite:
            continue
        maker = facts[number].makers[position]
        if maker is None:
            call = facts[number].call
            if call.name not in MASKING or _positive_infinity(call.inputs[position]):
                return _input(facts[number], position)
            continue
        if facts[maker].call.name in FILLS:
            continue
        found = _source_of_infinity(facts, maker)
        if found is not None:
            return found
        if not facts[maker].any_infinite(facts[maker].inputs):
            return _event(facts[maker])
    return None


def _positive_infinity(tensor: Tensor) -> bool:
    """A mask holds minus infinity; data that were divided by zero hold the other one too."""
    return bool((tensor == math.inf).any())


def _event(fact: Fact) -> Origin:
    ranges = tuple(item for item in fact.inputs if item is not None)
    return Origin("forward", fact.call, ranges, next((item for item in fact.outputs if item is not None), None))


def _input(fact: Fact, position: int) -> Origin:
    ranges = tuple(item for item in fact.inputs if item is not None)
    return Origin("input", fact.call, ranges, fact.inputs[position], fact.call.inputs[position])


def backward_origin(watch: RangeWatch, root: Tensor) -> Origin | None:
    """The operation whose derivative is the first that is not finite while what comes in is; runs backward."""
    found: list[Any] = []

    def hook(node: Any) -> Any:
        def look(gradients: Any, incoming: Any) -> None:
            if not found and _bad(gradients) and not _bad(incoming):
                found.append(node)

        return look

    handles = [node.register_hook(hook(node)) for node in list(_graph(root)) if type(node).__name__ != "AccumulateGrad"]
    try:
        root.sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    call = watch.nodes.get(found[0]) if found else None
    fact = next((item for item in watch.facts if item.call is call), None)
    if fact is None:
        return None
    ranges = tuple(item for item in fact.inputs if item is not None)
    return Origin("backward", fact.call, ranges, next((item for item in fact.outputs if item is not None), None))


def _bad(gradients: Any) -> bool:
    return any(isinstance(item, Tensor) and not bool(torch.isfinite(item).all()) for item in gradients)


def _graph(root: Tensor) -> Iterator[Any]:
    seen: set[Any] = set()
    stack = [root.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        stack.extend(child for child, _ in node.next_functions)


HALF_LIMIT = 65504.0
EXP_LIMIT = 88.7  # log of the largest float32


def reason_in_words(origin: Origin) -> str:
    """Why this operation gives NaN or infinity for these inputs."""
    name, first = origin.call.name.strip("_"), origin.inputs[0] if origin.inputs else None
    last = origin.inputs[-1] if origin.inputs else None
    if first is None or last is None:
        return "its inputs have no finite values"
    if origin.phase == "backward":
        return _backward_reason(name, first, last)
    return _forward_reason(name, first, last, origin)


def _forward_reason(name: str, first: Range, last: Range, origin: Origin) -> str:
    if math.prod(first.shape) == 0:
        return "its input is empty"
    if name in ("log", "log2", "log10", "log1p", "rsqrt", "sqrt", "reciprocal"):
        edge = -1.0 if name == "log1p" else 0.0
        if first.low < edge:
            return f"its input goes below {edge:g} (least {first.low:.3g})"
        if first.low == edge:
            return f"its input contains {edge:g} exactly"
    if name in ("exp", "expm1", "sinh", "cosh", "logsumexp", "softplus") and first.high > 10:
        return f"its input goes up to {first.high:.3g} (overflow of {_type(first)} above {_exp_limit(first):.3g})"
    if name in ("div", "truediv", "divide", "rtruediv", "rdiv") and last.low <= 0 <= last.high:
        return "it divides by zero" if first.dtype == last.dtype else "it divides by zero (0/0 is NaN)"
    if name in ("acos", "asin", "atanh", "arccos", "arcsin", "arctanh"):
        return f"its input leaves [-1, 1] ({first.low:.3g} to {first.high:.3g})"
    if "softmax" in name or "attention" in name:
        return "a whole row is masked with minus infinity" if any(item.infinite for item in origin.inputs) else _span(first)
    if name in ("std", "var", "std_mean", "var_mean"):
        return "it is taken over a single value"
    if name in ("cross_entropy", "nll_loss"):
        return "no target is left (all are ignored), so the mean is 0/0" if not first.infinite else _span(first)
    if name in ("pow", "rpow", "float_power"):
        return f"the base goes down to {first.low:.3g}: a fractional power of a negative number, or a negative one of zero"
    if first.dtype == torch.float16 or (origin.output is not None and origin.output.dtype == torch.float16):
        return f"half precision overflows above {HALF_LIMIT:g} (inputs up to {first.high:.3g})"
    return _span(first)


def _backward_reason(name: str, first: Range, last: Range) -> str:
    if name in ("sqrt", "norm", "vector_norm", "linalg_vector_norm", "linalg_norm", "cdist", "dist") and first.low <= 0:
        return "its derivative at 0 is infinite (or 0/0)"
    if name in ("pow", "float_power") and first.low <= 0 <= first.high:
        return "the derivative of a fractional power at 0 is infinite"
    if name in ("acos", "asin", "atanh", "arccos", "arcsin"):
        return "its derivative at -1 and 1 is infinite"
    if name in ("std", "var"):
        return "its derivative for a constant input is 0/0"
    if name in ("log", "log2", "log10", "div", "truediv", "reciprocal", "rsqrt", "divide", "atan2"):
        return "its derivative at 0 is infinite"
    if torch.float16 in (first.dtype, last.dtype):
        return f"the gradient overflows half precision (above {HALF_LIMIT:g})"
    return _span(first)


def _span(item: Range) -> str:
    marks = [text for text, there in (("NaN", item.nan), ("infinity", item.infinite)) if there]
    also = f" and {' and '.join(marks)}" if marks else ""
    return f"its input reaches from {item.low:.3g} to {item.high:.3g}{also} ({_type(item)})"


def _type(item: Range) -> str:
    return str(item.dtype).removeprefix("torch.")


def _exp_limit(item: Range) -> float:
    return math.log(torch.finfo(item.dtype).max)
