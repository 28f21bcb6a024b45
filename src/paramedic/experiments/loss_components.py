"""The terms that a loss is a weighted sum of: found in the graph, with their gradients at the shared parameters.

The graph is walked down from the loss through sums, differences and factors that need no gradient; what stands there
is a component, wherever in the program it was computed. Functions of torch.nn.functional that are losses stay whole,
and so does what has no floor without its neighbours (the parts of a Kullback-Leibler term, a critic's two scores).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from paramedic.experiments.free_output import falls_without_end
from paramedic.experiments.interventions import Remedy
from paramedic.experiments.lab import Lab
from paramedic.experiments.loss_tail import _parameter_values
from paramedic.experiments.operations import LOSS_FUNCTIONS, Operation, Operations, Watch
from paramedic.experiments.progress import Probe, Scale, Tail, free_start, measuring, scale_from, tail_to
from paramedic.trace.place import Place
from paramedic.trace.random_state import torch_state_kept

# Graph nodes that are linear in their inputs, by name without the "Backward0".
_SUMS = frozenset({"Add", "Sub", "Rsub", "Lerp"})
_SAME = frozenset(
    "Neg Alias View ReshapeAlias UnsafeView Squeeze Unsqueeze Expand Clone ToCopy Select Slice".split()
)
_FACTORS = frozenset({"Mul", "Div"})
_REDUCTIONS = frozenset({"Sum", "Mean"})
_STACKS = frozenset({"Stack", "Cat"})
# What turns the elements of a sample into one number: a sum of such rows has components, a sum of elements has not.
_ROW_REDUCTIONS = frozenset("Sum Mean MseLoss NllLoss NllLoss2D NllLossNd HuberLoss SmoothL1Loss LinalgVectorNorm "
                            "Norm KlDiv BinaryCrossEntropy Prod Logsumexp".split())  # fmt: skip
MOST_COMPONENTS = 12
DESCENT_STEPS, DESCENT_RATE = 40, 0.3
TRIVIAL = 1e-3  # of its initial value: what no output can improve on the best constant one, no data enter

Way = tuple[int, ...]


def _kind(node: Any) -> str:
    """ "Add" for AddBackward0."""
    return str(node.name()).rsplit("::", 1)[-1].rstrip("0123456789").removesuffix("Backward")


def _numel(node: Any) -> int:
    shape = node._input_metadata[0].shape
    return math.prod(int(size) for size in shape)


def _children(node: Any) -> list[tuple[int, Any]]:
    return [(number, child) for number, (child, _) in enumerate(node.next_functions) if child is not None]


def at_way(root: Any, way: Way) -> Any:
    """The graph node that a way of positions leads to."""
    for number in way:
        root = root.next_functions[number][0]
    return root


class _Walk:
    """The leaves of the linear part of a graph; ``whole``: nodes that are not opened."""

    def __init__(self, whole: set[Any]) -> None:
        self.whole = whole

    def leaves(self, node: Any, way: Way = ()) -> list[tuple[Way, Any]]:
        opened = self._opened(node) if node not in self.whole else None
        if opened is None:
            return [(way, node)]
        return [leaf for number, child in opened for leaf in self.leaves(child, way + number)]

    def _opened(self, node: Any) -> list[tuple[Way, Any]] | None:
        kind, children = _kind(node), _children(node)
        if not children or _numel(node) != 1:
            return None
        if kind in _SUMS or kind in _SAME and len(children) == 1:
            same = all(_numel(child) == 1 for _, child in children)
            return [((number,), child) for number, child in children] if same else None
        if kind in _FACTORS:
            scaled = len(children) == 1 and children[0][0] == 0 or kind == "Mul" and len(children) == 1
            return [((children[0][0],), children[0][1])] if scaled and _numel(children[0][1]) == 1 else None
        if kind in _REDUCTIONS or kind in ("Dot", "Mv", "Mm") and len(children) == 1:
            return self._stacked(children[0][1], (children[0][0],)) or self._rows(node)
        return None

    def _stacked(self, node: Any, way: Way) -> list[tuple[Way, Any]] | None:
        """The scalars of a ``torch.stack`` below factors."""
        while _kind(node) in _SAME | _FACTORS and len(_children(node)) == 1:
            number, child = _children(node)[0]
            node, way = child, (*way, number)
        if _kind(node) not in _STACKS:
            return None
        parts = [(((*way, number)), child) for number, child in _children(node)]
        return parts if all(_numel(child) <= 1 for _, child in parts) else None

    def _rows(self, node: Any) -> list[tuple[Way, Any]] | None:
        """The addends of a sum of vectors with one number per sample."""
        number, child = _children(node)[0]
        leaves = list(self._addends(child, (number,), _numel(child)))
        each = all(_kind(leaf) in _ROW_REDUCTIONS or leaf in self.whole for _, leaf in leaves)
        return leaves if len(leaves) > 1 and each else None

    def _addends(self, node: Any, way: Way, size: int) -> Iterator[tuple[Way, Any]]:
        kind, children = _kind(node), _children(node)
        opens = kind in _SUMS or (kind in _SAME | _FACTORS and len(children) == 1)
        opens = opens and all(_numel(child) == size for _, child in children) and node not in self.whole
        if not opens or not children:
            yield way, node
            return
        for number, child in children:
            yield from self._addends(child, (*way, number), size)


@dataclass(eq=False)
class Component:
    """One term of the loss.

    ways: where it stands in the graph below the loss (several for the parts of a penalty). operation: what
    computed it; joined: the line where it enters the sum. penalty: it depends on parameters alone.
    share: its part of the loss, with its weight. factor: d loss / d component; weight: its first element.
    """

    ways: tuple[Way, ...]
    operation: Operation | None
    joined: Place | None
    penalty: bool
    share: float
    factor: Tensor | None

    @property
    def weight(self) -> float:
        return float(self.factor.flatten()[0]) if self.factor is not None else math.nan

    @property
    def name(self) -> str:
        """ "mse_loss (train.py:40)"."""
        if self.penalty:
            return "the penalty on the weights"
        if self.operation is None:
            return "a term"
        name = self.operation.name.strip("_")
        return f"{name} ({self.operation.place})" if self.operation.place else name


class _Makers(Watch):
    """Which call made which graph node, and the value it gave (in-place sums overwrite it later)."""

    def __init__(self) -> None:
        self.made: dict[Any, tuple[Operation, int, Tensor, Tensor]] = {}
        self.count = 0

    def after(self, call: Operation) -> None:
        for item in call.outputs:
            if item.grad_fn is not None and item.grad_fn not in self.made:
                value = item.detach().clone() if item.numel() <= 1024 else item.detach()
                self.made[item.grad_fn] = (call, self.count, item, value)
        self.count += 1


@dataclass(eq=False)
class Breakdown:
    """A recorded loss taken apart: its log, the nodes of its graph, and its components."""

    probe: Probe
    log: Operations
    made: dict[Any, tuple[Operation, int, Tensor, Tensor]] = field(repr=False)
    components: list[Component] = field(default_factory=list)


def has_target(found: Breakdown, number: int) -> bool:
    """Whether a component compares with data: a tensor without a gradient enters it after the network. True where its
    operations cannot be followed.
    """
    return compares_with_data(found, found.components[number].operation)


def compares_with_data(found: Breakdown, start: Operation | None) -> bool:
    """Whether a tensor without a gradient enters an operation, or what it is computed from, after the network."""
    makers = {id(item): call for call in found.log.calls for item in call.outputs}
    waiting, seen = [start], set[int]()
    while waiting:
        call = waiting.pop()
        if call is None or _in_network(call):
            return True
        for item in call.inputs:
            maker = makers.get(id(item))
            if maker is None or not item.requires_grad:
                if not item.requires_grad and item.numel() > 1:
                    return True
            elif id(maker) not in seen and not _in_network(maker):
                seen.add(id(maker))
                waiting.append(maker)
    return False


def _in_network(call: Operation) -> bool:
    return call.module is not None and any(True for _ in call.module.parameters())


def whole_losses(made: dict[Any, tuple[Operation, int, Tensor, Tensor]]) -> set[Any]:
    """Nodes that library losses end in."""
    return {node for node, (call, _, _, _) in made.items() if call.name in LOSS_FUNCTIONS}


def break_down(lab: Lab, probe: Probe, *, modes: bool = True) -> Breakdown | None:
    """The components of a probe's loss in the present state; None where it has no graph or is a single term."""
    makers = _Makers()
    log = lab.log(probe.tape, makers, modes=modes, **probe.options())
    root = log.root
    if root is None or root.grad_fn is None or root.numel() != 1 or log.derivatives():
        return None
    found = Breakdown(probe, log, makers.made)
    leaves = _leaves(lab, found)
    nodes: dict[Any, list[Way]] = {}
    for way, node in leaves:
        if _kind(node) != "AccumulateGrad":
            nodes.setdefault(node, []).append(way)
    if len(nodes) < 2:
        return None
    derived = _parameter_values(log, False)
    weights = _weights(root, list(nodes))
    penalties: list[Component] = []
    for node, ways in nodes.items():
        component = _component(found, node, tuple(ways), derived, weights[node])
        (penalties if component.penalty else found.components).append(component)
    if penalties:
        ways_in = tuple(way for item in penalties for way in item.ways)
        found.components.append(
            replace(
                penalties[0],
                ways=ways_in,
                joined=_joined(found, root.grad_fn, _common(ways_in)),
                share=sum(item.share for item in penalties),
            )
        )
    return found if 2 <= len(found.components) <= MOST_COMPONENTS else None


def _component(
    found: Breakdown, node: Any, ways: tuple[Way, ...], derived: set[int], weight: Tensor | None
) -> Component:
    call, _, tensor, value = found.made.get(node, (None, 0, None, None))
    share = float((weight * value).sum()) if weight is not None and value is not None else math.nan
    assert found.log.root is not None
    joined = _joined(found, found.log.root.grad_fn, ways[0])
    return Component(ways, call, joined, tensor is not None and id(tensor) in derived, share, weight)


def _common(ways: Sequence[Way]) -> Way:
    """How far several ways run together."""
    shared = ways[0]
    for way in ways[1:]:
        same = (number for number, (a, b) in enumerate(zip(shared, way, strict=False)) if a != b)
        shared = shared[: next(same, min(len(shared), len(way)))]
    return shared


def _joined(found: Breakdown, root: Any, way: Way) -> Place | None:
    """The line of the innermost sum above a component."""
    for length in range(len(way) - 1, -1, -1):
        node = at_way(root, way[:length])
        if _kind(node) in _SUMS | _STACKS | _REDUCTIONS and node in found.made and len(_children(node)) > 1:
            return found.made[node][0].place
    return found.made[root][0].place if root in found.made else None


def _weights(root: Tensor, nodes: Sequence[Any]) -> dict[Any, Tensor | None]:
    """d loss / d component, caught on its way to each node."""
    seen: dict[Any, Tensor | None] = {node: None for node in nodes}
    handles = []
    for node in nodes:

        def catch(grads: tuple[Tensor, ...], node: Any = node) -> None:
            seen[node] = grads[0].detach().clone() if grads[0] is not None else None

        handles.append(node.register_prehook(catch))
    leaves = [item for item in _leaf_tensors(root.grad_fn)]
    try:
        torch.autograd.grad(root, leaves, retain_graph=True, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _leaf_tensors(root: Any) -> list[Tensor]:
    """Leaves that the graph accumulates gradients for."""
    waiting, seen, found = [root], set(), []
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.append(node.variable)
        waiting.extend(child for child, _ in node.next_functions)
    return found


def leaf_tensors_of(found: Breakdown, component: Component) -> list[Tensor]:
    """The parameters that a component's gradient reaches."""
    assert found.log.root is not None
    reached = {
        id(item): item for way in component.ways for item in _leaf_tensors(at_way(found.log.root.grad_fn, way))
    }
    return list(reached.values())


# -- components without a floor of their own --------------------------------------------------------------------------


def _leaves(lab: Lab, found: Breakdown) -> list[tuple[Way, Any]]:
    """The terms of this loss; which of them have a floor is found out once."""
    assert found.log.root is not None
    root = found.log.root.grad_fn
    leaves = _Walk(whole_losses(found.made)).leaves(root)
    key = ("terms", tuple((way, node.name()) for way, node in leaves))
    if key not in lab._cache:
        lab._cache[key] = tuple(way for way, _ in _bounded(found, leaves))
    return [(way, at_way(root, way)) for way in lab._cache[key]]


def _bounded(found: Breakdown, leaves: list[tuple[Way, Any]]) -> list[tuple[Way, Any]]:
    """Leaves that can be minimised by themselves; those that fall without end are put together with their neighbours."""
    assert found.log.root is not None
    root = found.log.root.grad_fn
    for _ in range(len(leaves)):
        if len(leaves) < 2:
            break
        weights = _weights(found.log.root, [node for _, node in leaves])
        endless = next((way for way, node in leaves if _endless(found, node, weights[node])), None)
        if endless is None:
            break
        parent = endless
        while parent and sum(way[: len(parent)] == parent for way, _ in leaves) < 2:
            parent = parent[:-1]
        rest = [(way, node) for way, node in leaves if way[: len(parent)] != parent]
        leaves = [*rest, (parent, at_way(root, parent))]
    return leaves


def _endless(found: Breakdown, node: Any, weight: Tensor | None) -> bool:
    tail = _tail(found, node)
    if tail is None or weight is None:
        return False
    start = [free_start(item).detach() for item in tail.outputs]

    def loss(outputs: list[Tensor]) -> Tensor:
        return (weight * tail.loss(outputs)).sum()

    free = [item.clone().requires_grad_() for item in start]
    try:
        with torch.enable_grad():
            optimizer = torch.optim.Adam(free, lr=DESCENT_RATE)
            for _ in range(DESCENT_STEPS):
                value = loss(free)
                if not value.requires_grad or not bool(torch.isfinite(value)):
                    return False
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
        return falls_without_end(loss, start, [item.detach() for item in free])
    except Exception:
        return False


def endless_terms(lab: Lab, probe: Probe) -> tuple[Breakdown, list[Component]] | None:
    """The parts of a sum that compare with no data, fall without end, and would have a floor with the other sign.

    Beside them there has to be a part that compares with data. None where the loss is no sum.
    """
    with torch.enable_grad():
        makers = _Makers()
        log = lab.log(probe.tape, makers, **probe.options())
    root = log.root
    if root is None or root.grad_fn is None or root.numel() != 1 or log.derivatives():
        return None
    found = Breakdown(probe, log, makers.made)
    leaves = [leaf for leaf in _Walk(whole_losses(found.made)).leaves(root.grad_fn) if _kind(leaf[1]) != "AccumulateGrad"]
    with_data = {way: compares_with_data(found, found.made[node][0] if node in found.made else None) for way, node in leaves}
    if len(leaves) < 2 or not any(with_data.values()):
        return None
    derived = _parameter_values(log, False)
    taken: list[Component] = []
    prefixes = {leaf[:length] for leaf, _ in leaves for length in range(1, len(leaf) + 1)}
    for way in sorted(prefixes, key=len):
        inside = [leaf for leaf in with_data if leaf[: len(way)] == way]
        node = at_way(root.grad_fn, way)
        if any(with_data[leaf] for leaf in inside) or node not in found.made:
            continue
        if any(way[: len(item.ways[0])] == item.ways[0] for item in taken) or _numel(node) != 1:
            continue
        weight = _weights(root, [node])[node]
        if weight is None or not _endless(found, node, weight) or _endless(found, node, -weight):
            continue
        component = _component(found, node, (way,), derived, weight)
        if not component.penalty:
            taken.append(component)
    return found, taken


def rest_and_share(lab: Lab, probe: Probe, component: Component) -> tuple[float, float]:
    """What a component leaves of a probe's loss, and its own part of it, in the present state; summed one by one, as either
    may be lost in the sum of both."""
    with torch.enable_grad():
        makers = _Makers()
        log = lab.log(probe.tape, makers, modes=False, **probe.options())
    root, own = log.root, component.ways[0]
    assert root is not None
    leaves = _Walk(whole_losses(makers.made)).leaves(root.grad_fn)
    nodes = [node for way, node in leaves if way[: len(own)] != own and node in makers.made]
    node = at_way(root.grad_fn, own)
    weights = _weights(root, [node, *nodes])

    def part(item: Any) -> float:
        weight = weights[item]
        return float((weight * makers.made[item][3]).sum()) if weight is not None else 0.0

    return math.fsum(part(item) for item in nodes), part(node)


def _tail(found: Breakdown, node: Any) -> Tail | None:
    """From the last layers with parameters to one component."""
    if node not in found.made:
        return None
    _, number, tensor, _ = found.made[node]
    own = replace(found.log, root=tensor, calls=found.log.calls[: number + 1])
    return tail_to(own, found.probe, node)


# -- measuring --------------------------------------------------------------------------------------------------------


def breakdown(lab: Lab, probe: Probe) -> Breakdown | None:
    """The components as they are trained (recorded modes, dropout as it was)."""
    with torch.enable_grad():
        return break_down(lab, probe)


def gradients(found: Breakdown, parameters: Sequence[Tensor]) -> list[list[Tensor | None]]:
    """Per component, its part of the loss's gradient for every parameter (None where it does not reach it)."""
    root = found.log.root
    assert root is not None
    result = []
    for component in found.components:
        others = [item for item in found.components if item is not component]
        handles = _scaled(root.grad_fn, {way: 0.0 for item in others for way in item.ways})
        reached = {id(item) for way in component.ways for item in _leaf_tensors(at_way(root.grad_fn, way))}
        try:
            grads = torch.autograd.grad(root, list(parameters), retain_graph=True, allow_unused=True)
        finally:
            for handle in handles:
                handle.remove()
        result.append(
            [grad if id(p) in reached else None for p, grad in zip(parameters, grads, strict=True)]
        )
    return result


def _scaled(root: Any, factors: dict[Way, float]) -> list[Any]:
    """Multiplies the gradient that flows to the nodes at these ways; the handles undo it."""
    by_node: dict[Any, float] = {}
    for way, factor in factors.items():
        by_node[at_way(root, way)] = factor
    handles = []
    for node, factor in by_node.items():

        def scale(grads: tuple[Tensor, ...], factor: float = factor) -> tuple[Tensor, ...]:
            return tuple(item * factor if item is not None else item for item in grads)

        handles.append(node.register_prehook(scale))
    return handles


def decades(one: Sequence[Tensor | None], other: Sequence[Tensor | None]) -> float | None:
    """log10 of the ratio of two gradients' norms at the parameters that both reach; None if there are none."""
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    if not pairs:
        return None
    norms = [math.sqrt(sum(float(item.double().pow(2).sum()) for item in side)) for side in zip(*pairs, strict=True)]
    if not all(math.isfinite(norm) and norm > 0 for norm in norms):
        return None
    return math.log10(norms[0] / norms[1])


class Reweighted(Remedy):
    """One component's gradients times a factor, as if its weight were another."""

    rows = ("R20",)
    cause = "loss-components-out-of-balance"
    name = "reweighted"

    def __init__(self, found: Breakdown, component: Component, factor: float) -> None:
        assert found.log.root is not None
        root = found.log.root.grad_fn
        self.factors = {way: factor for way in component.ways}
        self.kinds = {way: at_way(root, way).name() for way in component.ways}
        self.factor = factor
        self.changes = f"the weight of {component.name} times {factor:.2g}"

    def loss(self, loss: Tensor) -> Tensor:
        root = loss.grad_fn
        try:
            fits = all(at_way(root, way).name() == kind for way, kind in self.kinds.items())
        except (AttributeError, IndexError):
            fits = False  # another loss of the program
        if fits:
            _scaled(root, self.factors)  # the graph ends with this step
        return loss


BALANCED = "balanced weights"  # the lab remembers under it what restored a term


def balanced(lab: Lab) -> Reweighted | None:
    """The weights that were found to restore a term, as what mends the finding in further replays."""
    found: Reweighted | None = lab._cache.get(BALANCED)
    return found


class OneTerm(Reweighted):
    """One component alone: the others get no gradient."""

    def __init__(self, found: Breakdown, component: Component) -> None:
        super().__init__(found, component, 1.0)
        assert found.log.root is not None
        root = found.log.root.grad_fn
        others = [way for item in found.components if item is not component for way in item.ways]
        self.factors = {way: 0.0 for way in others}
        self.kinds |= {way: at_way(root, way).name() for way in others}
        self.changes = f"{component.name} alone"


# -- progress of one component ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OwnScale:
    """The scale of one component with its weight; ``None`` for one that the best constant output satisfies.

    start: its mean value at the initial weights. measured: by free outputs; else from ``start`` and zero.
    """

    scale: Scale | None
    start: float
    measured: bool


def own_scales(lab: Lab, probes: Sequence[Probe]) -> list[OwnScale] | None:
    """The scales of all components, at the initial weights; None where the batches have different terms."""
    with lab.at("initial"):
        taken = _measured(lab, probes)
        if taken is None:
            return None
        return [_own_scale(taken, number) for number in range(len(taken[0].components))]


def _own_scale(taken: list[Breakdown], number: int) -> OwnScale:
    start = statistics.fmean(item.components[number].share for item in taken)
    tails = [_tail_of(item, item.components[number]) for item in taken]
    if any(tail is None for tail in tails):
        return OwnScale(Scale(0.0, start) if start > 0 else None, start, False)
    scale = scale_from(tails)  # type: ignore[arg-type]
    trivial = scale is None or scale.constant - scale.minimum < TRIVIAL * abs(start)
    return OwnScale(None if trivial else scale, start, True)


def _tail_of(found: Breakdown, component: Component) -> Tail | None:
    assert found.log.root is not None
    if component.penalty:
        return None
    node = at_way(found.log.root.grad_fn, component.ways[0])
    tail = _tail(found, node)
    return replace(tail, factor=component.factor) if tail is not None else None


def _measured(lab: Lab, probes: Sequence[Probe]) -> list[Breakdown] | None:
    """The probes taken apart with dropout off, in the present state; None where they don't have the same terms."""
    buffers = [(b, b.clone()) for root in lab.modules() for b in root.buffers()]
    try:
        with torch_state_kept(), measuring(lab, probes[0].tape), torch.enable_grad():
            taken = [break_down(lab, probe, modes=False) for probe in probes]
    finally:
        with torch.no_grad():
            for live, value in buffers:
                live.copy_(value)
    if any(item is None for item in taken):
        return None
    shapes = {tuple(component.ways for component in item.components) for item in taken}  # type: ignore[union-attr]
    return taken if len(shapes) == 1 else None  # type: ignore[return-value]


def shares(lab: Lab, probes: Sequence[Probe]) -> list[float] | None:
    """The mean value of every component with its weight, in the present state."""
    taken = _measured(lab, probes)
    if taken is None:
        return None
    return [
        statistics.fmean(item.components[number].share for item in taken)
        for number in range(len(taken[0].components))
    ]
