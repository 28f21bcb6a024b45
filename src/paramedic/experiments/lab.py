"""The lab: runs recorded steps again on the program's own objects, and puts everything back afterwards."""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from paramedic.checks.check import NotChecked
from paramedic.experiments.free_output import FreeOutput, free_output
from paramedic.experiments.operations import LossCall, Operations, log_operations, loss_calls
from paramedic.trace.memory import free_bytes
from paramedic.trace.processors import Idleness
from paramedic.trace.random_state import random_states, set_random_states
from paramedic.trace.setup import (
    BackwardRecord,
    GradientEdit,
    ModelRecord,
    OptimizerRecord,
    OptimizerStep,
    Setup,
    StepEvent,
    ZeroGrad,
)
from paramedic.trace.tape import Node, Tape

MAX_REPLAYS = 300  # kept for the report: a budget of 60 s makes about 100 of them
THINNED_LOSS = 0.25  # relative; the mean loss of the parts of a batch, against the whole (a sum over two parts: 0.5)
LOGS_BYTES, LOGS_SHARE = 1 << 30, 0.125  # of the results of replayed steps: kept, or this share of what was free
LOSS_TOLERANCE = 1e-4  # relative; a replay of the first step must give the recorded loss


class OutOfTime(NotChecked):
    """The processor time that one check may take is used up."""


@dataclass(eq=False)
class ModelCall:
    """The outermost call of a model in a recorded step, with its arguments as they were.

    inputs: the tensors among the arguments, in order; output: whatever the model returned in the replay.
    """

    record: ModelRecord | None
    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: list[Tensor]
    output: Any
    node: Node


@dataclass(frozen=True)
class Curve:
    """A replayed training: the loss at every backward call of the main loss, and afterwards.

    evaluated: mean loss over the probe batches after the last step with modules in evaluation mode.
    finite: whether every loss was finite.
    """

    losses: tuple[float, ...]
    evaluated: float
    finite: bool
    seconds: float = 0.0


class Intervention:
    """One thing that is changed in a replay. Subclasses override what they change; the base changes nothing.

    rows: the rows that it speaks for. changes: what it changes, as a person would say it. name: what `paramedic
    replay` calls it. parts: every batch is cut into this many, each with a step of its own. defines_loss: the loss
    is another one with it, so progress is measured with it too, also where training goes without it.
    """

    rows: tuple[str, ...] = ()
    changes: str = "nothing"
    name: str = "unchanged"
    parts: int = 1
    defines_loss: bool = False

    def begin(self, lab: Lab) -> None:
        """After the initial state is loaded, before the first step; undone by the lab's restoration."""

    @contextmanager
    def applied(self, lab: Lab) -> Iterator[None]:
        """Around the whole replay, evaluation included: for what the lab's restoration does not undo (hooks)."""
        yield

    def lr(self, lr: float, optimizer: int) -> float:
        """The learning rate at a step of the optimizer with this index."""
        return lr

    def group(self, settings: dict[str, Any]) -> None:
        """Change an optimizer group's settings (``lr`` is set anew at every step)."""

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        """Extra options for ``Tape.run``: ``replace``, ``around``."""
        return {}

    def loss(self, loss: Tensor) -> Tensor:
        """What is minimized in the place of the program's loss."""
        return loss

    def steps(self, lab: Lab, recorded: list[list[StepEvent]]) -> list[list[StepEvent]]:
        """The steps that are replayed in the place of the recorded ones (those with an optimizer step)."""
        return recorded

    def more_parameters(self, lab: Lab) -> Sequence[Tensor]:
        """Tensors that the optimizer with the most steps gets in addition."""
        return ()

    def before_backward(self, lab: Lab) -> None:
        """Before each forward pass."""

    def events(self, events: list[StepEvent]) -> list[list[StepEvent]]:
        """Other events in the place of those of one recorded step, as one or several steps."""
        return [events]

    def after_backward(self, lab: Lab, parameters: Sequence[Tensor]) -> None:
        """Between backward and step."""

    def optimizer(self, lab: Lab, index: int) -> torch.optim.Optimizer | None:
        """Another optimizer in the place of the recorded one; None keeps it."""
        return None


@dataclass(frozen=True)
class Replay:
    """A training that was replayed, for the report: what was changed, and the main loss step by step."""

    changed: str
    seed: int
    losses: tuple[float, ...]


@dataclass(frozen=True)
class Repeatable:
    """What `paramedic replay` needs to know of a proof by an experiment that is none of the diagnosis.

    steps, probes: of each of its replays, and the batches that it is measured on. ended: where the program's own whole run
    ended, in u, if it is compared with that. whole: it begins where the program ends, which has to run to its end.
    """

    proof: Any
    steps: int
    probes: int
    ended: float | None = None
    whole: bool = False


@dataclass
class _State:
    values: list[tuple[Tensor, Tensor]] = field(default_factory=list)


class Lab:
    """Replays and experiments on a Setup within a budget in seconds.

    Seconds are the main thread's processor time: what else the machine does must not change a verdict.
    """

    def __init__(self, setup: Setup, *, budget: float = 60.0) -> None:
        self.setup = setup
        self.budget = budget
        self.spent = 0.0
        self._cache: dict[Any, Any] = {}
        self._depth = 0
        self._final: _State | None = None
        self._replay_problem: str | None | bool = False
        self.seconds_per_step = 0.0
        self.replays: list[Replay] = []
        self._deadline = math.inf
        self.cluster: Callable[[], Any] | None = None  # connects to where replays may be made (fan_out)
        self._connection: Any = None
        self.idleness: Idleness | None = None  # where replays may be made ahead in copies of this process (fan_out)
        self.processes = 1  # that experiments were made in at a time, at most
        self.why_one_process: str | None = None
        self.problems: list[str] = []  # in the experiments, for the report
        self.repeatable: list[Repeatable] = []  # besides those of the diagnosis

    # -- what there is ------------------------------------------------------------------------------------------

    @property
    def backwards(self) -> list[BackwardRecord]:
        """Recorded backward calls that can be run again."""
        return [item for item in self.setup.backwards() if item.tape is not None and item.problem is None]

    @property
    def main_backward(self) -> BackwardRecord:
        return self.backwards[0]

    def why_not_replayable(self) -> str | None:
        """None if the first recorded step runs again and gives the recorded loss; else the reason."""
        if self._replay_problem is False:
            self._replay_problem = self._try_replay()
        return self._replay_problem  # type: ignore[return-value]

    def _try_replay(self) -> str | None:
        records = self.setup.backwards()
        if not records:
            return "no call of backward was recorded"
        if not self.backwards:
            return f"the recorded steps cannot be run again: {records[0].problem or 'no tape'}"
        record = self.main_backward
        assert record.tape is not None
        started = time.thread_time()
        try:
            with self.at("initial"):
                value = float(record.tape.loss().detach())
        except Exception as error:
            return f"the recorded step cannot be run again: {type(error).__name__}: {str(error)[:200]}"
        self.seconds_per_step = 3 * (time.thread_time() - started)
        expected = record.loss
        same = value == expected or (value != value and expected != expected)
        if not same and abs(value - expected) > LOSS_TOLERANCE * max(1e-6, abs(expected)):
            return f"a replay of the first step gives another loss ({value:.6g}, recorded {expected:.6g})"
        return None

    def connected(self) -> Any:
        """The cluster, connected to when it is first needed."""
        assert self.cluster is not None
        if self._connection is None:
            self._connection = self.cluster()
        return self._connection

    def disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def problem(self, text: str) -> None:
        if text not in self.problems:
            self.problems.append(text)

    def one_process(self, why: str) -> None:
        """Replays that could be made beside each other were made in turn."""
        self.why_one_process = self.why_one_process or why

    def several_processes(self, count: int) -> None:
        self.processes = max(self.processes, count)

    def on_its_own(self) -> None:
        """In a copy of this process: its maker counts what replays cost."""
        self.budget, self._deadline = math.inf, math.inf
        self.idleness = self.cluster = None

    def count(self, seconds: float, seconds_per_step: float, replays: Sequence[Replay]) -> None:
        """Take over what a replay elsewhere has cost and shown; raises OutOfTime where it would not have been made."""
        self.look_at_the_clock()
        self._deadline -= seconds
        self.spent += seconds
        self.seconds_per_step = seconds_per_step or self.seconds_per_step
        self.replays.extend(replays[: max(0, MAX_REPLAYS - len(self.replays))])

    def time_left(self) -> float:
        return max(0.0, self.budget - self.spent)

    def why_no_budget(self) -> str | None:
        if self.budget <= 0:
            return "experiments are off"
        if self.time_left() <= 0:
            return f"budget of {self.budget:g} s used up"
        return self.why_not_replayable()

    @contextmanager
    def at_most(self, seconds: float) -> Iterator[None]:
        """Replays in the block raise OutOfTime after so many seconds, so that one check leaves time for the others."""
        before, self._deadline = self._deadline, min(self._deadline, time.thread_time() + seconds)
        try:
            yield
        finally:
            self._deadline = before

    def look_at_the_clock(self) -> None:
        """Raises OutOfTime where the block of ``at_most`` has had its seconds."""
        if time.thread_time() > self._deadline:
            raise OutOfTime("budget: this check has had its share of the time for experiments")

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Count the block's time against the budget: processor time, so that a busy machine changes no verdict."""
        started = time.thread_time()
        try:
            yield
        finally:
            self.spent += time.thread_time() - started

    # -- states ---------------------------------------------------------------------------------------------------

    def modules(self) -> list[nn.Module]:
        """All outermost modules, owners in the place of their parts."""
        found: list[nn.Module] = []
        for record in self.setup.models:
            module = record.owner if record.owner is not None else record.module
            if not any(module is item for item in found):
                found.append(module)
        return found

    def _live(self) -> list[Tensor]:
        seen: dict[int, Tensor] = {id(live): live for live, _ in self.setup.initial.tensors}
        for module in self.modules():
            for tensor in (*module.parameters(), *module.buffers()):
                seen.setdefault(id(tensor), tensor)
        for record in self.setup.optimizers:
            for group in record.optimizer.param_groups:
                for tensor in group["params"]:
                    seen.setdefault(id(tensor), tensor)
        return [item for item in seen.values() if not torch.nn.parameter.is_lazy(item)]

    def parameters(self) -> list[Tensor]:
        """All that could be trained: the parameters of the models and of the optimizers."""
        return [item for item in self._live() if item.is_leaf and item.is_floating_point()]

    @contextmanager
    def at(self, state: str = "initial") -> Iterator[None]:
        """Load a state ("initial", "final" or "same") into the live objects, and put everything back afterwards.

        Raises OutOfTime before anything is touched, where the time is up (see ``at_most``). Restored: values, gradients,
        requires_grad, training flags, hooks' effects on buffers, optimizer state and settings, random states of torch,
        numpy and random; the program's output is silenced meanwhile.
        """
        self.look_at_the_clock()
        live = self._live()
        values = [tensor.detach().clone() for tensor in live]
        grads = [tensor.grad for tensor in live]
        wants = [tensor.requires_grad for tensor in live]
        flags = [(module, module.training) for root in self.modules() for module in root.modules()]
        optimizers = [_OptimizerState(record.optimizer) for record in self.setup.optimizers]
        states = random_states()
        try:
            for tensor in live:
                tensor.grad = None
            if state != "same" and self._depth == 0 and self._final is None:
                self._final = _State(list(zip(live, values, strict=True)))
            self._depth += 1
            if state == "initial":
                _load(self.setup.initial.tensors)
                for (tensor, _), want in zip(
                    self.setup.initial.tensors, self.setup.initial.wanted, strict=True
                ):
                    if tensor.is_leaf and tensor.is_floating_point():
                        tensor.requires_grad_(want)
            elif state == "final" and self._depth > 1 and self._final is not None:
                _load(self._final.values)
            with contextlib.redirect_stdout(io.StringIO()), torch.enable_grad():
                yield
        finally:
            self._depth -= 1
            for tensor, value, grad, want in zip(live, values, grads, wants, strict=True):
                with torch.no_grad():
                    if tensor.shape == value.shape:
                        tensor.data.copy_(value)
                    else:
                        tensor.data = value
                tensor.grad = grad
                if tensor.is_leaf and tensor.requires_grad != want:
                    tensor.requires_grad_(want)
            for module, flag in flags:
                module.training = flag
            for item in optimizers:
                item.restore()
            set_random_states(states)

    # -- one step, looked into --------------------------------------------------------------------------------------

    def paths(self) -> dict[int, str]:
        """Dotted path of every module by id."""
        if "paths" not in self._cache:
            paths: dict[int, str] = {}
            for record in self.setup.models:
                for name, module in record.module.named_modules():
                    paths.setdefault(id(module), f"{record.name}.{name}" if name else record.name)
            self._cache["paths"] = paths
        return self._cache["paths"]

    def operations(self, index: int = 0, state: str = "initial") -> Operations:
        """The operations of the ``index``-th replayable backward call; cached."""
        key = ("operations", index, state)
        if key not in self._cache:
            tape = self.backwards[index].tape
            assert tape is not None
            with self.at(state):
                self._cache[key] = self.log(tape)
            self._forget_logs(key)
        return self._cache[key]

    def _forget_logs(self, newest: Any) -> None:
        """Of a large model the results of the first step are kept, and those that were looked at last."""
        logs = {key: log for key, log in self._cache.items() if isinstance(log, Operations)}
        total = sum(log.nbytes for log in logs.values())
        for key, log in logs.items():
            if total <= max(LOGS_BYTES, LOGS_SHARE * self.room):
                break
            if key not in (newest, ("operations", 0, "initial")):
                del self._cache[key]
                total -= log.nbytes

    @property
    def room(self) -> float:
        """Bytes that were free for results, when it was asked first, on the device that has the least."""
        if "room" not in self._cache:
            devices = {tensor.device for tensor in self._live()} | {torch.device("cpu")}
            self._cache["room"] = min(free_bytes(device) for device in devices)
        return self._cache["room"]  # type: ignore[no-any-return]

    def log(self, tape: Tape, watch: Any = None, **options: Any) -> Operations:
        """Run any tape with every operation logged, within ``at``; options as of ``Tape.run``."""
        return log_operations(tape, self.paths(), watch, room=self.room / 2, **options)

    def evaluation_operations(self, index: int, state: str = "final") -> Operations:
        """The operations of a recorded validation batch; cached."""
        key = ("evaluation", index, state)
        if key not in self._cache:
            record = self.setup.evaluations[index]
            with self.at(state), torch.set_grad_enabled(record.grad):
                self._cache[key] = self.log(record.tape)
            self._forget_logs(key)
        return self._cache[key]

    def failure_operations(self) -> Operations | None:
        """The operations of the step in which the program crashed; ``failed`` is the one that raised."""
        tape = self.setup.failure
        if tape is None:
            return None
        if "failure" not in self._cache:
            with self.at("same"):
                self._cache["failure"] = self.log(tape)
        return self._cache["failure"]

    def loss_calls(self, index: int = 0) -> list[LossCall]:
        """Comparisons of predictions with targets on the way to the ``index``-th loss."""
        return loss_calls(self.operations(index))

    def free_output(self, index: int = 0) -> FreeOutput | None:
        """What free outputs reach with the ``index``-th loss; None where it cannot be run by itself; cached."""
        key = ("free output", index)
        if key not in self._cache:
            with self.spending():
                self._cache[key] = free_output(self, index)
        return self._cache[key]

    def u(self, loss: float, index: int = 0) -> float:
        """A loss on the scale 1 = knows nothing, 0 = perfect (free-output test); NaN where that has no meaning."""
        found = self.free_output(index)
        return found.u(loss) if found is not None else float("nan")

    def model_call(self, index: int = 0, state: str = "initial") -> ModelCall | None:
        """The first outermost call of a recorded model in the ``index``-th backward call's tape."""
        operations = self.operations(index, state)
        tape = self.backwards[index].tape
        assert tape is not None
        for node in tape.nodes:
            if node.module is not None:
                return self._call_of(node, operations)
        return None

    def _call_of(self, node: Node, operations: Operations) -> ModelCall:
        from torch.utils._pytree import tree_map

        from paramedic.trace.tape import Ref, flatten

        def fill(value: Any) -> Any:
            return operations.values.get(value.index) if isinstance(value, Ref) else value

        args, kwargs = tree_map(fill, (node.args, node.kwargs))
        module = node.module
        assert module is not None
        record = next((item for item in self.setup.models if item.module is module), None)
        output = next((out for _, item, out in operations.module_outputs if item is module), None)
        inputs = [item for item in flatten((args, kwargs)) if isinstance(item, Tensor)]
        return ModelCall(record, module, args, kwargs, inputs, output, node)

    # -- batches -----------------------------------------------------------------------------------------------------

    def target_position(self) -> tuple[int, int] | None:
        """Where the target enters the main tape: (node counted from the end, ordinal among its inputs)."""
        if "target" not in self._cache:
            self._cache["target"] = self._find_target()
        return self._cache["target"]

    def _find_target(self) -> tuple[int, int] | None:
        tape = self.main_backward.tape
        assert tape is not None
        operations = self.operations(0)
        for call in self.loss_calls(0):
            if call.target is None:
                continue
            for back, node in enumerate(reversed(tape.nodes)):
                for ordinal, number in enumerate(node.inputs()):
                    value = operations.values.get(number)
                    if (
                        number in tape.constants()
                        and isinstance(value, Tensor)
                        and _shares(value, call.target)
                    ):
                        return back, ordinal
        return None

    def batches(self, role: str = "train", limit: int = 100) -> list[tuple[list[Tensor], Tensor | None]]:
        """Recorded batches: the constant tensors that enter the main model, and the target (None if unknown).

        role "train": from the recorded steps of the main loss; "validation": from recorded evaluations.
        """
        if role == "validation":
            return [self._evaluation_batch(record.tape) for record in self.setup.evaluations[:limit]]
        if self.why_not_replayable() is not None:
            return []
        length = len(self.main_backward.tape.nodes)  # type: ignore[union-attr]
        position = self.target_position()
        found: list[Any] = []
        for record in self.backwards:
            tape = record.tape
            if tape is None or len(tape.nodes) != length or len(found) >= limit:
                continue
            found.append((_model_inputs(tape), _target_at(tape, position)))
        return found

    def _evaluation_batch(self, tape: Tape) -> tuple[list[Tensor], Tensor | None]:
        inputs = _model_inputs(tape)
        others = [
            leaf.value
            for number, leaf in tape.constants().items()
            if not any(leaf.value is item for item in inputs) and leaf.value.dim() > 0
        ]
        rows = [item for item in others if inputs and item.shape[0] == inputs[0].shape[0]]
        return inputs, rows[0] if rows else None

    # -- training again ------------------------------------------------------------------------------------------------

    def recorded_steps(self, change: Intervention | None = None) -> list[list[StepEvent]]:
        """The recorded steps that can be trained again, as ``change`` makes them."""
        own = [step for step in self.setup.steps if any(isinstance(e, OptimizerStep) for e in step)]
        return (change or Intervention()).steps(self, own)

    def train(
        self,
        change: Intervention | None = None,
        *,
        steps: int | None = None,
        seed: int = 0,
        state: str = "initial",
        deadline: float | None = None,
        after: Callable[[], Any] | None = None,
        thin: int = 1,
    ) -> Curve:
        """Replay the recorded steps from ``state`` with one thing changed.

        seed 0 repeats order and random numbers exactly; another seed permutes the steps (whole rounds of them, where
        several optimizers take turns) and draws anew. More steps than recorded cycle through them. ``after`` is called
        before the state is put back, in the place of the evaluation if it returns a number. thin: each step uses one of
        so many parts of its batch only, another part in every step (see ``can_be_thinned``).
        """
        change = change or Intervention()
        started = time.thread_time()
        recorded = self.recorded_steps(change)
        order = step_order(rounds_of(recorded), steps or len(recorded), seed)
        losses: list[float] = []
        with self.spending(), self.at(state):
            with change.applied(self):
                evaluated = self._trained(recorded, order, change, losses, seed, deadline, after, thin)
        seconds = time.thread_time() - started
        if order:
            self.seconds_per_step = seconds / len(order)
        finite = all(np.isfinite(value) for value in losses)
        if state == "initial" and len(self.replays) < MAX_REPLAYS:
            self.replays.append(Replay(change.changes, seed, tuple(losses)))
        return Curve(tuple(losses), evaluated if finite else float("inf"), finite, seconds)

    def _trained(
        self,
        recorded: list[list[StepEvent]],
        order: list[int],
        change: Intervention,
        losses: list[float],
        seed: int,
        deadline: float | None,
        after: Callable[[], Any] | None,
        thin: int,
    ) -> float:
        for record in self.setup.optimizers:
            _reset(record, change)
        change.begin(self)
        others = self._other_optimizers(change)
        if seed:
            torch.manual_seed(seed)
        for number, position in enumerate(order):
            for events in change.events(recorded[position]):
                for part in range(change.parts):
                    piece = (part * thin + number % thin, change.parts * thin)
                    self._replay_step(events, change, others, losses, exact=seed == 0, piece=piece)
            if losses and not np.isfinite(losses[-1]):
                break
            if deadline is not None and time.thread_time() > deadline:
                break
            self.look_at_the_clock()
        measured = after() if after is not None else None
        return float(measured) if measured is not None else self.probe_loss(change)

    def can_be_thinned(self, thin: int) -> bool:
        """Whether the parts of a batch give together about the loss of the whole: not so for a sum over the batch, or
        where a size is fixed in the program."""
        tape = self.main_backward.tape
        assert tape is not None
        try:
            with self.spending(), self.at("initial"), torch.no_grad():
                whole = float(tape.loss())
                parts = [float(tape.loss(replace=batch_part(tape, part, thin))) for part in range(thin)]
        except Exception:
            return False  # the program's own code, with a batch of another size
        return bool(abs(np.mean(parts) - whole) <= THINNED_LOSS * abs(whole))

    def batch_rows(self) -> int:
        """Rows of the first recorded batch that can be cut; 0 where none can."""
        tape = self.main_backward.tape
        assert tape is not None
        rows = row_constants(tape)
        return tape.leaves[rows[0]].value.shape[0] if rows else 0

    def _other_optimizers(self, change: Intervention) -> dict[int, torch.optim.Optimizer | None]:
        """Optimizers in the place of the recorded ones, by index."""
        records = self.setup.optimizers
        others = {i: change.optimizer(self, i) for i in range(len(records))}
        more = list(change.more_parameters(self))
        if more and records:
            main = max(range(len(records)), key=lambda number: records[number].steps)
            others[main] = _with_more(others[main], records[main], more)
            for group in others[main].param_groups:  # type: ignore[union-attr]
                change.group(group)
        return others

    def _replay_step(
        self,
        events: list[StepEvent],
        change: Intervention,
        others: dict[int, Any],
        losses: list[float],
        exact: bool,
        piece: tuple[int, int] = (0, 1),
    ) -> None:
        first = True
        if self._searches_by_closure(events):  # its step evaluates the loss itself, as often as it needs
            events = [event for event in events if isinstance(event, OptimizerStep)] + events
            self._step(events[0], events, change, others, losses)  # type: ignore[arg-type]
            return
        for event in events:
            if isinstance(event, BackwardRecord):
                if event.tape is None:
                    continue
                if first and event.gradients_before == 0.0 and not _zeroed(events):
                    for tensor in self._live():
                        tensor.grad = None
                first = False
                change.before_backward(self)
                options = change.tape_options(event.tape)
                if piece[1] > 1:
                    options["replace"] = batch_part(event.tape, *piece, options.get("replace", {}))
                loss = change.loss(event.tape.loss(random=exact, **options))
                loss.backward()
                losses.append(float(loss.detach()))
                change.after_backward(self, self._live())
            elif isinstance(event, ZeroGrad):
                self._zero(event, others)
            elif isinstance(event, GradientEdit):
                _clip(event)
            else:
                self._step(event, events, change, others, losses)

    def _zero(self, event: ZeroGrad, others: dict[int, Any]) -> None:
        if event.module is not None:
            event.module.zero_grad()
        elif event.optimizer is not None:
            (others.get(event.optimizer) or self.setup.optimizers[event.optimizer].optimizer).zero_grad()

    def _searches_by_closure(self, events: list[StepEvent]) -> bool:
        return any(
            isinstance(event, OptimizerStep)
            and event.closure
            and self.setup.optimizers[event.optimizer].kind == "LBFGS"
            for event in events
        )

    def _step(
        self,
        event: OptimizerStep,
        events: list[StepEvent],
        change: Intervention,
        others: dict[int, Any],
        losses: list[float],
    ) -> None:
        own = self.setup.optimizers[event.optimizer].optimizer
        optimizer = others.get(event.optimizer) or own
        if type(optimizer) is type(own):  # one of another kind has a rate of its own
            for number, group in enumerate(optimizer.param_groups):
                group["lr"] = change.lr(event.lrs[number if number < len(event.lrs) else 0], event.optimizer)
            for group, settings in zip(optimizer.param_groups, event.settings, strict=False):
                group.update(settings)
        if not self._searches_by_closure([event]):
            optimizer.step()
            return
        tapes = [item.tape for item in events if isinstance(item, BackwardRecord) and item.tape is not None]
        calls = 0

        def closure() -> Tensor:
            nonlocal calls
            tape = tapes[min(calls, len(tapes) - 1)]  # each evaluation drew its own random numbers
            calls += 1
            optimizer.zero_grad()
            loss = change.loss(tape.loss(**change.tape_options(tape)))
            loss.backward()
            losses.append(float(loss.detach()))
            return loss

        optimizer.step(closure)  # type: ignore[arg-type]

    def probe_loss(self, change: Intervention | None = None, limit: int = 8) -> float:
        """Mean loss of the main tapes of the last recorded steps, modules in evaluation mode, in the present state."""
        change = change or Intervention()
        main = self.main_backward.tape
        assert main is not None
        tapes = [
            item.tape for item in self.backwards if item.tape and len(item.tape.nodes) == len(main.nodes)
        ]
        values = []
        flags = [(module, module.training) for root in self.modules() for module in root.modules()]
        for module, _ in flags:
            module.training = False
        try:
            with torch.no_grad():
                for tape in tapes[-limit:]:
                    values.append(float(tape.loss(modes=False, random=True, **change.tape_options(tape))))
        finally:
            for module, flag in flags:
                module.training = flag
        return float(np.mean(values)) if values else float("nan")


class _OptimizerState:
    """An optimizer's state and settings, by reference and by copy."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer
        self.state = optimizer.state
        self.groups = [dict(group) for group in optimizer.param_groups]
        optimizer.state = _copied(optimizer.state)

    def restore(self) -> None:
        self.optimizer.state = self.state
        for group, saved in zip(self.optimizer.param_groups, self.groups, strict=False):
            group.clear()
            group.update(saved)


def _copied(state: Any) -> Any:
    copy: Any = defaultdict(dict)
    for key, values in state.items():
        copy[key] = (
            {name: value.clone() if isinstance(value, Tensor) else value for name, value in values.items()}
            if isinstance(values, dict)
            else values
        )
    return copy


def _reset(record: Any, change: Intervention) -> None:
    """The optimizer as it was before its first step."""
    record.optimizer.state = defaultdict(dict)
    for group, settings in zip(record.optimizer.param_groups, record.groups, strict=False):
        group.update({key: value for key, value in settings.items() if key in group})
        change.group(group)


def _load(values: list[tuple[Tensor, Tensor]]) -> None:
    with torch.no_grad():
        for live, value in values:
            if live.shape == value.shape:
                live.data.copy_(value)


def rounds_of(recorded: list[list[StepEvent]]) -> list[range]:
    """The numbers of the steps between two returns of the first optimizer; of one optimizer, each step by itself."""
    makers = [next((e.optimizer for e in step if isinstance(e, OptimizerStep)), None) for step in recorded]
    if len(set(makers)) < 2:
        return [range(number, number + 1) for number in range(len(makers))]
    starts = [
        number for number, maker in enumerate(makers) if number == 0 or maker == makers[0] != makers[number - 1]
    ]
    return [range(start, end) for start, end in itertools.pairwise([*starts, len(makers)])]


def step_order(rounds: list[range], steps: int, seed: int) -> list[int]:
    if not rounds:
        return []
    generator = np.random.default_rng(seed)
    order: list[int] = []
    while len(order) < steps:
        lap = list(range(len(rounds)))
        if seed or order:
            generator.shuffle(lap)
        order.extend(number for place in lap for number in rounds[place])
    return order[:steps]


def batch_part(
    tape: Tape, part: int, parts: int, replace: Mapping[int, Tensor] | None = None
) -> dict[int, Tensor]:
    """``replace`` (values for ``Tape.run``) with the constants that have a row per sample cut into ``parts``."""
    replace = dict(replace or {})
    rows = row_constants(tape)
    size = tape.leaves[rows[0]].value.shape[0] if rows else 0
    piece = max(1, size // parts)
    start = min(part * piece, max(0, size - piece))
    return replace | {
        number: replace.get(number, tape.leaves[number].value)[start : start + piece] for number in rows
    }


def row_constants(tape: Tape) -> list[int]:
    """Numbers of the constants of a tape that have a row per sample, in order of their use."""
    inputs = _model_inputs(tape)
    if not inputs or inputs[0].dim() == 0:
        return []
    size = inputs[0].shape[0]
    return [
        number for number, leaf in tape.constants().items() if leaf.value.dim() > 0 and leaf.value.shape[0] == size
    ]


def merged_options(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Options for ``Tape.run`` of several changes at once: replaced values together, ``around`` one inside the other."""
    result: dict[str, Any] = {}
    for options in parts:
        for key, value in options.items():
            if key == "replace":
                result[key] = result.get(key, {}) | value
            elif key == "around" and key in result:
                result[key] = _nested(result[key], value)
            else:
                result[key] = value
    return result


def _nested(outer: Callable[..., Any], inner: Callable[..., Any]) -> Callable[..., Any]:
    return lambda node, call: outer(node, lambda: inner(node, call))


def _with_more(
    other: torch.optim.Optimizer | None, record: OptimizerRecord, more: Sequence[Tensor]
) -> torch.optim.Optimizer:
    """``other``, or an optimizer like the recorded one, with further tensors in a group of their own."""
    groups: list[dict[str, Any]] = []
    for group, first in zip(record.optimizer.param_groups, record.groups, strict=False):
        groups.append({**first, "params": list(group["params"])})
    held = {id(p) for group in groups for p in group["params"]}
    extra = [tensor for tensor in more if id(tensor) not in held]
    if other is not None:
        if extra:
            other.add_param_group({"params": extra})
        return other
    if extra:
        groups.append({**record.groups[0], "params": extra})
    for group in groups:
        group.pop("initial_lr", None)
    return type(record.optimizer)(groups, lr=record.groups[0].get("lr", 1e-3))  # type: ignore[call-arg]


def _clip(event: GradientEdit) -> None:
    """Clip as the program did: also where a gradient scaler's factor was still on the gradients. Nothing to clip is right."""
    if all(p.grad is None for p in event.parameters):
        return
    scale = 1.0 if event.scale is None else float(event.scale)
    gradients = [p.grad for p in event.parameters if p.grad is not None] if scale > 0 and scale != 1.0 else []
    for gradient in gradients:
        gradient.mul_(scale)
    event.function(event.parameters, **event.arguments)
    for gradient in gradients:
        gradient.div_(scale)


def _zeroed(events: list[StepEvent]) -> bool:
    return any(isinstance(event, ZeroGrad) for event in events)


def _shares(one: Tensor, other: Tensor) -> bool:
    if one is other:
        return True
    if one.numel() != other.numel() or one.numel() == 0:
        return False
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def _model_inputs(tape: Tape) -> list[Tensor]:
    """Constant tensors that enter the first module call of a tape (or, without modules, the first node)."""
    nodes = [node for node in tape.nodes if node.module is not None] or tape.nodes[:1]
    constants = tape.constants()
    return [constants[number].value for number in nodes[0].inputs() if number in constants] if nodes else []


def _target_at(tape: Tape, position: tuple[int, int] | None) -> Tensor | None:
    if position is None:
        return None
    back, ordinal = position
    numbers = list(tape.nodes[len(tape.nodes) - 1 - back].inputs())
    leaf = tape.constants().get(numbers[ordinal]) if ordinal < len(numbers) else None
    return leaf.value if leaf is not None else None
