"""The live set-up of a run: what experiments replay.

Everything here refers to the observed program's own objects, which nobody else uses once the program has
ended. The lab loads a recorded state into them, experiments, and puts the last state back.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from paramedic.trace.place import Place
from paramedic.trace.tape import Tape


@dataclass(eq=False)
class ModelRecord:
    """An outermost module that training goes through.

    name: the user's variable name where it is known, else the class name.
    constructed: where the user constructed it; called: where it was first called.
    owner: the module that contains it, when the program calls a part of a larger module by itself.
    arguments: what its constructor was called with, where the program's own class has one with plain arguments.
    """

    module: nn.Module
    name: str
    constructed: Place | None = None
    called: Place | None = None
    owner: nn.Module | None = None
    arguments: dict[str, Any] | None = None

    def path_of(self, module: nn.Module) -> str | None:
        """Dotted path of a submodule, starting with the model's own name ("net.encoder.0"); None if not inside."""
        for path, candidate in self.module.named_modules():
            if candidate is module:
                return f"{self.name}.{path}" if path else self.name
        return None


def parameters_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """What an optimizer holds now, all groups in order."""
    return [p for group in optimizer.param_groups for p in group["params"]]


def own_parameters(module: nn.Module) -> list[nn.Parameter]:
    """What a layer holds itself, in containers of parameters too: Keras puts all of a layer's weights into one."""
    containers = [child for child in module.children() if isinstance(child, (nn.ParameterDict, nn.ParameterList))]
    return [p for holder in (module, *containers) for p in holder.parameters(recurse=False)]


# Gradients computed and erased so often before any step were not meant to be used later: look-aheads of a program that
# trains (sensitivities before pruning, a Fisher matrix, a test of the loss) take a few batches, 2026-11-26.
NEVER_STEPPED = 100


@dataclass(eq=False)
class OptimizerRecord:
    """An optimizer with its settings as they were before its first step.

    groups: per parameter group, the settings (lr, weight_decay, ...) without the parameters.
    parameters: the parameters that it held when it was constructed (all groups, in order).
    erased: its ``zero_grad`` calls that erased the gradients of a backward call, before any optimizer's first step.
    variable: what holds it in the code that called its first step. by_hand: the program has none; it makes the steps that
    the program makes by writing to its parameters, and stands where it writes.
    """

    optimizer: torch.optim.Optimizer
    kind: str
    groups: list[dict[str, Any]]
    parameters: list[Tensor]
    constructed: Place | None = None
    name: str = "optimizer"
    steps: int = 0
    erased: int = 0
    variable: str | None = None
    by_hand: bool = False


@dataclass(eq=False)
class SchedulerRecord:
    """A learning rate scheduler: its class, place of construction, places and number of its ``step`` calls.

    at_optimizer_step: how many optimizer steps had been made at each of its first calls.
    """

    scheduler: Any
    kind: str
    constructed: Place | None = None
    stepped: Place | None = None
    calls: int = 0
    at_optimizer_step: list[int] = field(default_factory=list)


@dataclass(eq=False)
class WatchedQuantity:
    """The quantity that a plateau scheduler or an early stopping waits on, call by call.

    kind: its class. effect: what it does when the quantity gets no better: "rate" (reduces it) or "stop". mode: "min"
        or "max". patience: calls without an improvement until it acts. threshold: what counts as one, relative to the
        best value or not.
    values, at_step, rates: of every call, the quantity, the optimizer steps made before it, and the rate that it
        found (nan where it was not read). acted: the numbers of the calls at which it did what it does.
    """

    kind: str
    effect: str
    mode: str
    patience: int
    threshold: float = 0.0
    relative: bool = False
    constructed: Place | None = None
    values: list[float] = field(default_factory=list)
    at_step: list[int] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    acted: list[int] = field(default_factory=list)


@dataclass(eq=False)
class LoaderRecord:
    """A DataLoader that the program iterated over.

    role: "train" if a backward call used its batches, "validation" if its batches only went through a model
        without one, "unknown" otherwise.
    iterations: per pass over it, the number of batches that were drawn.
    fingerprints: per pass, per batch, the 64-bit hashes of the rows of every tensor in the batch
        (``[pass][batch][tensor] -> numpy uint64 array of length batch``), kept within a budget.
    positions: per pass, per batch, where its rows stand in the dataset (``[pass][batch] -> array of int``, None where the
        sampler gives something else), kept as the fingerprints are.
    """

    loader: Any
    name: str
    role: str = "unknown"
    place: Place | None = None
    constructed: Place | None = None
    iterations: list[int] = field(default_factory=list)
    fingerprints: list[list[list[Any]]] = field(default_factory=list)
    positions: list[list[array[int] | None]] = field(default_factory=list)

    @property
    def dataset(self) -> Any:
        return getattr(self.loader, "dataset", None)


@dataclass(eq=False)
class Source:
    """Where a constant of a tape came from.

    loader: index into ``Setup.loaders`` (None if it did not come from a loader).
    path: position inside the batch, such as "[0]" or "['image']", or the user's variable name.
    origin: for hand-made batches (``X[idx]``), the tensor it was indexed from.
    index: the index used (a slice, or an integer tensor), if known.
    operations: names of the operations applied between source and use ("to", "float", "div").
    drawn: of a loader's batch, where its rows' hashes stand in ``LoaderRecord.fingerprints`` (pass, batch), if kept.
    random: the line where the values last met random numbers on the way (noise, masks, random factors).
    """

    loader: int | None = None
    path: str = ""
    origin: Tensor | None = None
    index: Any = None
    operations: tuple[str, ...] = ()
    drawn: tuple[int, int] | None = None
    random: Place | None = None


@dataclass(eq=False)
class BackwardRecord:
    """One call of backward.

    tape: how the loss was computed (None if it could not be recorded; ``problem`` says why).
    loss: value of the tensor that backward was called on. root: "loss" unless it is not a scalar.
    gradients_before: share of this tape's parameters that held a non-zero gradient before the call.
    held: the same per optimizer (by its index), of those of its parameters that this tape reads.
    """

    tape: Tape | None
    loss: float
    place: Place | None
    gradients_before: float = 0.0
    held: dict[int, float] = field(default_factory=dict)
    problem: str | None = None
    kind: str = "backward"


@dataclass(eq=False)
class OptimizerStep:
    """One call of ``optimizer.step``; ``optimizer`` is an index into ``Setup.optimizers``.

    closure: the forward and backward passes listed before it ran inside the call.
    settings: per group, its settings at this step where they differ from the first ones (a scheduler's momentum).
    """

    optimizer: int
    lrs: tuple[float, ...]
    place: Place | None
    gradients_nonzero: bool = True
    closure: bool = False
    settings: tuple[dict[str, Any], ...] = ()
    kind: str = "step"


@dataclass(eq=False)
class ZeroGrad:
    """One call of ``zero_grad`` (on an optimizer, or on a module: then ``optimizer`` is None)."""

    optimizer: int | None
    place: Place | None
    module: nn.Module | None = None
    kind: str = "zero_grad"


@dataclass(eq=False)
class GradientEdit:
    """A gradient clipping call between backward and step, with the function and its arguments to call again.

    result: what the call gave (the norm before clipping, for ``clip_grad_norm_``). scale: the factor that a gradient
    scaler had put on the gradients and not taken off yet; None where they were as they are.
    """

    function: Any
    parameters: list[Tensor]
    arguments: dict[str, Any]
    place: Place | None
    result: Any = None
    scale: Tensor | None = None
    kind: str = "clip"


StepEvent = BackwardRecord | OptimizerStep | ZeroGrad | GradientEdit


@dataclass(eq=False)
class EvaluationRecord:
    """One batch that went through a model outside training (no backward used the output).

    tape: all operations outside modules from the batch to the metric (no root; ``tape.nodes`` in order).
    training: the ``training`` flag of the model when it was called; grad: whether gradients were enabled.
    after_step: number of optimizer steps made before; loader: index into ``Setup.loaders`` or None.
    """

    tape: Tape
    model: nn.Module
    training: bool
    grad: bool
    place: Place | None
    after_step: int
    loader: int | None = None
    pass_number: int = 0


@dataclass(eq=False)
class Snapshot:
    """Values of all parameters and buffers by tensor identity, before the first update; in the processor's memory, for a
    program may have filled its GPU's.

    wanted: whether each of them required a gradient then (a later phase of the program may freeze some).
    """

    tensors: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    wanted: list[bool] = field(default_factory=list)
    nbytes: int = 0
    _known: set[int] = field(default_factory=set)  # ids; the tensors are kept alive above

    def add(self, tensor: Tensor, value: Tensor | None = None) -> None:
        value = tensor if value is None else value
        self.tensors.append((tensor, value.detach().to("cpu", copy=True)))
        self.wanted.append(tensor.requires_grad)
        self.nbytes += tensor.numel() * tensor.element_size()
        self._known.add(id(tensor))

    def __contains__(self, tensor: Tensor) -> bool:
        return id(tensor) in self._known


@dataclass(frozen=True)
class RankFacts:
    """What one process of several saw, to be compared with the others.

    shapes: of the optimizer's parameters. initial: digest of their values before the first step; weights: after some
    optimizer steps. batches: digests of the training batches of its first pass. sharded: it holds parts of tensors.
    ended: how its program ended (capture/program.py). backwards: how often it called backward. passes: batches of each
    complete pass over its first training loader. non_finite: the first optimizer step (from 0) whose loss was NaN or
    infinite; non_finite_inputs: values in that step's batch that were, of how many.
    """

    rank: int
    shapes: str
    initial: str
    weights: dict[int, str]
    batches: list[str]
    sharded: bool = False
    ended: str = "finished"
    backwards: int = 0
    passes: list[int] = field(default_factory=list)
    non_finite: int | None = None
    non_finite_inputs: tuple[int, int] | None = None

    @property
    def complete(self) -> bool:
        """Whether the program came to its own end."""
        return self.ended in ("finished", "exit")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> RankFacts:
        return RankFacts(**{**data, "weights": {int(key): value for key, value in data["weights"].items()}})


@dataclass(eq=False)
class Phase:
    """The part of a program that a Setup belongs to (see capture/phases.py). Most programs have one.

    number: from 1. first_step, end_step: of the run's optimizer steps, its own; first_event, end_event: of the trace's
    events likewise. begun: where the optimizer was made that began it. parameters: ids of its models' parameters
    in its first steps. last: whether nothing was trained after it. chosen: why it is the one that is diagnosed ("" if it is
    not). goes_on: whether later phases go on from its weights. count: how many phases there were. like: an earlier one, or
    the diagnosed one, that is the same training again.
    """

    number: int = 1
    first_step: int = 0
    end_step: int | None = None
    first_event: int = 0
    end_event: int | None = None
    begun: Place | None = None
    parameters: set[int] = field(default_factory=set)
    last: bool = True
    chosen: str = ""
    goes_on: bool = False
    count: int = 1
    like: int | None = None

    @property
    def steps(self) -> int:
        """Optimizer steps that it made; 0 while it is running."""
        return 0 if self.end_step is None else self.end_step - self.first_step


@dataclass(eq=False)
class Setup:
    """Everything an experiment needs of the observed program.

    models: outermost modules in order of their first call in training; the first is the main one.
    steps: the recorded training steps; ``steps[k]`` lists, in order, what happened up to and including
        the k-th optimizer step. evaluations: recorded batches of validation passes.
    initial: parameters and buffers before the first update.
    problems: what could not be observed, in plain words.
    failure: when the program crashed, the operations of its last step up to the call that raised (no root).
    backward_calls: all calls of backward, recorded or not.
    constructed: where modules and loaders were constructed (weak keys).
    loaded: weak references, by id, to the parameters that ``load_state_dict`` wrote to.
    froze: by id, weak references to the parameters whose requires_grad was set to False, and where.
    modes: (optimizer step, ``training`` flags of the models) at every step where the flags changed.
    weights_by_step: digests of the weights after some steps, in a program of several processes; ranks: what each
        of its processes saw, this one first. sharded: each process holds a part of the parameters only.
    cut: calls of backward whose tapes start from what the model returned, where the model cannot be run again (its
        parameters are sharded, or handed to it by torch.func): the loss alone can be examined.
    phase: the part of the program that all of this belongs to; steps are counted from its beginning. others: the
        other phases that are still known, in order.
    """

    models: list[ModelRecord] = field(default_factory=list)
    optimizers: list[OptimizerRecord] = field(default_factory=list)
    schedulers: list[SchedulerRecord] = field(default_factory=list)
    watched: list[WatchedQuantity] = field(default_factory=list)
    loaders: list[LoaderRecord] = field(default_factory=list)
    steps: list[list[StepEvent]] = field(default_factory=list)
    evaluations: list[EvaluationRecord] = field(default_factory=list)
    initial: Snapshot = field(default_factory=Snapshot)
    problems: list[str] = field(default_factory=list)
    failure: Tape | None = None
    backward_calls: int = 0
    constructed: Mapping[Any, Place | None] = field(default_factory=dict)
    loaded: dict[int, Any] = field(default_factory=dict)
    froze: dict[int, tuple[Any, Place | None]] = field(default_factory=dict)
    modes: list[tuple[int, tuple[bool, ...]]] = field(default_factory=list)
    weights_by_step: dict[int, str] = field(default_factory=dict)
    ranks: list[RankFacts] = field(default_factory=list)
    sharded: bool = False
    cut: list[BackwardRecord] = field(default_factory=list)
    phase: Phase = field(default_factory=Phase)
    others: list[Setup] = field(default_factory=list)

    def was_loaded(self, tensor: Tensor) -> bool:
        """Whether ``load_state_dict`` wrote to this parameter, or an earlier training of the program trained it."""
        reference = self.loaded.get(id(tensor))
        return reference is not None and reference() is tensor

    def backwards(self) -> list[BackwardRecord]:
        """All recorded backward calls, in order."""
        return [event for step in self.steps for event in step if isinstance(event, BackwardRecord)]

    def parameter_name(self, tensor: Tensor) -> str | None:
        """Dotted name of a parameter ("net.0.weight"), or None if it belongs to no recorded model."""
        for record in self.models:
            for name, parameter in record.module.named_parameters(remove_duplicate=False):
                if parameter is tensor:
                    return f"{record.name}.{name}"
        return None
