"""Remedies that can be tried in a replay, each changing one thing.

Every remedy names the check it speaks for, says in ``why_not`` when it would change nothing, and is undone by the
lab. ``order`` is the order of minimal change: among remedies that help about equally, the narrowest one is the cause.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from paramedic.checks.preprocessing.layers import first_layer
from paramedic.experiments.lab import Intervention, Lab, merged_options
from paramedic.experiments.operations import operation_name
from paramedic.experiments.progress import main_tapes, penalties, spread
from paramedic.measurements.data.recipe import feature_ranges
from paramedic.trace.setup import BackwardRecord, GradientEdit, OptimizerStep, StepEvent, parameters_of
from paramedic.trace.tape import Tape

STANDARDIZED = (
    0.3  # decades of rms and of 1 + |mean| / sd: within a factor of two there is nothing to standardize
)
INITIALIZATION_FACTOR = (
    2.0  # weights whose rms is within this factor of the module's own initialization are standard
)
BIAS_FACTOR = 10.0
OFFSET = 0.5  # |mean| / rms of a weight; of n independent values around zero it is about 1 / sqrt(n)
OFFSET_NUMEL = 64
# Decades of a signal's scale through all hidden layers. PyTorch's own weights lose 0.24 by a layer before tanh and 0.39 by one
# before ReLU, which a few layers bear; a guess on the side of silence, and a trial in copies decides.
DRIFT = 1.0
DRAWN_ERROR = 4.0  # over sqrt(n): nine standard errors of the rms of n uniform draws
RECTIFYING = frozenset("relu relu_ relu6 leaky_relu prelu rrelu elu selu gelu silu hardswish mish".split())
SPLIT = 8  # prototype of row 11: B against B/8
LONGER, MOST_LONGER = 4, 16  # times the run: 4 tells whether it still learns; the shortest runs go on to FEW_UPDATES
FEW_UPDATES = (
    100  # prototype of row 11: harm by a shortage of updates begins below 25 and is not seen above 200
)
# Batches of up to 128 rows are what people use without a thought (Masters and Luschi, "Revisiting small batch training",
# 2018: 32 and fewer do best): a run with too few of them is too short (row 31), its batches are not too large (row 11).
LARGE_BATCH = 128
SCHEDULED = 0.2  # a rate that falls by less is as good as constant
CLIP_NORM = 1.0
ADAM_RATE = 1e-3
SGD_RATE = 0.05
SATURATING = (nn.Sigmoid, nn.Tanh, nn.Hardsigmoid, nn.Hardtanh, nn.Softsign, nn.LogSigmoid)
SATURATING_NAMES = frozenset({"sigmoid", "tanh", "hardsigmoid", "hardtanh", "softsign"})
LEAST_BLOCKS = 4  # fewer layers in a row don't make gradients vanish
STATISTICS_TAPES = 20
RATE_PREFIX, OPTIMIZER_INFIX = "learning-rate-x", "-of-optimizer-"


class Remedy(Intervention):
    """An intervention that a check stands behind.

    cause: name of the check. order: place in the order of minimal change. remedy: one thing to do, for the report.
    """

    cause: str = ""
    order: int = 0
    remedy: str = ""
    longer: int = 1  # this many times the steps
    generic: bool = False  # it takes whatever is not yet learned further, and says little about why it is not
    own_units: bool = False  # what the network learns has other units with it: progress is measured on a scale of its own

    def why_not(self, lab: Lab) -> str | None:
        """Why it would change nothing; None if it is worth trying."""
        return None


class LearningRate(Remedy):
    """All learning rates times a factor, or those of one of several optimizers."""

    rows = ("R36",)
    generic = True
    order = 50

    def __init__(self, factor: float, optimizer: int | None = None) -> None:
        self.factor = factor
        self.optimizer_index = optimizer
        self.cause = "learning-rate-too-high" if factor < 1 else "learning-rate-too-low"
        which = "" if optimizer is None else f" of optimizer {optimizer + 1}"
        self.changes = f"learning rate{which} x {factor:g}"
        self.name = f"{RATE_PREFIX}{factor:g}" + ("" if optimizer is None else f"{OPTIMIZER_INFIX}{optimizer + 1}")
        self.remedy = f"multiply the learning rate{which} by about {factor:g}"
        if optimizer is not None:
            self.order -= 1  # a smaller change than that of all

    @staticmethod
    def named(name: str) -> LearningRate | None:
        """The one with this name; None if it is another remedy's."""
        if not name.startswith(RATE_PREFIX):
            return None
        factor, _, number = name.removeprefix(RATE_PREFIX).partition(OPTIMIZER_INFIX)
        return LearningRate(float(factor), int(number) - 1 if number else None)

    def with_factor(self, factor: float) -> LearningRate:
        return LearningRate(factor, self.optimizer_index)

    def lr(self, lr: float, optimizer: int) -> float:
        return lr * self.factor if self.optimizer_index in (None, optimizer) else lr


class StandardizedInput(Remedy):
    """The main model's inputs minus their mean, divided by their standard deviation (of the recorded batches)."""

    rows = ("R12",)
    cause = "unstandardized-input"
    order = 10
    changes = "inputs standardized before the first layer"
    name = "standardized-input"
    remedy = "subtract the training mean of each feature and divide by its training standard deviation"

    def __init__(self) -> None:
        self.statistics: dict[tuple[int, int], tuple[Tensor, Tensor]] | None = None
        self.modules: dict[int, nn.Module] = {}
        self.deviation = 0.0
        self.low = self.high = 0.0

    def why_not(self, lab: Lab) -> str | None:
        if self.statistics is None:
            self._measure(lab)
        if not self.statistics:
            return "no numeric input of a module was recorded, or its first layer normalizes"
        if self.deviation <= STANDARDIZED:
            return "the inputs are standardized"
        return None

    def _measure(self, lab: Lab) -> None:
        seen = _observed_inputs(lab)
        self.statistics = {}
        for key, (module, values) in seen.items():
            layer = first_layer(module)
            if layer is not None and "Norm" in type(layer).__name__:
                continue
            pooled = torch.cat([item.detach().double() for item in values])
            if not bool(torch.isfinite(pooled).all()) or not bool(pooled.std() > 0):
                continue
            dims = _sample_dims(pooled, layer)
            mean = pooled.mean(dim=dims, keepdim=True)[0]
            deviation = pooled.std(dim=dims, keepdim=True)[0]
            floor = 1e-8 * pooled.abs().amax(dim=dims, keepdim=True)[0] + 1e-30
            deviation = torch.where(deviation > floor, deviation, torch.ones_like(deviation))
            self.statistics[key] = (mean, deviation)
            self.modules[key[0]] = module
            features = pooled.movedim(_feature_dim(pooled, dims), -1).reshape(-1, mean.numel())
            ranges = feature_ranges(features[:20_000].cpu().numpy())
            if ranges.deviation > self.deviation:
                self.deviation, self.low, self.high = ranges.deviation, ranges.low, ranges.high

    @contextmanager
    def applied(self, lab: Lab) -> Iterator[None]:
        if self.statistics is None:
            self._measure(lab)
        with ExitStack() as stack:
            for number, module in self.modules.items():
                handle = module.register_forward_pre_hook(self._hook(number), with_kwargs=True)
                stack.callback(handle.remove)
            yield

    def _hook(self, number: int) -> Any:
        def standardize(module: nn.Module, args: Any, kwargs: Any) -> Any:
            changed = list(args)
            for position, value in enumerate(changed):
                known = (self.statistics or {}).get((number, position))
                if known is not None and isinstance(value, Tensor) and value.is_floating_point():
                    mean, deviation = (item.to(value.dtype) for item in known)
                    changed[position] = (value - mean) / deviation
            return tuple(changed), kwargs

        return standardize


def _observed_inputs(lab: Lab) -> dict[tuple[int, int], tuple[nn.Module, list[Tensor]]]:
    """Float arguments of outermost module calls that depend on no parameter, by (id of module, position)."""
    found: dict[tuple[int, int], tuple[nn.Module, list[Tensor]]] = {}

    def hook(module: nn.Module, args: Any) -> None:
        for position, value in enumerate(args):
            usable = isinstance(value, Tensor) and value.is_floating_point() and value.dim() >= 2
            if usable and not value.requires_grad and value.numel():
                found.setdefault((id(module), position), (module, []))[1].append(value.detach())

    tapes = spread(main_tapes(lab), STATISTICS_TAPES)
    modules = {id(node.module): node.module for node in tapes[0].module_calls()} if tapes else {}
    with lab.at("initial"), ExitStack() as stack:
        for module in modules.values():
            stack.callback(module.register_forward_pre_hook(hook).remove)  # type: ignore[union-attr]
        for tape in tapes:
            tape.loss()
    return {
        key: (module, values)
        for key, (module, values) in found.items()
        if len({tuple(item.shape[1:]) for item in values}) == 1
    }


def _sample_dims(values: Tensor, layer: nn.Module | None) -> tuple[int, ...]:
    """The dimensions that count samples and positions: features are the last dimension, channels the second."""
    channels_second = values.dim() >= 4 or isinstance(layer, nn.modules.conv._ConvNd)
    feature = 1 if channels_second or values.dim() == 2 else values.dim() - 1
    return tuple(k for k in range(values.dim()) if k != feature)


def _feature_dim(values: Tensor, dims: tuple[int, ...]) -> int:
    return next(k for k in range(values.dim()) if k not in dims)


class NoDropout(Remedy):
    """Dropout off, in modules and in functions."""

    rows = ("R30", "S2")
    cause = "too-much-regularization"
    order = 15
    changes = "no dropout"
    name = "no-dropout"
    remedy = "lower the dropout probability"

    def why_not(self, lab: Lab) -> str | None:
        return None if dropout_modules(lab) or self._functions(lab) else "there is no dropout"

    def _functions(self, lab: Lab) -> bool:
        calls = (call for call in lab.operations().calls if call.name in DROPOUT_FUNCTIONS)
        return any(not isinstance(call.module, nn.modules.dropout._DropoutNd) for call in calls)

    @contextmanager
    def applied(self, lab: Lab) -> Iterator[None]:
        with ExitStack() as stack:
            for module, attribute in dropout_modules(lab):
                stack.callback(setattr, module, attribute, getattr(module, attribute))
                setattr(module, attribute, 0.0)
            if self._functions(lab):
                stack.enter_context(_WithoutDropout())
            yield


DROPOUT_FUNCTIONS = frozenset(
    {"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"}
)


class _WithoutDropout(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = operation_name(func)
        if name in DROPOUT_FUNCTIONS:
            return args[0] if args else kwargs["input"]
        if name == "scaled_dot_product_attention" and kwargs.get("dropout_p"):
            kwargs = kwargs | {"dropout_p": 0.0}
        return func(*args, **kwargs)


def dropout_modules(lab: Lab) -> list[tuple[nn.Module, str]]:
    found: list[tuple[nn.Module, str]] = []
    for root in lab.modules():
        for module in root.modules():
            if isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0:
                found.append((module, "p"))
            elif isinstance(module, (nn.RNNBase, nn.MultiheadAttention)) and module.dropout > 0:
                found.append((module, "dropout"))
    return found


class NoWeightDecay(Remedy):
    """Weight decay of every optimizer 0."""

    rows = ("R30", "S2")
    cause = "too-much-regularization"
    order = 15
    changes = "no weight decay"
    name = "no-weight-decay"
    remedy = "lower the weight decay"

    def why_not(self, lab: Lab) -> str | None:
        used = any(group.get("weight_decay") for record in lab.setup.optimizers for group in record.groups)
        return None if used else "there is no weight decay"

    def group(self, settings: dict[str, Any]) -> None:
        if "weight_decay" in settings:
            settings["weight_decay"] = 0.0


class NoPenalty(Remedy):
    """The loss without its terms that depend on parameters alone (L1, L2 by hand)."""

    rows = ("R30", "S2")
    cause = "too-much-regularization"
    order = 15
    changes = "no penalty on the weights in the loss"
    name = "no-penalty"
    remedy = "lower the factor of the penalty on the weights"

    def why_not(self, lab: Lab) -> str | None:
        tape = lab.main_backward.tape
        return None if tape is not None and penalties(tape) else "the loss has no penalty on the weights"

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        return {"replace": penalties(tape)}


class StandardInitialization(Remedy):
    """Weights and biases far from their modules' own initialization are drawn anew; the others stay.

    changed: names of the parameters that were drawn anew in the last replay.
    """

    rows = ("R28",)
    cause = "badly-scaled-initialization"
    order = 30
    changes = "PyTorch's own initialization for the weights whose scale is off"
    name = "standard-initialization"
    remedy = "drop the hand-made initialization, or scale it by the layer's fan-in"

    def __init__(self) -> None:
        self.changed: list[str] = []

    def why_not(self, lab: Lab) -> str | None:
        with lab.at("initial"):
            self.begin(lab)
        return None if self.changed else "all weights have the scale of a standard initialization"

    def begin(self, lab: Lab) -> None:
        self.changed = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            for root in lab.modules():
                for path, module in root.named_modules():
                    self._renew(lab, path, module)
            self._renew_hand_made(lab)

    def _renew(self, lab: Lab, path: str, module: nn.Module) -> None:
        own = list(module.named_parameters(recurse=False))
        own = [(name, p) for name, p in own if p.requires_grad and p.is_floating_point() and p.numel()]
        if not own:
            return
        old = [parameter.detach().clone() for _, parameter in own]
        buffers = [(item, item.clone()) for item in module.buffers(recurse=False)]
        reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
        with torch.no_grad():
            if reset is not None:
                reset()
            else:
                for _, parameter in own:
                    if parameter.dim() >= 2 and not _even_vector(parameter):
                        nn.init.xavier_normal_(parameter.flatten(1))
            for (name, parameter), value in zip(own, old, strict=True):
                if off_scale(value, parameter):
                    self.changed.append(lab.setup.parameter_name(parameter) or f"{path}.{name}")
                else:
                    parameter.copy_(value)
            for item, value in buffers:
                item.copy_(value)

    def _renew_hand_made(self, lab: Lab) -> None:
        """Parameters outside of modules: matrices by Xavier, which does not ask which dimension is the input."""
        tape = lab.main_backward.tape
        assert tape is not None
        owned = {id(p) for root in lab.modules() for p in root.parameters()}
        leaves = [
            leaf.value for leaf in tape.leaves.values() if leaf.parameter and id(leaf.value) not in owned
        ]
        with torch.no_grad():
            for number, value in enumerate(leaves):
                if value.requires_grad and value.is_leaf and value.dim() >= 2 and not _even_vector(value):
                    drawn = nn.init.xavier_normal_(torch.empty_like(value).flatten(1)).view_as(value)
                    if off_scale(value.detach(), drawn):
                        self.changed.append(lab.setup.parameter_name(value) or f"parameter {number}")
                        value.copy_(drawn)


def rms(values: Tensor) -> float:
    return float(values.detach().double().pow(2).mean().sqrt())


def off_scale(value: Tensor, standard: Tensor) -> bool:
    """Whether ``value`` is far from a standard initialization: scale of weights, size of biases, gains near zero."""
    own, expected = rms(value), rms(standard)
    if not math.isfinite(own):
        return True
    if value.dim() >= 2:
        if expected == 0:
            return False
        if not expected / INITIALIZATION_FACTOR <= own <= expected * INITIALIZATION_FACTOR:
            return True
        return symmetric(value) or (value.numel() >= OFFSET_NUMEL and abs(float(value.mean())) > OFFSET * own)
    gain = bool((standard.detach() == 1).all())
    return own > BIAS_FACTOR * max(expected, 0.1) or (gain and own < 1 / BIAS_FACTOR)


def _even_vector(value: Tensor) -> bool:
    """A row or column of equal values: a bias, a scale, the logarithm of a deviation; no matrix that has to be drawn."""
    return sum(size > 1 for size in value.shape) <= 1 and bool((value == value.flatten()[0]).all())


def symmetric(value: Tensor) -> bool:
    """Whether all rows (units) of a weight are equal."""
    rows = value.detach().flatten(1)
    return len(rows) > 1 and bool((rows == rows[:1]).all())


class PreservedVariance(Remedy):
    """Hand-made weights times what lets a signal keep its scale from layer to layer: all weights keep their directions.

    In a deep network a factor that is harmless in one layer, and that a standard initialization may have too, is taken to the
    power of the depth. changed: names of the weights that were multiplied in the last replay; gains: the own gain of each of
    them, rms(W) sqrt(fan-in), and ``wanted`` the one it was given: sqrt(2) with ReLU and its kin, else 1.
    """

    rows = ("R28",)
    cause = "badly-scaled-initialization"
    order = 31
    changes = "the weights of the hidden layers scaled so that a signal keeps its variance"
    name = "preserved-variance"

    def __init__(self) -> None:
        self.changed: list[str] = []
        self.gains: list[float] = []
        self.wanted = 1.0

    @property
    def remedy(self) -> str:  # type: ignore[override]
        return f"initialize the hidden layers with gain {self.wanted:.3g}"

    def why_not(self, lab: Lab) -> str | None:
        layers = self._hidden(lab)
        if len(layers) < 2:
            return "there are no hidden layers, or normalization keeps the scale of their results"
        drifted = abs(sum(math.log10(self._gain(layer) / self.wanted) for layer in layers))
        if not math.isfinite(drifted) or drifted < DRIFT:
            return "the initial weights keep the scale of a signal"
        return None if any(map(_hand_made, layers)) else "the initialization is PyTorch's own"

    def begin(self, lab: Lab) -> None:
        layers = self._hidden(lab)
        self.changed = [lab.setup.parameter_name(layer.weight) or "weight" for layer in layers]
        self.gains = [self._gain(layer) for layer in layers]
        with torch.no_grad():
            for layer, gain in zip(layers, self.gains, strict=True):
                layer.weight.mul_(self.wanted / gain)

    @staticmethod
    def _gain(layer: nn.Linear) -> float:
        return rms(layer.weight) * math.sqrt(layer.weight[0].numel())

    def _hidden(self, lab: Lab) -> list[nn.Linear]:
        """The layers with a matrix before the last one, where nothing between them normalizes."""
        with lab.at("initial"):
            log = lab.operations()
            order = list({id(module): module for _, module, _ in log.module_outputs}.values())
            if any("Norm" in type(module).__name__ for module in order) or any("norm" in call.name for call in log.calls):
                return []
            layers = [module for module in order if isinstance(module, (nn.Linear, nn.modules.conv._ConvNd))]
            rectified = sum(call.name in RECTIFYING for call in log.calls)
            saturating = sum(call.name in SATURATING_NAMES for call in log.calls)
            self.wanted = math.sqrt(2) if rectified > saturating else 1.0
            return [item for item in layers[:-1] if rms(item.weight) > 0 and item.weight.requires_grad]  # type: ignore[misc]


def _hand_made(layer: nn.Linear) -> bool:
    """Whether a layer's initial weights have another scale than PyTorch draws them with."""
    own = layer.weight.detach()
    drawn = 1 / math.sqrt(3 * own[0].numel())  # U(-1, 1) / sqrt(fan-in)
    return abs(rms(own) / drawn - 1) > DRAWN_ERROR / math.sqrt(own.numel())


class SmallerBatches(Remedy):
    """Every batch in parts, one step for each: the same epochs with more updates."""

    rows = ("R11",)
    cause = "too-few-updates"
    generic = True
    order = 20

    def __init__(self, parts: int = SPLIT) -> None:
        self.parts = parts
        self.name = f"batches-of-one-{parts}th"
        self.changes = f"batches of one {parts}th of the size, {parts} times as many updates"
        self.remedy = "use smaller batches, or train for more epochs"

    def why_not(self, lab: Lab) -> str | None:
        size = batch_size(lab)
        if accumulated(lab) > 1:
            return "gradients of several batches are accumulated"
        if updates(lab) > FEW_UPDATES:
            return f"the program made {updates(lab)} updates"
        return None if size > LARGE_BATCH else f"batches of {size} are not large"


class MoreSteps(Remedy):
    """The same training, longer: the recorded steps are cycled through."""

    rows = ("R31",)
    cause = "stopped-too-early"
    generic = True
    order = 22
    name = "more-steps"
    remedy = "train for more epochs"

    def __init__(self) -> None:
        self.longer = LONGER

    @property
    def changes(self) -> str:  # type: ignore[override]
        return f"{self.longer} times as many updates"

    def why_not(self, lab: Lab) -> str | None:
        made = updates(lab)
        self.longer = min(MOST_LONGER, max(LONGER, FEW_UPDATES // max(1, made)))
        return None if made <= FEW_UPDATES else f"the program made {made} updates"


class ConstantRate(Remedy):
    """The highest learning rate of the recorded steps at every step: no scheduler."""

    rows = ("R36",)
    cause = "scheduler-drives-rate-to-zero"
    order = 12
    changes = "no learning rate schedule"
    name = "constant-rate"
    remedy = "check how often the scheduler steps, and where it ends"

    def __init__(self) -> None:
        self.rate = 0.0

    def why_not(self, lab: Lab) -> str | None:
        seen = {
            rate for step in lab.setup.steps for e in step if isinstance(e, OptimizerStep) for rate in e.lrs
        }
        self.rate = max(seen, default=0.0)
        one = all(len(record.groups) == 1 for record in lab.setup.optimizers)
        if not one or not seen or min(seen) > (1 - SCHEDULED) * self.rate:
            return "the learning rate stays the same"
        return None

    def lr(self, lr: float, optimizer: int) -> float:
        return self.rate


def accumulated(lab: Lab) -> int:
    """The most backward calls before one optimizer step."""
    return max((sum(isinstance(e, BackwardRecord) for e in step) for step in lab.setup.steps), default=0)


def updates(lab: Lab) -> int:
    """Optimizer steps of the whole run."""
    return sum(record.steps for record in lab.setup.optimizers)


def batch_size(lab: Lab) -> int:
    batches = lab.batches(limit=1)
    inputs = batches[0][0] if batches else []
    return int(inputs[0].shape[0]) if inputs and inputs[0].dim() else 0


class StepAtEveryBackward(Remedy):
    """Accumulated gradients are used at once: a step for every backward call."""

    rows = ("R11",)
    cause = "too-few-updates"
    generic = True
    order = 20
    changes = "a step after every backward call"
    name = "step-at-every-backward"
    remedy = "accumulate over fewer batches, or train for more epochs"

    def why_not(self, lab: Lab) -> str | None:
        most = accumulated(lab)
        one = len(lab.setup.optimizers) == 1
        if updates(lab) > FEW_UPDATES:
            return f"the program made {updates(lab)} updates"
        return None if most >= 2 and one else "every backward call has its own step"

    def events(self, events: list[StepEvent]) -> list[list[StepEvent]]:
        step = next((event for event in events if isinstance(event, OptimizerStep)), None)
        if step is None or step.closure:
            return [events]
        clips = [event for event in events if isinstance(event, GradientEdit)]
        backwards = [event for event in events if isinstance(event, BackwardRecord)]
        return [[_fresh(item), *clips, step] for item in backwards]


def _fresh(record: BackwardRecord) -> BackwardRecord:
    return BackwardRecord(record.tape, record.loss, record.place, problem=record.problem)


class ClippedGradients(Remedy):
    """Gradient norm clipped."""

    rows = ("R35",)
    cause = "exploding-gradients"
    generic = True
    order = 60
    changes = f"gradient norm clipped to {CLIP_NORM:g}"
    name = "clipped-gradients"
    remedy = f"clip the gradients: torch.nn.utils.clip_grad_norm_(model.parameters(), {CLIP_NORM:g}) before the step"

    def after_backward(self, lab: Lab, parameters: Sequence[Tensor]) -> None:
        held = [item for item in parameters if item.grad is not None]
        if held:
            nn.utils.clip_grad_norm_(held, CLIP_NORM)


class OtherOptimizer(Remedy):
    """Adam in the place of another optimizer; SGD with momentum in the place of Adam and its kin."""

    rows = ("R34",)
    cause = "wrong-optimizer"
    generic = True
    order = 90

    def __init__(self, kind: str = "Adam") -> None:
        self.kind = kind
        self.name = kind.lower()
        rate = f"Adam(lr={ADAM_RATE:g})" if kind == "Adam" else f"SGD(lr={SGD_RATE:g}, momentum=0.9)"
        self.changes = f"{rate} as optimizer"
        self.remedy = f"try {rate}"

    def why_not(self, lab: Lab) -> str | None:
        kinds = {record.kind for record in lab.setup.optimizers}
        same = any(kind.startswith("Adam") for kind in kinds) if self.kind == "Adam" else "SGD" in kinds
        return "it is the program's own optimizer" if same else None

    def optimizer(self, lab: Lab, index: int) -> torch.optim.Optimizer | None:
        parameters = parameters_of(lab.setup.optimizers[index].optimizer)
        if self.kind == "Adam":
            return torch.optim.Adam(parameters, lr=ADAM_RATE)
        return torch.optim.SGD(parameters, lr=SGD_RATE, momentum=0.9)


class ReluActivations(Remedy):
    """ReLU in the place of sigmoid and tanh between layers (not at the output)."""

    rows = ("R35",)
    cause = "vanishing-gradients"
    order = 40
    changes = "ReLU in the place of saturating activations"
    name = "relu-activations"
    remedy = "use ReLU (or GELU) between the layers, or a normalization before each activation"

    def why_not(self, lab: Lab) -> str | None:
        modules, functions = self._hidden(lab)
        return None if len(modules) + functions >= 2 else "no saturating activations between layers"

    def _hidden(self, lab: Lab) -> tuple[list[nn.Module], int]:
        """Saturating modules before the last layer with parameters, and the number of such function calls."""
        log = lab.operations()
        order = [module for _, module, _ in log.module_outputs]
        last = max(
            (k for k, m in enumerate(order) if next(m.parameters(recurse=False), None) is not None),
            default=-1,
        )
        modules = [module for module in order[:last] if isinstance(module, SATURATING)]
        late = {id(module) for module in order[last + 1 :]}
        calls = [
            call
            for call in log.calls
            if call.name in SATURATING_NAMES and not isinstance(call.module, SATURATING)
        ]
        parametric = [
            k for k, call in enumerate(log.calls) if any(isinstance(i, nn.Parameter) for i in call.inputs)
        ]
        end = parametric[-1] if parametric else -1
        after = {id(call) for call in log.calls[end + 1 :]}
        functions = 0 if any(id(call) in after for call in calls) else len(calls)
        return [module for module in modules if id(module) not in late], functions

    @contextmanager
    def applied(self, lab: Lab) -> Iterator[None]:
        modules, functions = self._hidden(lab)
        with ExitStack() as stack:
            for module in {id(item): item for item in modules}.values():
                handle = module.register_forward_hook(lambda _, args, result: functional.relu(args[0]))
                stack.callback(handle.remove)
            if functions:
                stack.enter_context(_ReluForSaturating())
            yield


class _ReluForSaturating(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if operation_name(func) in SATURATING_NAMES:
            return functional.relu(args[0])
        return func(*args, **(kwargs or {}))


class SkipConnections(Remedy):
    """The input added to the output of every layer of the same shape."""

    rows = ("R35",)
    cause = "vanishing-gradients"
    order = 45
    changes = "skip connections around layers of equal width"
    name = "skip-connections"
    remedy = "add skip connections (x + layer(x)) or normalization layers, or use fewer layers"

    def why_not(self, lab: Lab) -> str | None:
        return None if len(self._blocks(lab)) >= LEAST_BLOCKS else "no deep stack of layers of equal width"

    def _blocks(self, lab: Lab) -> list[nn.Module]:
        """The outermost modules with parameters, inside the model, that keep the shape of their one input."""
        shapes: dict[int, bool] = {}

        def hook(module: nn.Module, args: Any, result: Any) -> None:
            tensors = [item for item in args if isinstance(item, Tensor)]
            keeps = (
                len(args) == 1 == len(tensors)
                and isinstance(result, Tensor)
                and result.shape == tensors[0].shape
            )
            shapes[id(module)] = keeps and tensors[0].is_floating_point() and shapes.get(id(module), True)

        roots = lab.modules()
        with lab.at("initial"), ExitStack() as stack:
            for root in roots:
                for module in root.modules():
                    stack.callback(module.register_forward_hook(hook).remove)
            assert lab.main_backward.tape is not None
            lab.main_backward.tape.loss()
        found: list[nn.Module] = []
        for root in roots:
            _outermost(root, shapes, found, top=True)
        return found

    @contextmanager
    def applied(self, lab: Lab) -> Iterator[None]:
        with ExitStack() as stack:
            for module in self._blocks(lab):
                handle = module.register_forward_hook(lambda _, args, result: result + args[0])
                stack.callback(handle.remove)
            yield


def _outermost(module: nn.Module, shapes: dict[int, bool], found: list[nn.Module], top: bool = False) -> None:
    container = isinstance(module, (nn.Sequential, nn.ModuleList)) and len(list(module.children())) > 2
    parametric = next(module.parameters(), None) is not None
    norm = "Norm" in type(module).__name__
    if not top and not container and not norm and parametric and shapes.get(id(module)):
        found.append(module)
        return
    for child in module.children():
        _outermost(child, shapes, found)


class OrthogonalRecurrence(Remedy):
    """Orthogonal recurrent weights in recurrent layers: gradients neither shrink nor grow through time."""

    rows = ("R35",)
    order = 35
    changes = "orthogonal recurrent weights"
    name = "orthogonal-recurrence"
    remedy = "initialize the recurrent weights with nn.init.orthogonal_ (gain 1)"

    def why_not(self, lab: Lab) -> str | None:
        weights = self._weights(lab)
        if not weights:
            return "there is no recurrent layer"
        with lab.at("initial"):
            norms = [torch.linalg.matrix_norm(block.double(), 2) for w in weights for block in _gates(w)]
            self.cause = "vanishing-gradients" if float(min(norms)) < 1 else "exploding-gradients"
        return None

    def _weights(self, lab: Lab) -> list[Tensor]:
        modules = [module for root in lab.modules() for module in root.modules()]
        recurrent = [module for module in modules if isinstance(module, (nn.RNNBase, nn.RNNCellBase))]
        live = [
            p for module in recurrent for name, p in module.named_parameters() if name.startswith("weight_hh")
        ]
        return [p for p in live if p.requires_grad]

    def begin(self, lab: Lab) -> None:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            for weight in self._weights(lab):
                for block in _gates(weight):
                    nn.init.orthogonal_(block)


def _gates(weight: Tensor) -> list[Tensor]:
    """The square blocks of a recurrent weight, one per gate (views)."""
    return list(weight.detach().split(weight.shape[1]))


class Together(Remedy):
    """Several remedies at once."""

    def __init__(self, parts: Sequence[Remedy]) -> None:
        self.remedies = tuple(parts)
        self.rows = tuple(row for part in parts for row in part.rows)
        self.changes = " and ".join(part.changes for part in parts) or "nothing"
        self.name = "+".join(part.name for part in parts) or "unchanged"
        self.parts = max((part.parts for part in parts), default=1)
        self.longer = max((part.longer for part in parts), default=1)
        self.own_units = any(part.own_units for part in parts)

    @contextmanager
    def applied(self, lab: Lab) -> Iterator[None]:
        with ExitStack() as stack:
            for part in self.remedies:
                stack.enter_context(part.applied(lab))
            yield

    def begin(self, lab: Lab) -> None:
        for part in self.remedies:
            part.begin(lab)

    def lr(self, lr: float, optimizer: int) -> float:
        for part in self.remedies:
            lr = part.lr(lr, optimizer)
        return lr

    def group(self, settings: dict[str, Any]) -> None:
        for part in self.remedies:
            part.group(settings)

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        return merged_options(part.tape_options(tape) for part in self.remedies)

    def loss(self, loss: Tensor) -> Tensor:
        for part in self.remedies:
            loss = part.loss(loss)
        return loss

    def steps(self, lab: Lab, recorded: list[list[StepEvent]]) -> list[list[StepEvent]]:
        for part in self.remedies:
            recorded = part.steps(lab, recorded)
        return recorded

    def more_parameters(self, lab: Lab) -> Sequence[Tensor]:
        return [tensor for part in self.remedies for tensor in part.more_parameters(lab)]

    def before_backward(self, lab: Lab) -> None:
        for part in self.remedies:
            part.before_backward(lab)

    def events(self, events: list[StepEvent]) -> list[list[StepEvent]]:
        groups = [events]
        for part in self.remedies:
            groups = [piece for group in groups for piece in part.events(group)]
        return groups

    def after_backward(self, lab: Lab, parameters: Sequence[Tensor]) -> None:
        for part in self.remedies:
            part.after_backward(lab, parameters)

    def optimizer(self, lab: Lab, index: int) -> torch.optim.Optimizer | None:
        return next(
            (found for part in self.remedies if (found := part.optimizer(lab, index)) is not None), None
        )


class AllOf(Together):
    """Remedies of one cause as one: none of them alone makes the difference."""

    JOINT = "&"  # in the name of an experiment

    def __init__(self, parts: Sequence[Remedy]) -> None:
        super().__init__(parts)
        self.cause, self.order = parts[0].cause, max(part.order for part in parts)
        self.name = self.JOINT.join(part.name for part in parts)
        self.remedy = " and ".join(dict.fromkeys(part.remedy for part in parts))


def candidates() -> list[Remedy]:
    """All remedies, in the order of minimal change."""
    found: list[Remedy] = [
        StandardizedInput(),
        NoDropout(),
        NoWeightDecay(),
        NoPenalty(),
        ConstantRate(),
        SmallerBatches(),
        MoreSteps(),
        StepAtEveryBackward(),
        StandardInitialization(),
        PreservedVariance(),
        OrthogonalRecurrence(),
        ReluActivations(),
        SkipConnections(),
        *(LearningRate(factor) for factor in LEARNING_RATE_FACTORS),
        ClippedGradients(),
        OtherOptimizer("Adam"),
        OtherOptimizer("SGD"),
    ]
    return sorted(found, key=lambda item: item.order)


LEARNING_RATE_FACTORS = (
    0.1,
    0.01,
    0.001,
    10.0,
    100.0,
    1000.0,
)  # narrower ladders missed lr x 1e-3 (prototype)
