"""How much of what can be learned has been learned: u = (L - L_min) / (L_const - L_min), for any loss.

L_min is the loss that free outputs reach, L_const the one that the best constant output reaches. 1 = knows
nothing, 0 = perfect. Losses are measured on recorded batches with dropout off, without penalties on the weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from paramedic.experiments.lab import Intervention, Lab, merged_options
from paramedic.experiments.operations import Operation, Operations
from paramedic.trace.random_state import torch_state_kept
from paramedic.trace.setup import own_parameters
from paramedic.trace.tape import Node, Tape, tensors_of

PROBES = 8  # recorded batches on which progress is measured
FREE_STEPS = (
    150  # of Adam with FREE_RATE on free outputs: prototype measurements, agree = 1.000 in 28/28 set-ups
)
FREE_RATE = 0.3
MOST_RATE = 1e6  # for losses whose slope is the same however far the target is
STEEP = 0.5  # of the gradient at the start is left: nowhere near a minimum
LBFGS_STEPS = 40
FREE_SCALE = (
    2.0  # outputs start with at most this standard deviation (a network with huge outputs is no start)
)
U_LIMIT = 1.5  # worse than knowing nothing, and non-finite, count as this much
LEAST_RANGE = 1e-7  # of the loss at the best constant output; below it there is nothing to learn
LEAST_OF_START = 1e-9  # of the loss at the start (at most 1): what a minimization of a squared error leaves is 1e-11


@dataclass(frozen=True)
class Scale:
    """The two ends of the scale, as mean losses over the probes."""

    minimum: float
    constant: float

    def u(self, loss: float) -> float:
        """Progress at ``loss``; worse than U_LIMIT and non-finite losses give U_LIMIT."""
        if not math.isfinite(loss):
            return U_LIMIT
        return max(-0.5, min(U_LIMIT, (loss - self.minimum) / (self.constant - self.minimum)))


@dataclass(eq=False)
class Probe:
    """One batch whose loss is measured: a tape and the values that take the place of its leaves.

    change: what makes the loss another one than the program's, where that is wrong. derivatives: the loss is computed from
    derivatives of the network, which need gradients.
    """

    tape: Tape
    replace: dict[int, Tensor] = field(default_factory=dict)
    change: Intervention = field(default_factory=Intervention)
    derivatives: bool = False

    def options(self) -> dict[str, Any]:
        """For ``Tape.run``; the values of another batch take the place of those that a change puts there."""
        return merged_options((self.change.tape_options(self.tape), {"replace": self.replace}))

    def loss(self) -> float:
        with torch.set_grad_enabled(self.derivatives or torch.is_grad_enabled()):
            return float(self.change.loss(self.tape.loss(modes=False, **self.options())).detach())


def main_tapes(lab: Lab) -> list[Tape]:
    """The recorded tapes that compute the same loss as the first one."""
    main = lab.main_backward.tape
    assert main is not None
    names = [node.name for node in main.nodes]
    return [
        r.tape for r in lab.backwards if r.tape is not None and [node.name for node in r.tape.nodes] == names
    ]


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """``count`` of the items, evenly spread."""
    if len(items) <= count:
        return list(items)
    return [items[round(k * (len(items) - 1) / (count - 1))] for k in range(count)]


def train_probes(
    lab: Lab, count: int = PROBES, change: Intervention | None = None, tapes: Sequence[Tape] | None = None
) -> list[Probe]:
    """``count`` of the recorded batches; of the main loss, if no tapes of another one are given."""
    change = change or Intervention()
    tapes = main_tapes(lab) if tapes is None else tapes
    return [Probe(tape, penalties(tape), change) for tape in spread(tapes, count)]


def validation_probes(lab: Lab, count: int = PROBES, change: Intervention | None = None) -> list[Probe]:
    """The recorded validation batches in the place of a training batch; none where the tensors don't match."""
    main = lab.main_backward.tape
    assert main is not None
    inputs = input_numbers(main)
    target = target_number(lab, main)
    rest = [n for n in main.constants() if n not in inputs and n != target and main.leaves[n].value.dim() > 0]
    if target is None or len(inputs) != 1 or rest:
        return []
    probes = []
    for values, labels in lab.batches("validation", limit=4 * count):
        replace = {}
        if len(values) != 1 or not _same_kind(values[0], main.leaves[inputs[0]].value):
            continue
        replace[inputs[0]] = values[0]
        if target != inputs[0]:
            own = main.leaves[target].value
            rows = main.leaves[inputs[0]].value.shape[0]
            if labels is None or not _same_kind(labels, own) or len(labels) * rows != len(own) * len(values[0]):
                continue  # also where only a part of the outputs is evaluated, a sequence's last position for example
            replace[target] = labels
        probes.append(Probe(main, penalties(main) | replace, change or Intervention()))
    return spread(probes, count)


def _same_kind(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.shape[1:] == other.shape[1:] and one.dim() == other.dim()


def input_numbers(tape: Tape) -> list[int]:
    nodes = [node for node in tape.nodes if node.module is not None] or tape.nodes[:1]
    return [number for number in nodes[0].inputs() if number in tape.constants()] if nodes else []


def branches(tape: Tape) -> list[int]:
    """The inputs of a network that is called several times in a step, on constants of one shape, in order."""
    by_module: dict[int, list[int]] = {}
    for node in tape.nodes:
        inputs = [n for n in node.inputs() if n in tape.leaves and not tape.leaves[n].parameter]
        if node.module is not None and node.grad and len(inputs) == 1:
            by_module.setdefault(id(node.module), []).append(inputs[0])
    found = max(by_module.values(), key=len, default=[])
    shapes = {tuple(tape.leaves[number].value.shape) for number in found}
    return found if len(found) >= 2 and len(set(found)) == len(found) and len(shapes) == 1 else []


def target_number(lab: Lab, tape: Tape) -> int | None:
    position = lab.target_position()
    if position is None:
        return None
    back, ordinal = position
    numbers = list(tape.nodes[len(tape.nodes) - 1 - back].inputs())
    return numbers[ordinal] if ordinal < len(numbers) else None


def penalty_share(tape: Tape) -> float:
    """The part of a recorded loss that its penalties make, in the present state."""
    numbers = list(penalties(tape))
    if not numbers or tape.root is None:
        return 0.0
    with torch_state_kept(), torch.enable_grad():
        values = tape.run()
        added = [values[number] for number in numbers if values[number].requires_grad]
        weights = torch.autograd.grad(values[tape.root], added, allow_unused=True) if added else ()
    parts = zip(weights, added, strict=True)
    return sum(float((weight * value.detach()).sum()) for weight, value in parts if weight is not None)


SAMPLING = frozenset({"multinomial", "bernoulli", "normal", "poisson", "binomial"})


def weighs_own_samples(tape: Tape) -> bool:
    """Whether the loss is computed from samples that were drawn from the network's own output: a policy gradient.

    Its value is the return that these samples had, and not how far the network is from a target. Samples that go
    through a further module on their way (a stochastic layer) are data of the network like any other.
    """
    learned = {number for number, leaf in tape.leaves.items() if leaf.parameter}
    sampled: set[int] = set()
    for node in tape.nodes:
        inputs = set(node.inputs())
        outputs = {number for number in node.outputs if number is not None}
        if node.name in SAMPLING and not node.grad and inputs & learned:
            sampled |= outputs
        elif node.module is None and inputs & sampled:
            sampled |= outputs
        if node.module is not None or inputs & learned:
            learned |= outputs
    return tape.root in sampled


# -- penalties on the weights inside the loss ----------------------------------------------------------------------


def penalties(tape: Tape) -> dict[int, Tensor]:
    """Zeros for the values that depend on parameters alone and are added to what depends on data.

    Returned by number of the value, for ``Tape.run``'s ``replace``: the loss without its penalties.
    """
    data = {number for number, leaf in tape.leaves.items() if not leaf.parameter and leaf.value.numel() > 1}
    weights = {number for number, leaf in tape.leaves.items() if leaf.parameter}
    single = {number for number, leaf in tape.leaves.items() if leaf.value.dim() == 0}
    found: dict[int, Tensor] = {}
    for node in tape.nodes:
        numbers = list(node.inputs())
        outputs = [number for number in node.outputs if number is not None]
        if _is_total(node) or set(numbers) <= single:
            single.update(outputs)
        on_data = node.module is not None or any(number in data for number in numbers)
        if on_data:
            data.update(outputs)
            joins = node.name in ADDITIONS or node.name == "stack" and not single.isdisjoint(numbers)  # a list to be summed
            if joins and any(number in data for number in numbers):
                found.update(
                    {
                        number: torch.zeros(())
                        for number in numbers
                        if number in weights and number not in data
                    }
                )
        elif any(number in weights for number in numbers):
            weights.update(outputs)
    return {number: zero for number, zero in found.items() if number not in tape.leaves}


ADDITIONS = frozenset({"add", "__add__", "__radd__", "__iadd__", "add_", "sub", "__sub__", "subtract"})
TOTALS = {"sum": 1, "mean": 1, "norm": 2, "vector_norm": 2}  # arguments with which they give one number


def _is_total(node: Node) -> bool:
    return len(node.args) <= TOTALS.get(node.name, 0) and not {"dim", "axis", "keepdim"} & {
        key for key, value in node.kwargs.items() if value not in (None, False)
    }


# -- measuring -----------------------------------------------------------------------------------------------------


@contextmanager
def measuring(lab: Lab, tape: Tape) -> Iterator[None]:
    """Dropout off; layers that keep running statistics stay in the mode in which the program trains them."""
    flags = [(module, module.training) for root in lab.modules() for module in root.modules()]
    trained = {
        id(module): flag
        for node in tape.module_calls()
        for module, flag in zip(node.module.modules(), node.training or (), strict=False)  # type: ignore[union-attr]
    }
    try:
        for module, _ in flags:
            keeps = getattr(module, "running_mean", None) is not None
            module.training = bool(keeps and trained.get(id(module), False))
        yield
    finally:
        for module, flag in flags:
            module.training = flag


def loss_of(lab: Lab, probes: Sequence[Probe]) -> float:
    """Mean loss over the probes in the present state of the live objects; nan without probes."""
    if not probes:
        return math.nan
    buffers = [(b, b.clone()) for root in lab.modules() for b in root.buffers()]
    try:
        with torch_state_kept(), measuring(lab, probes[0].tape), torch.no_grad():
            return sum(probe.loss() for probe in probes) / len(probes)
    finally:
        for live, value in buffers:
            live.copy_(value)


# -- the scale -----------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Tail:
    """What lies between the last layers with parameters and the loss, as operations that can be run again.

    outputs: the tensors that the last layers gave. operations: those that depend on them. root: the loss, or one
    term of it: then ``factor`` is its weight. twins: outputs (by position) of one network on several inputs of a pair or
    triplet: a network that knows nothing gives the same for all of them. makers: by position, the id of the layer.
    """

    outputs: list[Tensor]
    operations: list[Operation]
    root: Tensor
    target: Tensor | None
    size: int
    change: Intervention
    factor: Tensor | None = None
    twins: tuple[int, ...] = ()
    makers: tuple[int | None, ...] = ()

    def loss(self, outputs: Sequence[Tensor]) -> Tensor:
        """The loss with other outputs, each of its recorded shape."""
        # ``* 1``: an operation in place must not write to a leaf.
        values = {id(old): new * 1 for old, new in zip(self.outputs, outputs, strict=True)}

        def fill(value: Any) -> Any:
            return values.get(id(value), value.detach()) if isinstance(value, Tensor) else value

        for operation in self.operations:
            args, kwargs = tree_map(fill, (operation.args, operation.kwargs))
            result = operation.function(*args, **kwargs)
            result = args[0] if operation.name == "__setitem__" else result
            new = [item for item in tensors_of(result) if isinstance(item, Tensor)]
            values.update({id(old): item for old, item in zip(operation.outputs, new, strict=False)})
        found = self.change.loss(values[id(self.root)])
        return found if self.factor is None else found * self.factor


def tail_of(lab: Lab, probe: Probe) -> Tail | None:
    """The tail of one probe in the present state; None where no layer with parameters leads to the loss."""
    with measuring(lab, probe.tape):
        log = lab.log(probe.tape, modes=False, **probe.options())
    if log.root is None or log.root.grad_fn is None or log.derivatives():
        return None
    return tail_to(log, probe)


def tail_to(log: Operations, probe: Probe, node: Any = None) -> Tail | None:
    """The tail that ends in ``log.root``; ``node``: its graph, where in-place operations have overwritten it since."""
    assert log.root is not None
    outputs = terminal_outputs(log, node)
    if not outputs:
        return None
    kept, known = _dependent(log, outputs)
    target = _loss_target(log)
    numbers = input_numbers(probe.tape)
    size = probe.replace.get(numbers[0], probe.tape.leaves[numbers[0]].value).shape[0] if numbers else 0
    if id(log.root) not in known:
        return None
    by_output = {id(item): id(module) for _, module, result in log.module_outputs for item in tensors_of(result)}
    makers = tuple(by_output.get(id(item)) for item in outputs)
    twins = _twins(makers, probe.tape, outputs)
    return Tail(outputs, kept, log.root, target, size, probe.change, twins=twins, makers=makers)


def _twins(makers: tuple[int | None, ...], tape: Tape, outputs: list[Tensor]) -> tuple[int, ...]:
    """The positions of the outputs that one layer gave, where a network is called on the members of pairs."""
    alike = len(set(makers)) == 1 and len({tuple(item.shape) for item in outputs}) == 1
    return tuple(range(len(outputs))) if alike and len(outputs) == len(branches(tape)) > 1 else ()


def _dependent(log: Operations, outputs: list[Tensor]) -> tuple[list[Operation], set[int]]:
    """Operations between ``outputs`` and the root, in order, and the ids of the tensors computed by them."""
    free = {id(item) for item in outputs}
    known, forward = set(free), []
    for call in log.calls:
        inputs = {id(item) for item in call.inputs}
        # The call that computes a free output is left out; one that writes to it in place is not.
        if inputs & known and not any(id(item) in free and id(item) not in inputs for item in call.outputs):
            forward.append(call)
            known.update(id(item) for item in call.outputs)
    needed, kept = {id(log.root)}, []
    for call in reversed(forward):
        if any(id(item) in needed for item in call.outputs):
            kept.append(call)
            needed.update(id(item) for item in call.inputs)
    return kept[::-1], known


def _loss_target(log: Operations) -> Tensor | None:
    from paramedic.experiments.operations import loss_calls

    return next((call.target for call in loss_calls(log) if call.target is not None), None)


def terminal_outputs(log: Operations, node: Any = None) -> list[Tensor]:
    """Outputs of the last modules with parameters of their own on each way to the loss, found in the graph.

    node: where the walk starts, if not at the loss.
    """
    owners: dict[Any, Tensor] = {}
    collected = _collected(log)  # such a layer may end in its activation: what counts is what goes into that
    for _, module, result in log.module_outputs:
        own = own_parameters(module)
        if own and not all(id(item) in collected for item in own):
            for item in tensors_of(result):
                if isinstance(item, Tensor) and item.grad_fn is not None:
                    owners.setdefault(item.grad_fn, item)
    for call in log.calls if collected else ():
        if any(id(item) in collected and id(item) not in map(id, call.outputs) for item in call.inputs):
            owners |= {item.grad_fn: item for item in call.outputs if item.grad_fn is not None}
    found: list[Tensor] = []
    assert log.root is not None
    waiting, seen = [node if node is not None else log.root.grad_fn], set()
    while waiting:
        function = waiting.pop()
        if function is None or function in seen:
            continue
        seen.add(function)
        if function in owners:
            found.append(owners[function])
        else:
            waiting.extend(step for step, _ in function.next_functions)
    return found or _hand_made_output(log)


def _collected(log: Operations) -> set[int]:
    """The parameters, by id, that called layers keep in a list or dictionary, as Keras does."""
    holders = [
        part for _, module, _ in log.module_outputs for part in module.children()
        if isinstance(part, nn.ParameterDict | nn.ParameterList)
    ]  # fmt: skip
    return {id(parameter) for part in holders for parameter in part.parameters()}


def _hand_made_output(log: Operations) -> list[Tensor]:
    """For networks without modules: the prediction that the loss function gets."""
    from paramedic.experiments.operations import loss_calls

    return [call.input for call in loss_calls(log) if call.input.requires_grad][:1]


def scale_of(lab: Lab, probes: Sequence[Probe]) -> Scale | None:
    """The scale of the probes' loss at the initial weights; None where it cannot be measured."""
    with lab.at("initial"):
        tails = [tail_of(lab, probe) for probe in probes]
        if not tails or any(tail is None for tail in tails):
            return None
        return scale_from(tails)  # type: ignore[arg-type]


def scale_from(tails: list[Tail]) -> Scale | None:
    """The scale of the mean over some tails."""
    with torch.enable_grad():
        minimum = _minimise(tails, shared=False)
        constant = _minimise(tails, shared=True)
    if not (math.isfinite(minimum) and math.isfinite(constant)):
        return None
    with torch.no_grad():
        start = sum(float(tail.loss(tail.outputs).sum()) for tail in tails) / len(tails)
    start = abs(start) if math.isfinite(start) else 1.0
    if constant - minimum <= max(LEAST_RANGE * abs(constant), LEAST_OF_START * min(start, 1.0)):
        return None
    return Scale(minimum, constant)


def _minimise(tails: list[Tail], *, shared: bool) -> float:
    """Lowest mean loss over the tails with free outputs, or with outputs that all samples share."""
    free = _constants(tails) if shared else [[free_start(item) for item in tail.outputs] for tail in tails]
    variables = list({id(item): item for group in free for item in group}.values())

    def mean_loss() -> Tensor:
        losses = []
        for tail, own in zip(tails, free, strict=True):
            outputs = [v.expand(o.shape) for v, o in zip(own, tail.outputs, strict=True)] if shared else own
            losses.append(tail.loss(outputs).sum())
        return torch.stack(losses).mean()

    slope, rate = _slope(mean_loss, variables), FREE_RATE
    best = min(_adam(mean_loss, variables, rate), _lbfgs(mean_loss, variables))
    while rate < MOST_RATE and math.isfinite(best) and slope > 0 and _slope(mean_loss, variables) > STEEP * slope:
        rate *= 10
        found = min(_adam(mean_loss, variables, rate), _lbfgs(mean_loss, variables))
        if not found < best:
            break
        best = found
    return best


def _slope(mean_loss: Callable[[], Tensor], variables: list[Tensor]) -> float:
    """The norm of the gradient."""
    grads = torch.autograd.grad(mean_loss(), variables, allow_unused=True)
    return math.sqrt(sum(float(grad.double().pow(2).sum()) for grad in grads if grad is not None))


def _adam(mean_loss: Callable[[], Tensor], variables: list[Tensor], rate: float) -> float:
    optimizer = torch.optim.Adam(variables, lr=rate)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, FREE_STEPS)
    best = math.inf
    for _ in range(FREE_STEPS):
        optimizer.zero_grad()
        loss = mean_loss()
        best = min(best, float(loss.detach()))
        if not math.isfinite(best):
            break
        loss.backward()
        optimizer.step()
        decay.step()
    return best


def _lbfgs(mean_loss: Callable[[], Tensor], variables: list[Tensor]) -> float:
    """Goes on from where Adam ended: targets far from zero are out of its reach."""
    optimizer = torch.optim.LBFGS(
        variables, max_iter=LBFGS_STEPS, tolerance_grad=1e-10, tolerance_change=1e-14, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = mean_loss()
        loss.backward()
        return loss

    if not line_searched(optimizer, closure):
        return math.inf
    value = float(mean_loss().detach())
    return value if math.isfinite(value) else math.inf


def line_searched(optimizer: torch.optim.LBFGS, closure: Callable[[], Tensor]) -> bool:
    """A call of ``optimizer.step``; False, and the values of before, where the line search leaves the range of floats (on
    a loss that clips its input there is nothing that stops it).
    """
    variables = optimizer.param_groups[0]["params"]
    before = [item.detach().clone() for item in variables]
    try:
        optimizer.step(closure)  # type: ignore[arg-type]
    except (RuntimeError, OverflowError, ZeroDivisionError):
        with torch.no_grad():
            for item, value in zip(variables, before, strict=True):
                item.copy_(value)
        return False
    return True


def free_start(output: Tensor) -> Tensor:
    value = torch.nan_to_num(output.detach().float(), posinf=0.0, neginf=0.0)
    deviation = float(value.std()) if value.numel() > 1 else 0.0
    if deviation > FREE_SCALE:
        value = value * (FREE_SCALE / deviation)
    return value.to(output.dtype).clone().requires_grad_()


def _constants(tails: list[Tail]) -> list[list[Tensor]]:
    """By tail and output, the value that all samples of all tails share.

    Where a layer is called once for each element of sequences of several lengths, its calls have one value; where it has one
    output of another length in every batch (structured losses of padded sentences), each length has its own.
    """
    first, shared = tails[0], [[_shared_start(tail, k) for k in range(len(tail.outputs))] for tail in tails]
    if len({tuple(tuple(start.shape) for start in starts) for starts in shared}) == 1:
        free = shared[0]
        for k in first.twins[1:]:
            free[k] = free[0]
        return [free] * len(tails)
    starts: dict[Any, Tensor] = {}
    return [
        [
            starts.setdefault((maker, tuple(start.shape)), start)
            for start, maker in zip(own, tail.makers or range(len(own)), strict=True)
        ]
        for own, tail in zip(shared, tails, strict=True)
    ]


def _shared_start(tail: Tail, position: int) -> Tensor:
    """One output for all samples: mean over the dimensions that count samples (and positions of class targets)."""
    output = tail.outputs[position]
    dims = sample_dimensions(output, tail.target, tail.size)
    return free_start(free_start(output).detach().mean(dim=dims, keepdim=True) if dims else output)


def sample_dimensions(output: Tensor, target: Tensor | None, size: int) -> tuple[int, ...]:
    """The dimensions of ``output`` along which a constant predictor does not vary.

    With class indices as target (one per sample and position): all dimensions but that of the classes. Otherwise
    the dimension that counts samples.
    """
    if output.dim() == 0:
        return ()
    if target is not None and not target.is_floating_point() and output.dim() >= 2:
        for classes in (output.dim() - 1, 1):
            if output.numel() // output.shape[classes] == target.numel():
                return tuple(k for k in range(output.dim()) if k != classes)
    if size and output.shape[0] != size and output.dim() > 1 and output.shape[1] == size:
        return (1,)
    return (0,)
