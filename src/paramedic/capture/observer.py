"""Watches a training program: installs the hooks, and turns what happens into a Trace and a Setup.

Every function that runs inside the program is wrapped by ``quiet``: an error of ours is noted, never raised.
"""

from __future__ import annotations

import functools
import inspect
import math
import os
import sys
import threading
import time
import weakref
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from paramedic.capture import early_stopping, keras_optimizer, ranks
from paramedic.capture.account import Account, Elapsed
from paramedic.capture.functional import KEPT_CALLS, FunctionalCall, called_again, kept_call
from paramedic.capture.hand_made import HandMadeUpdates, Rule, cut_at, graph_leaves, made_anew, unique
from paramedic.capture.late_import import AfterImport
from paramedic.capture.late_losses import LateLosses
from paramedic.capture.patches import Patches
from paramedic.capture.phases import Phases, carried, without_loaders
from paramedic.capture.recorder import Recorder, transforming
from paramedic.capture.sampling import LAST_DENSE_STEP, LayerSampler, is_sharded
from paramedic.capture.stop import StopProgram
from paramedic.capture.unseen import unseen
from paramedic.capture.validation import PassValues
from paramedic.trace.identity import ByIdentity
from paramedic.trace.place import Place, place_of, user_frame
from paramedic.trace.setup import (
    NEVER_STEPPED,
    BackwardRecord,
    EvaluationRecord,
    GradientEdit,
    LoaderRecord,
    ModelRecord,
    OptimizerRecord,
    OptimizerStep,
    SchedulerRecord,
    Setup,
    Source,
    StepEvent,
    WatchedQuantity,
    ZeroGrad,
    parameters_of,
)
from paramedic.trace.store import StepRow, TraceWriter
from paramedic.trace.tape import Node, Tape, tensors_of

MADE_ANEW = (
    "the parameters are made anew at every step (w = w - rate * gradient gives another tensor), and it is not seen which of "
    "the new ones follows which: only the losses are observed, and training cannot be replayed; steps are seen where the "
    "parameters are written to in place (with torch.no_grad(): w -= rate * w.grad) or by torch.optim.SGD"
)
RECORD_STEPS = 100  # optimizer steps kept for replay: METHODS' experiments use 60 to 120
RECORD_BYTES = 64 << 20  # of batches kept for replay
RECORD_SECONDS = 20.0  # of processor time: a big model stops recording after this time, once it has MIN_RECORD_STEPS
MIN_RECORD_STEPS = 3
SNAPSHOT_BYTES = 2 << 30
MAX_OPTIMIZERS = 64  # of a phase; meta-learning makes one per task, and what a record holds stays alive
EVALUATION_PASSES = 3  # first passes kept in full ...
EVALUATION_BATCHES = 4  # ... with this many batches of each loader; the latest pass replaces the last one
EVALUATION_BYTES = 128 << 20  # of validation batches in all
FINGERPRINT_PASSES = 3
FINGERPRINT_ROWS = 2_000_000
FINGERPRINT_SHARE = 0.004  # of the time so far: a first epoch may last for days
FINGERPRINT_ALLOWANCE = 0.5  # seconds
MEASURED_STEPS = 16  # first steps in which gradients are looked at before backward and step
DENSE_EVENTS = 400  # protocol events written to the trace one by one; later ones are counted only
WATCHED_CALLS = 4000  # of a plateau scheduler or an early stopping whose quantity is kept
WATCH_ALLOWANCE = 1.0  # seconds of our own up to which evaluations are looked at, however short the program is
LOOK_SECONDS = 0.02  # between two looks at whether the next step should be recorded; only glances at steps in between
MOST_GLANCES = 64
CALLS_AFTER_MODE_CHANGE = (
    2  # outermost calls observed after model.eval(), no_grad or a new pass over a loader
)


SHARDED = (
    "the parameters are sharded over the processes (FSDP): one of them alone cannot run a step again, so only "
    "the loss, the learning rate and statistics of rank 0's part are examined"
)


FUNCTIONAL = (
    "gradients come from torch.func ({place}) and the program updates its weights itself: the losses are recorded and "
    "the first calls of the loss function examined, but no step can be trained again"
)


_item = Tensor.item  # torch's own, whatever the program puts in its place


def quiet(method: Callable[..., Any]) -> Callable[..., Any]:
    """Run an observer's method on the main thread only; swallow and note its errors, and add up its time."""

    @functools.wraps(method)
    def guarded(self: Observer, *args: Any, **kwargs: Any) -> Any:
        if not self.active or threading.get_ident() != self.thread or self.busy:
            return None
        started = time.thread_time()
        self.busy = True
        try:
            with unseen():
                return method(self, *args, **kwargs)
        except Exception as error:
            self.errors.setdefault(method.__name__.lstrip("_"), f"{type(error).__name__}: {error}")
            return None
        finally:
            self.busy = False
            self.account.spent += time.thread_time() - started + self.account.per_call

    return guarded


def light(method: Callable[..., Any]) -> Callable[..., Any]:
    """As ``quiet``, for what every step does: at a tenth of the cost, and with no operation that a program could see."""

    @functools.wraps(method)
    def guarded(self: Observer, *args: Any) -> Any:
        if not self.active or self.busy or threading.get_ident() != self.thread:
            return None
        account = self.account
        timed = account.turn()
        if timed:
            account.starts()
        try:
            return method(self, *args)
        except Exception as error:
            self.errors.setdefault(method.__name__.lstrip("_"), f"{type(error).__name__}: {error}")
            return None
        finally:
            if timed:
                account.ends()
            account.spent += account.per_call

    return guarded


class Observer:
    """One observed run. ``install`` needs torch; ``remove`` puts everything back."""

    def __init__(self, writer: TraceWriter, *, steps: int | None = None, overhead: float = 0.01) -> None:
        self.writer = writer
        self.stop_after = steps
        self.setup = Setup()
        self.phases = Phases()
        self.errors: dict[str, str] = {}
        self.active = False
        self.busy = False
        self.thread = threading.get_ident()
        self.account = Account()
        self.idle = False  # of a step nothing is recorded but its loss and its learning rate
        self.started = time.perf_counter()
        self.elapsed = Elapsed()
        self.started_cpu = time.process_time()
        self.steps = 0
        self.backward_calls = 0
        self.recorder = Recorder(self.account)
        self.sampler = LayerSampler(self, overhead)
        self.early: Any = None  # an EarlyLook, in a program of its own
        self.patches = Patches()
        self._handles: list[Any] = []
        self._finders: list[AfterImport] = []
        self._hooked = False
        self._pushed = False
        self._lifted = False  # the function mode waits for the end of a module's call
        self._depth = 0
        self._loading = 0  # calls of a loader's __next__
        self._stepped: dict[int, OptimizerRecord] = {}  # by id: optimizers that made a step in the running phase
        self._suspended = 0
        self._in_step = False
        self._in_closure = False
        self._erased_at = 0  # backward calls before the last zero_grad that erased gradients
        self._left_over = 0.0
        self._by_hand = HandMadeUpdates()
        self._nonzero: dict[int, bool] = {}  # by id: whether an optimizer had gradients before its step
        self._loss_tensor: Tensor | None = None
        self._events: list[StepEvent] = []
        self._glances = 0  # steps left until the next look
        self._glanced: list[tuple[float | Tensor, Any]] = []  # loss and learning rate of the steps since the last one
        self._looked = self.started, 0  # time and steps of the last one
        self._window_started = self.started_cpu
        self._evaluated_phase: int | None = None
        self._functional: list[FunctionalCall] = []
        self._models: dict[int, ModelRecord] = {}
        self._constructed = ByIdentity()
        self._arguments = ByIdentity()
        self._watched = ByIdentity()  # quantities by the scheduler or callback that waits on them
        self.setup.constructed = self._constructed
        self.setup.froze = self.recorder.froze
        self._iterators = ByIdentity()
        self._loader_index = ByIdentity()
        self._chosen = ByIdentity()  # by iterator, the positions of batches that are not drawn yet; None: not kept any more
        self._watch_calls = 0
        self._backward_depth = 0
        self._last_loss = float("nan")
        self._losses: dict[str, float] = {}
        self._late = LateLosses(writer.buffer)
        self._fingerprint_seconds = 0.0
        self._fingerprint_rows = 0
        self._evaluation_pass = 0
        self._evaluation_step = -1
        self._pass_values = PassValues(lambda step, values: writer.event(step, "evaluated", values))
        self._pass_batches: Counter[int | str] = Counter()
        self._protocol_events = 0
        self._epoch = 0
        self._scaler: Any = None  # a reference to the gradient scaler whose factor is on the gradients

    # -- installation ---------------------------------------------------------------------------------------

    def install(self) -> None:
        """Patch torch. Called right after the program's own ``import torch``."""
        from paramedic.capture.interception import calibrate, intercept

        self.thread = threading.get_ident()
        self.started = time.perf_counter()
        self.elapsed = Elapsed()
        self.started_cpu = self._window_started = time.process_time()
        stand_down = weakref.WeakMethod(self._stand_down)  # it cannot be unregistered
        os.register_at_fork(after_in_child=lambda: (stand_down() or (lambda: None))())
        intercept(self)
        self._finders = [AfterImport(keras_optimizer.MODULE, self._keras_imported)]
        for name in early_stopping.MODULES:
            self._finders.append(AfterImport(name, functools.partial(self._callbacks_imported, name)))
        for finder in self._finders:
            finder.install()
        self.active = True
        calibrate(self)
        self._begin()

    @quiet
    def _begin(self) -> None:
        self._arm()

    @light
    def nothing(self) -> None:
        """What it costs to be asked."""

    def _keras_imported(self) -> None:
        module = sys.modules[keras_optimizer.MODULE]
        if hasattr(module, "BaseOptimizer"):
            keras_optimizer.intercept_keras(self, module)

    def _callbacks_imported(self, name: str) -> None:
        try:
            early_stopping.intercept_callbacks(self, name, sys.modules[name])
        except Exception as error:
            self.errors.setdefault("early stopping", f"{type(error).__name__}: {error}")

    def _stand_down(self) -> None:
        """In a forked worker nothing is observed, and nothing of ours is in the way."""
        was_active, self.active = self.active, False
        if was_active:
            try:
                self._take_away()
            except Exception as error:
                self.errors.setdefault("fork", f"{type(error).__name__}: {error}")

    @property
    def spent(self) -> float:
        """Seconds that observing has cost so far."""
        return self.account.spent

    @property
    def elsewhere(self) -> bool:
        """Whether what happens now is none of our business: in a forked worker, or in another thread."""
        return not self.active or threading.get_ident() != self.thread

    def share(self, wall: float) -> float:
        """What observing cost of so many seconds on the clock, less those in which the program waited for a processor."""
        self.elapsed()
        return self.spent / max(wall - self.elapsed.waited, 1e-9)

    @quiet
    def keras(self, find: Callable[[], Any]) -> Any:
        """What ``find`` gives, for the wrapper of Keras' optimizers."""
        return find()

    def remove(self) -> None:
        """Put everything back, and keep what was recorded."""
        was_active, self.active = self.active, False
        try:
            self._take_away()
            if was_active:
                self._write_glanced(time.perf_counter())
                self._late.flush()
                self.sampler.settle(last=True)
                self.writer.flush()
        except Exception as error:
            self.errors.setdefault("remove", f"{type(error).__name__}: {error}")

    def _take_away(self) -> None:
        for finder in self._finders:
            finder.remove()
        self._disarm(force=True)
        self.patches.restore()
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    # -- arming: hooks and function mode live only while something is recorded --------------------------------

    def _arm(self, record: bool = True) -> None:
        """record: what the loss is computed from as well, and not only the statistics of layers."""
        self.idle = False
        self._glances = 0
        if self._suspended:
            return
        if not self._hooked:
            from torch.nn.modules import module as hooks

            self._handles_hooks = (
                hooks.register_module_forward_pre_hook(self._pre_forward),
                hooks.register_module_forward_hook(self._post_forward, with_kwargs=True, always_call=True),
            )
            self._hooked = True
            self._depth = self.recorder.depth = 0
        if not record:
            if self._pushed:
                self.recorder.clear()
            self._lifted = False
            self._pop_mode()
        elif not self._pushed and not self._lifted and not self._loading and _function_mode_allowed():
            self.recorder.__enter__()
            self._pushed = True
        self.recorder.recording = record and (self._pushed or self._lifted)

    def _disarm(self, force: bool = False) -> None:
        self.recorder.recording = False
        if self._hooked and (force or self._depth == 0):
            for handle in self._handles_hooks:
                handle.remove()
            self._hooked = False
        self._lifted = False
        self._pop_mode()

    def _pop_mode(self) -> bool:
        if not self._pushed or _top_function_mode() is not self.recorder:
            return False
        self.recorder.__exit__(None, None, None)
        self._pushed = False
        return True

    def suspend(self) -> None:
        """Before compiled code runs: nothing of ours may be alive (CAPTURE: graph breaks otherwise)."""
        self._suspended += 1
        if self._suspended == 1:
            try:
                self._resume_armed = self._hooked
                self._disarm(force=True)
                self.patches.suspend()
            except Exception as error:
                self.errors.setdefault("suspend", f"{type(error).__name__}: {error}")

    def resume(self) -> None:
        self._suspended -= 1
        if self._suspended == 0:
            try:
                self.patches.resume()
                if self.active and self._resume_armed:
                    self._arm()
            except Exception as error:
                self.errors.setdefault("resume", f"{type(error).__name__}: {error}")

    @light
    def scaled(self, scaler: Any, result: Any, loss: Any) -> None:
        """A gradient scaler has multiplied a loss: the gradients will be scaled until it takes the factor off."""
        if isinstance(loss, Tensor) and isinstance(result, Tensor) and result is not loss:
            self.recorder.alias(result, loss)
            self._scaler = weakref.ref(scaler)

    def unscaled(self) -> None:
        """A gradient scaler has taken its factor off the gradients of an optimizer."""
        self._scaler = None

    @property
    def window_open(self) -> bool:
        """Whether training steps are still recorded for replay."""
        if len(self.setup.steps) >= RECORD_STEPS or self.recorder.bytes > RECORD_BYTES:
            return False
        if self.setup.backward_calls > 4 * RECORD_STEPS or not self.phases.recorded:
            return False
        seconds = time.process_time() - self._window_started
        return len(self.setup.steps) < MIN_RECORD_STEPS or seconds < RECORD_SECONDS

    @property
    def steps_by_optimizer(self) -> bool:
        return any(record.steps for record in self.setup.optimizers if not record.by_hand)

    @property
    def phase_step(self) -> int:
        """Optimizer steps since the running phase began."""
        return self.steps - self.setup.phase.first_step

    def _settle(self) -> None:
        """Arm or disarm as the state asks for."""
        record = self.window_open or self._watch_calls > 0
        if record or self.sampler.wanted:
            self._arm(record)
            return
        if self._hooked or self._pushed:
            if self._pushed:
                self.recorder.clear()
            self._disarm()
        self._events = []
        self.idle = not self._hooked and not self.setup.sharded and self.phase_step > LAST_DENSE_STEP

    # -- modules --------------------------------------------------------------------------------------------

    def _outside(self) -> bool:
        """Whether module calls are none of our business now: workers, other threads, recomputation in backward."""
        return (
            not self.active
            or self.busy
            or self._in_step
            or self._backward_depth > 0
            or threading.get_ident() != self.thread
            or transforming()
        )

    def _pre_forward(self, module: nn.Module, args: Any) -> None:
        if self._outside():
            return
        if self._depth:  # inside of another module's call
            self._depth += 1
            self.recorder.depth = self._depth
            self.account.spent += self.account.per_call
            return
        self.account.begins()
        try:
            with unseen():
                self._forward_begins(module, args)
        except Exception as error:  # a module may have its own idea of parameters(), and torch of its private parts
            self.errors.setdefault("forward", f"{type(error).__name__}: {error}")
        finally:
            self.account.ends()

    def _forward_begins(self, module: nn.Module, args: Any) -> None:
        if self.recorder.is_transparent(module) or _symbolic(args):
            return
        self._enter_outermost(module, args)
        self._lifted = self._pop_mode()  # inside of a module nothing of ours is between its operations
        self._depth = self.recorder.depth = 1

    @quiet
    def _enter_outermost(self, module: nn.Module, args: Any) -> None:
        module = replayable_part(module)
        self._know_model(module)
        self.recorder.enter_module(module, args)

    def _post_forward(self, module: nn.Module, args: Any, kwargs: Any, *rest: Any) -> None:
        if self._depth == 0 or self._outside():
            return
        try:
            taken = self.sampler.takes(module)
        except Exception as error:
            taken = False
            self.errors.setdefault("activation", f"{type(error).__name__}: {error}")
        if self._depth > 1 and not taken:
            self._depth -= 1
            self.recorder.depth = self._depth
            self.account.spent += self.account.per_call
            return
        self.account.begins()
        try:
            with unseen():
                self._forward_ends(module, taken, kwargs, *rest)
        except Exception as error:
            self.errors.setdefault("forward", f"{type(error).__name__}: {error}")
        finally:
            self.account.ends()

    def _forward_ends(self, module: nn.Module, taken: bool, kwargs: Any, *rest: Any) -> None:
        # After an exception torch calls hook(module, args, result) without the keywords; the result is None then.
        kwargs, result = (kwargs, rest[0]) if rest else ({}, None)
        if taken:
            self.sampler.activation(module, result)
        self._depth -= 1
        self.recorder.depth = self._depth
        if self._depth == 0:
            self._put_mode_back()
            self._leave_outermost(module, kwargs, result)

    def _put_mode_back(self) -> None:
        if self._lifted:
            self._lifted = False
            if self._hooked and _function_mode_allowed():
                self.recorder.__enter__()
                self._pushed = True
            self.recorder.recording = self._pushed

    @quiet
    def _leave_outermost(self, module: nn.Module, kwargs: Any, result: Any) -> None:
        module = replayable_part(module)
        self.recorder.leave_module(module, kwargs, result)
        record = self._models.get(id(module))
        if record is not None and self.phase_step < 2 and self.setup.backward_calls < 2 * MIN_RECORD_STEPS:
            self._snapshot(record.owner if record.owner is not None else record.module)
        if self._watch_calls > 0:
            self._watch_calls -= 1

    @quiet
    def compiled_call_begins(self, compiled: Any, args: Any) -> bool:
        """A compiled module is called: record it as one call of the module that was compiled."""
        module = getattr(compiled, "_orig_mod", None)
        if module is None or self._depth or not self._hooked:
            return False
        return bool(self._enter_compiled(module, args))

    def _enter_compiled(self, module: nn.Module, args: Any) -> bool:
        self._know_model(module)
        return self.recorder.enter_module(module, args)

    @quiet
    def compiled_call_ends(self, compiled: Any, kwargs: Any, result: Any) -> None:
        self.recorder.leave_module(compiled._orig_mod, kwargs, result)
        self._watch_calls = max(0, self._watch_calls - 1)

    def _know_model(self, module: nn.Module) -> None:
        if id(module) in self._models:
            return
        frame = user_frame(sys._getframe(2))
        name, owner = _name_in_frames(module, frame)
        constructed = self._constructed.get(owner if owner is not None else module)
        record = ModelRecord(module, name, constructed, place_of(frame))
        record.owner = owner
        record.arguments = self._arguments.get(module)
        if len(self._models) < 64:
            self._models[id(module)] = record
            self.setup.models.append(record)
            self._snapshot(owner if owner is not None else module)
            self.recorder.parameters.update(id(p) for p in (owner or module).parameters() if p.requires_grad)
            self.event(
                "model",
                {
                    "name": name,
                    "class": type(module).__name__,
                    "training": module.training,
                    "constructed": str(constructed),
                    "called": str(record.called),
                },
            )

    def _snapshot(self, module: nn.Module) -> None:
        self.setup.phase.parameters.update(map(id, module.parameters()))
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor not in self.setup.initial and not torch.nn.parameter.is_lazy(tensor):
                self._snapshot_tensor(tensor)

    def _snapshot_tensor(self, tensor: Tensor) -> None:
        if self.setup.initial.nbytes + tensor.numel() * tensor.element_size() > SNAPSHOT_BYTES:
            self._problem("the model is too large to keep a copy of its initial weights")
            return
        self.setup.initial.add(tensor)

    def _problem(self, text: str) -> None:
        if text not in self.setup.problems:
            self.setup.problems.append(text)

    # -- events of the protocol ------------------------------------------------------------------------------

    def event(self, kind: str, data: dict[str, Any]) -> None:
        self._protocol_events += 1
        self.writer.event(self.steps, kind, data)

    def _protocol(self, kind: str, data: dict[str, Any]) -> None:
        if self._protocol_events < DENSE_EVENTS:
            self.event(kind, data)

    @quiet
    def constructed(self, thing: Any, frame: Any) -> None:
        """A module, optimizer, scheduler or loader was constructed."""
        if thing not in self._constructed:
            own, caller = _constructor(thing, frame)
            if isinstance(thing, nn.Module) and not type(thing).__module__.startswith("torch."):
                self._arguments[thing] = _arguments(own)
            self._constructed[thing] = place_of(caller) or place_of(frame)

    @quiet
    def optimizer_constructed(self, optimizer: torch.optim.Optimizer, frame: Any) -> None:
        place = place_of(frame)
        if self.phases.begins_with(optimizer, place, self.setup):
            self._begin_phase(place)
        self._know_optimizer(optimizer, frame)

    def _begin_phase(self, place: Place | None) -> None:
        """Another training begins: record it as if it were the first, and keep what is known of the one before."""
        self._write_glanced(time.perf_counter())
        self._finish_tapes()
        before, passes = self.setup, dict(self._iterators)
        self.setup = self.phases.next(before, self.steps, self.writer.last_event, place)
        self.phases.recorded = self.phases.affordable(self.spent, self.elapsed())
        self._window_started = time.process_time()
        self._events, self._models, self._epoch, self._fingerprint_rows = [], {}, 0, 0
        self._stepped = {}
        self._by_hand = HandMadeUpdates()
        self._evaluation_pass, self._evaluation_step = 0, -1
        self._pass_batches.clear()
        self._watch_calls = 0
        self._loader_index, self._iterators = ByIdentity(), ByIdentity()
        latest = {number: iterator for iterator, number in passes.items()}
        for number, record in carried(before.loaders, set(latest)).items():
            self._loader_index[record.loader] = self._iterators[latest[number]] = len(self.setup.loaders)
            self.setup.loaders.append(record)
        self.recorder.begin_again()
        self.sampler.begin_again()
        self.event("phase", {"phase": self.setup.phase.number, "place": str(place)})
        self._settle()

    def _know_optimizer(self, optimizer: torch.optim.Optimizer, frame: Any) -> None:
        if any(record.optimizer is optimizer for record in self.setup.optimizers):
            return
        if len(self.setup.optimizers) >= MAX_OPTIMIZERS:
            self._problem(f"more than {MAX_OPTIMIZERS} optimizers: the steps of later ones are not replayed")
            return
        parameters = parameters_of(optimizer)
        if (known := self.phases.known(optimizer)) is not None:
            self.setup.optimizers.append(known)
            self.recorder.parameters.update(id(p) for p in parameters)
            return
        groups = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
        kind = getattr(optimizer, "kind", type(optimizer).__name__)
        record = OptimizerRecord(optimizer, kind, groups, parameters, place_of(frame))
        self.setup.optimizers.append(record)
        if any(map(is_sharded, parameters)):
            self.setup.sharded = self.recorder.cutting = True
            self._problem(SHARDED)
        self.recorder.parameters.update(id(p) for p in parameters)
        self.event(
            "optimizer",
            {
                "kind": record.kind,
                "groups": groups,
                "constructed": str(record.constructed),
                "parameters": len(parameters),
            },
        )

    def _optimizer_index(self, optimizer: Any) -> int | None:
        for index, record in enumerate(self.setup.optimizers):
            if record.optimizer is optimizer:
                return index
        return None

    def before_backward(self, root: Any, frame: Any) -> None:
        """A loss is about to be differentiated."""
        if not (self.idle and self._glance_at_loss(root)):
            self._glances = 0
            self._take_tape(root, frame)
            if self._by_hand.optimizer is not None and self.active and 0 < (self.stop_after or 0) <= self.steps:
                raise StopProgram

    @light
    def _glance_at_loss(self, root: Any) -> bool:
        """Take a loss that is a number, without anybody's notice or waiting for a device; False for any other."""
        if type(root) is tuple or type(root) is list:
            if len(root) != 1:
                return False
            root = root[0]
        loss = self.recorder.unscaled(root) if self.recorder._unscaled else root
        if type(loss) is not Tensor or loss.numel() != 1 or loss.is_complex():
            return False
        if torch._C._len_torch_function_stack() or torch._C._len_torch_dispatch_stack():
            return False
        if self._by_hand.parameters:
            return False
        self.backward_calls += 1
        self.setup.backward_calls += 1
        if not loss.is_cpu:
            self._loss_tensor = loss.detach()
            return True
        self._loss_tensor = None
        self._last_loss = value = float(_item(loss))
        if value - value != 0:  # no number: look at this step
            self._glances = 0
        return True

    @quiet
    def _take_tape(self, root: Any, frame: Any) -> BackwardRecord | None:
        self._close_manual_step()
        self.backward_calls += 1
        self.setup.backward_calls += 1
        self.recorder.watch_updates = True
        recording = self.recorder.recording
        self.recorder.recording = False
        root = root[0] if isinstance(root, (tuple, list)) and len(root) == 1 else root
        if not isinstance(root, Tensor):
            return BackwardRecord(
                None, float("nan"), place_of(frame), problem="backward of several tensors at once"
            )
        unscaled = self.recorder.unscaled(root)
        self._note_loss(unscaled)
        if self.setup.sharded:
            if recording and len(self.setup.cut) < KEPT_CALLS and (tape := self.recorder.tape(root)) is not None:
                self.setup.cut.append(BackwardRecord(tape, float(unscaled.detach()), place_of(frame)))
            return None
        if not recording:
            self._follow_parameters(None, root)
            return None
        tape = self._follow_parameters(self.recorder.tape(root), root)
        if not self.window_open:  # armed for an evaluation: this was training all the same
            if tape is not None:
                self._settle_roles(tape)
                self.recorder.consumed.update(tape.nodes)
            return None
        problem = self.recorder.problem if tape is None or self.recorder.problem else None
        if tape is None and problem is None:
            problem = "the loss was computed outside of what was recorded"
        value = float(unscaled.detach()) if root.numel() == 1 else float("nan")
        if root.numel() != 1:
            problem = problem or "backward was called on a tensor that is not a scalar"
        before = self._gradients_before(tape)
        record = BackwardRecord(tape, value, place_of(frame), before, self._gradients_held(tape), problem)
        if tape is not None:
            self._settle_roles(tape)
            self.recorder.consumed.update(tape.nodes)
            self._evaluated([node for node in self.recorder.segment() if not node.grad])
        self._events.append(record)
        self._protocol(
            "backward",
            {
                "loss": value,
                "place": str(record.place),
                "gradients_before": record.gradients_before,
                "problem": problem,
            },
        )
        return record

    @quiet
    def functional_begins(
        self, function: Any, argnums: Any, args: Any, kwargs: Any, frame: Any
    ) -> FunctionalCall | None:
        if transforming() or self._backward_depth or any(record.steps for record in self.setup.optimizers):
            return None
        return kept_call(function, argnums, args, kwargs, frame, keep=len(self._functional) < KEPT_CALLS)

    @quiet
    def functional_ends(self, call: FunctionalCall, value: Any) -> None:
        """A gradient by torch.func was a step; what follows is the program's own update."""
        if call.argnums:
            self._functional.append(call)
        self._problem(FUNCTIONAL.format(place=call.place))
        if isinstance(value, Tensor) and value.numel() == 1:
            call.loss = float(value.detach())
            self.writer.step(self._row(call.loss))
        self.steps += 1
        self._evaluated(self.recorder.retire())
        self._settle()

    def _call_again(self) -> None:
        """After the end: what transforms of torch.func hid."""
        calls, self._functional = self._functional, []
        self.recorder.cutting = True
        self._arm()
        try:
            for call in calls:
                self.busy = False  # the hooks see this call as they would the program's
                try:
                    record = called_again(self, call)
                finally:
                    self.busy = True
                if record is not None:
                    self.setup.cut.append(record)
        except Exception as error:  # the program's own code, called once more
            self._problem(f"the loss function could not be called again ({type(error).__name__}: {error})")
        finally:
            self.recorder.cutting = False
            self.recorder.clear()
            self._disarm()

    def _follow_parameters(self, tape: Tape | None, root: Tensor) -> Tape | None:
        """Where there is no optimizer: the program may write to its parameters by itself, before the next backward.

        The tape, of the parameters themselves where they are made anew.
        """
        own = self._by_hand
        if self.setup.sharded or any(not record.by_hand for record in self.setup.optimizers):
            return tape
        if own.anew:
            return self._follow_anew(tape, root)
        if tape is not None and not own.failed and self.window_open:
            loose = self.recorder.loose_leaves(tape)
            leaves = graph_leaves(root) if loose else []
            anew = own.optimizer is None and made_anew(tape, [leaf for leaf, _ in (*own.loose, *loose)])
            if anew or own.optimizer is None and own.replaced_by(leaves):
                return self._begin_anew(tape, root)
            own.loose.extend(loose)
            own.begins(unique([*leaves, *_parameters_of(tape), *(tensor for _, tensor in loose)]))
        elif own.parameters:
            own.begins(own.one())
        return tape

    def _begin_anew(self, tape: Tape, root: Tensor) -> Tape:
        """This loss is computed from other parameters than the one before, which were computed from those."""
        own = self._by_hand
        positions = {id(item): number for number, item in enumerate(own.parameters)}
        own.hold()
        own.failed = {id(tensor) for _, tensor in own.loose} != set(positions)
        if own.failed:
            own.held = []
            self._problem(MADE_ANEW)
        for leaf, tensor in own.loose if not own.failed else ():
            held = own.held[positions[id(tensor)]]
            if held not in self.setup.initial:
                self.setup.initial.add(held, leaf.value)
            leaf.value, leaf.parameter, leaf.source = held, True, None
        own.loose.clear()
        return self._follow_anew(tape, root) or tape

    def _follow_anew(self, tape: Tape | None, root: Tensor) -> Tape | None:
        """Between two losses of other parameters there was a step."""
        own, leaves = self._by_hand, graph_leaves(root)
        if [id(item) for item in leaves] == [id(item) for item in own.parameters]:
            return self._of_held(tape, leaves)  # gradients of several losses are added up
        if not own.follow(leaves) and not own.failed:
            own.failed = True
            self._problem(MADE_ANEW)
        made = {self.recorder.number_of(tensor) for tensor in leaves[:1]} - {None}
        nodes = reversed(tape.nodes) if tape is not None else ()
        self._close_step_by_hand(next((node.place for node in nodes if made & set(node.outputs)), None), *own.loss)
        if self.window_open:
            own.begins(own.parameters)
        return self._of_held(tape, leaves)

    def _of_held(self, tape: Tape | None, leaves: list[Tensor]) -> Tape | None:
        """The tape of the tensors that stand for the parameters."""
        numbers = {self.recorder.number_of(tensor): held for tensor, held in zip(leaves, self._by_hand.held, strict=False)}
        if tape is None or None in numbers or len(leaves) != len(self._by_hand.held):
            return tape
        self.recorder.consumed.update(tape.nodes)
        return cut_at(tape, numbers)  # type: ignore[arg-type]

    def _close_manual_step(self) -> None:
        """Parameters were written to by hand since the last backward: that was a step without an optimizer."""
        place, own = self.recorder.written, self._by_hand
        self.recorder.written = None
        own.loss = self._last_loss, self._loss_tensor
        if not own.anew and not self._in_closure and not self.steps_by_optimizer and own.changed():
            self._close_step_by_hand(place, *own.loss)

    def _close_step_by_hand(self, place: Place | None, loss: float, late: Tensor | None) -> None:
        """late: the loss, where it lies in a device's memory."""
        own = self._by_hand
        made: list[StepEvent] = self._events
        later: list[StepEvent] = []
        while made and isinstance(made[-1], ZeroGrad):  # it had the gradients still
            later.insert(0, made.pop())
        if self.window_open:
            self.setup.steps.append(made + self._step_by_hand(place))
        if own.optimizer is not None:
            next(record for record in self.setup.optimizers if record.by_hand).steps += 1
        self._events = later
        self._write_row(self._row(loss, own.rate), late)
        self.steps += 1
        self._evaluated(self.recorder.retire())

    def _step_by_hand(self, place: Place | None) -> list[StepEvent]:
        """The step of an optimizer that does what the program did by hand; none where that follows no known rule."""
        own = self._by_hand
        if own.failed and own.anew:
            return []
        rule = own.rule() if not own.failed else None
        index = next((k for k, record in enumerate(self.setup.optimizers) if record.by_hand), None)
        if rule is None and index is not None and not own.finite():  # whatever the rule, nothing is left of it
            return [OptimizerStep(index, (own.rate,), place)]
        if rule is None:
            if index is None or self.setup.optimizers[index].steps < MIN_RECORD_STEPS:
                self._not_understood(place)
            return []  # one among many: weights were loaded, or kept within bounds
        if index is None:
            index = len(self.setup.optimizers)
            self._know_update(own, rule, place)
        settings = {"momentum": rule.momentum, "weight_decay": rule.weight_decay}
        record = self.setup.optimizers[index]
        if len(self.setup.steps) <= 1:  # momentum shows at the second step
            record.groups[0].update(settings)
        own.rate = rule.rate
        return [OptimizerStep(index, (rule.rate,), place, settings=(_changed(settings, record.groups[0]),))]

    def _know_update(self, own: HandMadeUpdates, rule: Rule, place: Place | None) -> None:
        for leaf, tensor in own.loose:  # taken for data until now
            if not leaf.parameter:
                if tensor not in self.setup.initial:
                    self.setup.initial.add(tensor, leaf.value)
                leaf.value, leaf.parameter, leaf.source = tensor, True, None
        own.loose.clear()
        held = [tensor for number, tensor in enumerate(own.held or own.parameters) if number not in rule.missed]
        own.optimizer = torch.optim.SGD(held, lr=rule.rate)
        groups = [{k: v for k, v in group.items() if k != "params"} for group in own.optimizer.param_groups]
        self.setup.optimizers.append(OptimizerRecord(own.optimizer, "SGD", groups, held, place, by_hand=True))
        self.recorder.parameters.update(map(id, own.parameters))
        self.event("optimizer", {"kind": "SGD by hand", "groups": groups, "constructed": str(place), "parameters": len(held)})

    def _not_understood(self, place: Place | None) -> None:
        """Steps like these cannot be made again; nor are the earlier ones, which another rule explained by chance."""
        self._by_hand.failed, self._by_hand.optimizer = True, None
        self._problem(
            f"parameters are updated by hand ({place}), by another rule than that of stochastic gradient descent: training "
            "cannot be replayed beyond one step"
        )
        self.setup.optimizers[:] = [record for record in self.setup.optimizers if not record.by_hand]
        for step in self.setup.steps:
            step[:] = [event for event in step if not isinstance(event, OptimizerStep)]

    def _note_loss(self, root: Tensor) -> None:
        if root.numel() == 1:
            detached = root.detach()
            self._loss_tensor = detached if detached.device.type != "cpu" else None
            self._last_loss = float("nan") if self._loss_tensor is not None else float(detached)

    def _gradients_before(self, tape: Tape | None) -> float:
        first = not any(isinstance(event, BackwardRecord) for event in self._events)
        if tape is None or len(self.setup.steps) > MEASURED_STEPS:
            return self._left_over if first else 0.0
        share = _share_with_gradient(_parameters_of(tape)[:32])
        if first:
            self._left_over = share
        return share

    def _gradients_held(self, tape: Tape | None) -> dict[int, float]:
        if len(self.setup.steps) > MEASURED_STEPS:
            return {}
        read = None if tape is None else {id(p) for p in _parameters_of(tape)}
        held: dict[int, float] = {}
        if self.setup.sharded:
            return held
        for index, record in enumerate(self.setup.optimizers):
            own = parameters_of(record.optimizer)
            own = [p for p in own if read is None or id(p) in read]
            if own and record.steps:
                held[index] = _share_with_gradient(own[:32])
        return held

    def _settle_roles(self, tape: Tape) -> None:
        for leaf in tape.leaves.values():
            if isinstance(leaf.source, Source) and leaf.source.loader is not None:
                self.setup.loaders[leaf.source.loader].role = "train"

    def after_backward(self, inputs: Any = (), gradients: Any = ()) -> None:
        if not self.idle:
            self._backward_ended(inputs, gradients)

    @quiet
    def _backward_ended(self, inputs: Any, gradients: Any) -> None:
        if self._by_hand.parameters and not self.steps_by_optimizer:
            self._by_hand.ends(tensors_of(inputs), tensors_of(gradients))
        self._settle()

    @quiet
    def zero_grad(self, owner: Any, frame: Any) -> None:
        if self.window_open and self.setup.backward_calls:
            optimizer = self._optimizer_index(owner) if not isinstance(owner, nn.Module) else None
            module = owner if isinstance(owner, nn.Module) else None
            self._events.append(ZeroGrad(optimizer, place_of(frame), module))
            self._protocol("zero_grad", {"place": str(self._events[-1].place)})

    def erasing_begins(self) -> bool:
        """The function mode would be asked at every parameter's gradient."""
        if not self._pushed or self.elsewhere or self.busy or _top_function_mode() is not self.recorder:
            return False
        self._lift()
        return True

    def erasing_ends(self, lifted: bool) -> None:
        if lifted:
            self._lower()

    def after_zero_grad(self, owner: Any) -> None:
        """Where no optimizer ever makes a step, its erased gradients count as the steps that it should have made."""
        erased = 0 if self.steps else self._erased(owner)
        if not erased:
            return
        if self.active and self.stop_after is not None and erased >= self.stop_after:
            raise StopProgram
        if self.early is not None and erased >= NEVER_STEPPED and self._look():
            raise StopProgram("fault-found")

    @quiet
    def _erased(self, owner: Any) -> int:
        """How often this optimizer has thrown gradients away; 0 where this call threw none."""
        if self._in_step or self._in_closure or self.setup.backward_calls <= self._erased_at:
            return 0
        index = self._optimizer_index(owner)
        if index is None:
            return 0
        self._erased_at = self.setup.backward_calls
        record = self.setup.optimizers[index]
        record.erased += 1
        return record.erased

    @quiet
    def clipped(
        self, function: Any, parameters: list[Tensor], arguments: dict[str, Any], result: Any, frame: Any
    ) -> None:
        if self.window_open:
            self._by_hand.edited()
            result = result.detach() if isinstance(result, Tensor) else None
            scaler, scale = self._scaler() if self._scaler is not None else None, None
            if scaler is not None and scaler._scale is not None:
                scale = scaler._scale.detach().clone()
            self._events.append(GradientEdit(function, parameters, arguments, place_of(frame), result, scale))
            self._protocol(
                "clip",
                {
                    "function": function.__name__,
                    "place": str(self._events[-1].place),
                    **{k: v for k, v in arguments.items() if isinstance(v, (int, float, str))},
                },
            )

    def before_step(self, optimizer: torch.optim.Optimizer, closure: bool) -> None:
        if self.idle and id(optimizer) in self._stepped:
            self._in_step, self._in_closure = not closure, closure
        else:
            self._before_step(optimizer, closure)

    @quiet
    def _before_step(self, optimizer: torch.optim.Optimizer, closure: bool) -> None:
        if self._optimizer_index(optimizer) is None:
            self._know_optimizer(optimizer, sys._getframe(2))
        self._in_step = not closure
        self._in_closure = closure
        self.recorder.recording = closure and self._pushed
        if not closure:
            self._pop_mode()  # back at the end of the step, by ``_settle``
        if self.phase_step < 2:
            for p in parameters_of(optimizer):
                if p not in self.setup.initial:
                    self._snapshot_tensor(p)
        if self.window_open and len(self.setup.steps) <= MEASURED_STEPS and not self.setup.sharded:
            self._nonzero[id(optimizer)] = _any_gradient(optimizer)
        self.sampler.before_step(optimizer)

    def _step_event(self, optimizer: torch.optim.Optimizer, frame: Any) -> OptimizerStep:
        nonzero = True
        if len(self.setup.steps) <= MEASURED_STEPS and not self.setup.sharded:
            # before the step: it may erase them itself; after it: a closure computes them within
            nonzero = self._nonzero.pop(id(optimizer), False) or _any_gradient(optimizer)
        lrs = tuple(float(group.get("lr", 0.0)) for group in optimizer.param_groups)
        index = self._optimizer_index(optimizer)
        assert index is not None
        initial = self.setup.optimizers[index].groups
        settings = tuple(
            _changed(group, first) for group, first in zip(optimizer.param_groups, initial, strict=False)
        )
        return OptimizerStep(index, lrs, place_of(frame), nonzero, self._in_closure, settings)

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Raises StopProgram after ``--steps`` steps, or at a fault with ``--fail-fast``: the only exception that
        reaches the program, on request.
        """
        if self._glances and self._glance_at_step(optimizer):
            return
        known = self._stepped.get(id(optimizer)) if self.idle else None
        if known is not None:
            look = self._step_ends(optimizer, known)
        else:
            self._after_step(optimizer)
            look = self.early is not None and self._asks_to_look()
        if self.active and self.stop_after is not None and self.steps >= self.stop_after:
            raise StopProgram
        if look and self._look():
            raise StopProgram("fault-found")

    @light
    def _asks_to_look(self) -> bool:
        return bool(self.early.wanted())

    @quiet
    def _look(self) -> Any:
        return self.early.after_step()

    def _glance_at_step(self, optimizer: torch.optim.Optimizer) -> bool:
        """Take the loss and the learning rate of a step between two looks; False: look at this one."""
        record = self._stepped.get(id(optimizer))
        if record is None or threading.get_ident() != self.thread:
            return False
        timed = self.account.turn()
        if timed:
            self.account.starts()
        try:
            loss = self._last_loss if self._loss_tensor is None else self._loss_tensor
            self._glanced.append((loss, optimizer.param_groups[0]["lr"]))
        except Exception:  # an optimizer of another library
            self._glances = 0
            return False
        self._glances -= 1
        self._in_step = self._in_closure = False
        record.steps += 1
        self.steps += 1
        if timed:
            self.account.ends()
        return True

    def _write_glanced(self, now: float) -> None:
        """Rows of the steps since the last look; the time between them was not taken, and counts as equal."""
        glanced, self._glanced = self._glanced, []
        first, (began, _) = self.steps - len(glanced), self._looked
        for number, (loss, rate) in enumerate(glanced, start=1):
            at = began + (now - began) * number / (len(glanced) + 1) - self.started
            known, late = (math.nan, loss) if isinstance(loss, Tensor) else (loss, None)
            self._write_row(StepRow(first + number - 1, self._epoch, at, known, float(rate), None, {}), late)
        self.account.spent += len(glanced) * self.account.per_call

    @light
    def _step_ends(self, optimizer: torch.optim.Optimizer, record: OptimizerRecord) -> bool:
        """A step of which nothing is recorded but its row. Returns what ``_asks_to_look`` does."""
        self._in_step = self._in_closure = False
        now = time.perf_counter()
        self._write_glanced(now)
        self._note_modes()
        record.steps += 1
        self._write_row(self._row(self._last_loss, _rate(optimizer)), self._loss_tensor)
        self._late.look()
        self.steps += 1
        self.sampler.decide(self.phase_step)
        self._glances = self._until_next_look(now)
        flush_due = self.writer.flush_due()
        if self.sampler.wanted or flush_due:
            self._step_ended(flush_due)
        return self.early is not None and self.early.wanted()

    def _until_next_look(self, now: float) -> int:
        """How many steps there will be in LOOK_SECONDS, by those since the last look."""
        (before, steps), self._looked = self._looked, (now, self.steps)
        count = min(MOST_GLANCES, int((self.steps - steps) * LOOK_SECONDS / max(now - before, 1e-9)))
        return count if self.stop_after is None else max(0, min(count, self.stop_after - self.steps - 1))

    @quiet
    def _step_ended(self, flush_due: bool) -> None:
        """What is timed by itself, for it takes long and is seldom."""
        if flush_due:
            self._flush()
        self._settle()

    def _flush(self) -> None:
        self.sampler.settle()
        self.writer.flush()

    @quiet
    def _after_step(self, optimizer: torch.optim.Optimizer) -> None:
        self._in_step = False
        self._by_hand = HandMadeUpdates()
        self._write_glanced(time.perf_counter())
        self._note_modes()
        index = self._optimizer_index(optimizer)
        begins = self.phases.begins_after(optimizer, self.setup)
        self.phases.stepped(optimizer, self.setup)
        if index is not None:
            self.setup.optimizers[index].steps += 1
            self._stepped[id(optimizer)] = self.setup.optimizers[index]
        if self.window_open and index is not None:
            event = self._step_event(optimizer, sys._getframe(2))
            self._events.append(event)
            record = self.setup.optimizers[index]
            if record.steps == 1:
                record.variable = _name_of(optimizer, user_frame(sys._getframe(2)))
            self._protocol(
                "step",
                {
                    "optimizer": event.optimizer,
                    "name": record.variable,
                    "lr": event.lrs,
                    "place": str(event.place),
                    "gradients_nonzero": event.gradients_nonzero,
                },
            )
            self.setup.steps.append(self._events)
            self._events = []
        self.sampler.after_step(optimizer)
        row = self._row(self._last_loss, _rate(optimizer), self.sampler.gradient_norm)
        self._write_row(row, self._loss_tensor)
        self._late.look()
        if self.writer.flush_due():
            self._flush()
        self.steps += 1
        self._in_closure = False
        ranks.weigh(self)
        self._evaluated(self.recorder.retire())
        if begins and index is not None:
            self._begin_after(optimizer, self.setup.optimizers[index])
        self.sampler.decide(self.phase_step)
        if not self.window_open:
            self._events = []
        self._settle()

    def _begin_after(self, optimizer: torch.optim.Optimizer, record: OptimizerRecord) -> None:
        """The phase of an optimizer that was made long before its first step begins after that step."""
        schedulers = [item for item in self.setup.schedulers if item.scheduler.optimizer is optimizer]
        self._begin_phase(record.constructed)
        self.phases.stepped(optimizer, self.setup)
        self.setup.optimizers.append(replace(record, steps=0))
        self.setup.schedulers.extend(schedulers)
        self.recorder.parameters.update(id(p) for p in record.parameters)

    def _note_modes(self) -> None:
        flags = tuple([record.module.training for record in self.setup.models[:8]])
        known = self.setup.modes
        if (not known or known[-1][1] != flags) and len(known) < 10_000:
            known.append((self.phase_step, flags))

    def _row(self, loss: float, lr: float = 0.0, gradient_norm: float | None = None) -> StepRow:
        """Of the step that is being made."""
        return StepRow(self.steps, self._epoch, time.perf_counter() - self.started, loss, lr, gradient_norm, {})

    def _write_row(self, row: StepRow, late: Tensor | None) -> None:
        """late: the loss, where it lies in a device's memory."""
        if late is None:
            self.writer.buffer(row)
        else:
            self._late.add(row, late)

    # -- modes and schedulers ---------------------------------------------------------------------------------

    @quiet
    def mode_changed(self, module: nn.Module, training: bool, frame: Any) -> None:
        self._glances = 0
        if self._protocol_events < DENSE_EVENTS:
            place = str(place_of(frame))
            self._protocol("mode", {"training": training, "module": type(module).__name__, "place": place})
        self._watch_soon(first=not training and not self.setup.evaluations)

    @quiet
    def loaded(self, module: nn.Module) -> None:
        """``load_state_dict`` has written to a module."""
        self.setup.loaded.update({id(p): weakref.ref(p) for p in module.parameters()})

    def gradients_disabled(self) -> None:
        if not self._in_step and self._backward_depth == 0 and not self._loading and self._asks_to_watch():
            self._watch()

    @light
    def _asks_to_watch(self) -> bool:
        return self._watch_calls < CALLS_AFTER_MODE_CHANGE and self._may_spend()

    @quiet
    def _watch(self) -> None:
        self._watch_soon()

    def _watch_soon(self, first: bool = False) -> None:
        """first: no evaluation is known yet; a program may evaluate only once, at its end, whatever was spent before."""
        if self._watch_calls < CALLS_AFTER_MODE_CHANGE and (first or self._may_spend()):
            self._watch_calls = CALLS_AFTER_MODE_CHANGE
            self._settle()

    def _may_spend(self) -> bool:
        elapsed = self.elapsed()
        return self.spent < max(WATCH_ALLOWANCE, self.sampler.overhead * elapsed)

    @quiet
    def scheduler_constructed(self, scheduler: Any, frame: Any) -> None:
        if len(self.setup.schedulers) < 32:
            self.setup.schedulers.append(
                SchedulerRecord(scheduler, type(scheduler).__name__, place_of(frame))
            )
            self._protocol("scheduler", {"kind": type(scheduler).__name__, "place": str(place_of(frame))})

    @light
    def scheduler_stepped(self, scheduler: Any, frame: Any) -> None:
        for record in self.setup.schedulers:
            if record.scheduler is scheduler:
                record.calls += 1
                if record.stepped is None:
                    record.stepped = place_of(frame)
                if len(record.at_optimizer_step) < 10_000:
                    record.at_optimizer_step.append(self.phase_step)

    @quiet
    def rate_found(self, scheduler: Any) -> float | None:
        """The learning rate that a plateau scheduler finds."""
        return _rate(scheduler.optimizer)

    @quiet
    def plateau_stepped(self, scheduler: Any, before: float | None, quantity: Any) -> None:
        """The scheduler has read the quantity itself: reading it again waits for nothing."""
        own = next((item for item in self.setup.schedulers if item.scheduler is scheduler), None)
        record = self._watched_by(scheduler, lambda: WatchedQuantity(
            type(scheduler).__name__, "rate", scheduler.mode, scheduler.patience + 1, scheduler.threshold,
            scheduler.threshold_mode == "rel", own.constructed if own is not None else None,
        ))  # fmt: skip
        if before is not None:
            self._keep_watched(record, quantity, before, _rate(scheduler.optimizer) < before)

    @quiet
    def stopping_watched(self, callback: Any, read: Callable[[], early_stopping.Call | None]) -> None:
        """An early stopping has looked at its quantity; ``read`` says what it was and what came of it."""
        call = read()
        if call is not None:
            record = self._watched_by(callback, lambda: WatchedQuantity(
                type(callback).__name__, "stop", call.mode, max(1, call.patience), abs(call.least),
                constructed=self._constructed.get(callback),
            ))  # fmt: skip
            self._keep_watched(record, call.value, float("nan"), call.stops)

    def _watched_by(self, owner: Any, make: Callable[[], WatchedQuantity]) -> WatchedQuantity:
        """Its record in the running phase."""
        record: WatchedQuantity | None = self._watched.get(owner)
        if record is None or not any(item is record for item in self.setup.watched):
            record = self._watched[owner] = make()
            if len(self.setup.watched) < 32:
                self.setup.watched.append(record)
        return record

    def _keep_watched(self, record: WatchedQuantity, quantity: Any, rate: float, acts: bool) -> None:
        if len(record.values) >= WATCHED_CALLS:
            return
        value = _item(quantity) if isinstance(quantity, Tensor) else quantity
        if acts:
            record.acted.append(len(record.values))
        record.values.append(float(value))
        record.at_step.append(self.phase_step)
        record.rates.append(rate)

    # -- data ---------------------------------------------------------------------------------------------------

    @quiet
    def pass_begins(self, iterator: Any, loader: Any, frame: Any) -> None:
        self._write_glanced(time.perf_counter())  # they belong to the epoch before
        index = self._loader_index.get(loader)
        if index is None:
            if len(self.setup.loaders) >= 32:
                return
            index = len(self.setup.loaders)
            self._loader_index[loader] = index
            name = _name_of(loader, user_frame(frame)) or f"loader {index}"
            self.setup.loaders.append(
                LoaderRecord(loader, name, place=place_of(frame), constructed=self._constructed.get(loader))
            )
        record = self.setup.loaders[index]
        record.iterations.append(0)
        if len(record.fingerprints) < FINGERPRINT_PASSES:
            record.fingerprints.append([])
            record.positions.append([])
        self._iterators[iterator] = index
        if record.role == "train":
            self._epoch = max(0, len(record.iterations) - 1)
        self.event(
            "pass", {"loader": record.name, "pass": len(record.iterations), "place": str(place_of(frame))}
        )
        if record.role != "train":  # an evaluation on the training rows shows by eval() or no_grad
            self._watch_soon()

    def drawing_begins(self) -> bool:
        """What a loader does to make a batch is not recorded: where its worker processes do it, nobody sees it either."""
        if self.elsewhere or self.busy:
            return False
        self._loading += 1
        if not self._pushed:
            return False
        self._lift()
        return True

    def drawing_ends(self, lifted: bool) -> None:
        if self.elsewhere or self.busy:
            return
        self._loading -= 1
        if lifted:
            self._lower()

    @quiet
    def _lift(self) -> None:
        self._lifted = self._pop_mode()
        self.recorder.recording = False

    @quiet
    def _lower(self) -> None:
        self._put_mode_back()

    def rows_chosen(self, iterator: Any, chosen: Any) -> None:
        """A sampler has given the positions of a batch; workers are ahead of the batches that are drawn."""
        if self._chosen.get(iterator, chosen) is not None:
            self._keep_chosen(iterator, chosen)

    @light
    def _keep_chosen(self, iterator: Any, chosen: Any) -> None:
        if iterator not in self._chosen:
            self._chosen[iterator] = []
        waiting = self._chosen[iterator]
        if waiting is None:
            return
        if not self._fingerprints_affordable():
            self._chosen[iterator] = None
            return
        try:
            waiting.append(array("q", chosen) if isinstance(chosen, list) else None)  # 8 bytes for each row
        except (TypeError, OverflowError):  # a sampler of names, of pairs
            waiting.append(None)

    @light
    def choices_forgotten(self, iterator: Any) -> None:
        self._chosen[iterator] = []

    def batch_drawn(self, iterator: Any, batch: Any) -> None:
        if not (self.idle and self._batch_counted(iterator)):
            self._batch_drawn(iterator, batch)

    @light
    def _batch_counted(self, iterator: Any) -> bool:
        """Whether of this batch nothing is wanted but that there was one."""
        index = self._iterators.get(iterator)
        if index is None:
            return True
        record = self.setup.loaders[index]
        if len(record.iterations) <= FINGERPRINT_PASSES and self._fingerprints_affordable():
            return False
        record.iterations[-1] += 1
        if self._chosen.get(iterator) is not None:
            self._chosen[iterator] = None
        return True

    @quiet
    def _batch_drawn(self, iterator: Any, batch: Any) -> None:
        index = self._iterators.get(iterator)
        if index is None:
            return
        self._segment_ends()
        record = self.setup.loaders[index]
        record.iterations[-1] += 1
        kept = self._fingerprint(record, batch)
        waiting = self._chosen.get(iterator)
        positions = waiting.pop(0) if waiting else None
        if kept:
            record.positions[-1].append(positions)
        if self.recorder.recording:
            drawn = (len(record.fingerprints) - 1, len(record.fingerprints[-1]) - 1) if kept else None
            self._tag_batch(batch, index, drawn)

    def _tag_batch(self, batch: Any, index: int, drawn: tuple[int, int] | None) -> None:
        from torch.utils._pytree import keystr, tree_flatten_with_path

        leaves, _ = tree_flatten_with_path(batch)
        for path, leaf in leaves:
            if isinstance(leaf, Tensor):
                self.recorder.tag(leaf, Source(loader=index, path=keystr(path), drawn=drawn))
            elif hasattr(leaf, "__dict__"):
                for name, value in vars(leaf).items():
                    if isinstance(value, Tensor):
                        self.recorder.tag(value, Source(loader=index, path=f".{name}", drawn=drawn))

    def _fingerprint(self, record: LoaderRecord, batch: Any) -> bool:
        from paramedic.measurements.data.hashing import row_hashes

        if len(record.iterations) > FINGERPRINT_PASSES or not self._fingerprints_affordable():
            return False
        started = time.thread_time()
        tensors = [item for item in tensors_of(batch) if isinstance(item, Tensor) and item.dim() > 0]
        hashes = [row_hashes(item) for item in tensors if item.device.type == "cpu"]
        record.fingerprints[-1].append(hashes)
        self._fingerprint_rows += sum(len(item) for item in hashes)
        self._fingerprint_seconds += time.thread_time() - started
        return True

    def _fingerprints_affordable(self) -> bool:
        elapsed = self.elapsed()
        affordable = self._fingerprint_seconds < FINGERPRINT_ALLOWANCE + FINGERPRINT_SHARE * elapsed
        return affordable and self._fingerprint_rows <= FINGERPRINT_ROWS

    # -- evaluation -----------------------------------------------------------------------------------------------

    def _segment_ends(self) -> None:
        """A batch is drawn: calls without gradients since the last one are evaluation."""
        if self.recorder.recording:
            nodes = self.recorder.segment()
            if any(node.module is not None and not node.grad for node in nodes):
                self._evaluated(nodes)

    def _evaluated(self, nodes: list[Node]) -> None:
        """Keep module calls that no backward used, and what was computed from their outputs."""
        for part in self.phases.parts(nodes, self.setup):
            self._evaluation(part)

    def _evaluation(self, nodes: list[Node]) -> None:
        calls = [node for node in nodes if node.module is not None and id(node.module) in self._models]
        if not calls or self.setup.sharded:
            return
        self.recorder.consumed.update(nodes)
        tape, node = self.recorder.detached_tape(nodes), calls[-1]
        sources = [leaf.source for leaf in tape.leaves.values() if isinstance(leaf.source, Source)]
        loader = next((source.loader for source in sources if source.loader is not None), None)
        where = f" on {self.setup.loaders[loader].name}" if loader is not None else ""
        self._pass_values.add(self.steps, nodes, where)
        assert node.module is not None
        training = bool(node.training and node.training[0])
        self._keep_evaluation(
            EvaluationRecord(tape, node.module, training, node.grad, node.place, self.phase_step, loader),
            self.phases.owner(calls, self.setup),
        )

    def _keep_evaluation(self, record: EvaluationRecord, owner: Setup | None) -> None:
        """owner: the phase whose model it is; None if nothing is known of that any more."""
        if owner is None:
            return
        self._evaluated_phase = owner.phase.number
        if owner is not self.setup:
            record.after_step = owner.phase.steps
            if len(owner.evaluations) < EVALUATION_BATCHES * EVALUATION_PASSES:
                record.pass_number = 1 + max((item.pass_number for item in owner.evaluations), default=0)
                owner.evaluations.append(without_loaders(record))
            return
        if record.after_step != self._evaluation_step:
            self._evaluation_step = record.after_step
            self._evaluation_pass += 1
            self._pass_batches.clear()
        # of each loader: an evaluation of the training rows that comes first must not hide the validation
        group = record.loader if record.loader is not None else str(record.place)
        self._pass_batches[group] += 1
        kept_bytes = sum(item.tape.nbytes() for item in self.setup.evaluations)
        if self._pass_batches[group] > EVALUATION_BATCHES or kept_bytes + record.tape.nbytes() > EVALUATION_BYTES:
            return
        record.pass_number = self._evaluation_pass
        kept = self.setup.evaluations
        if self._evaluation_pass > EVALUATION_PASSES:
            latest = {item.pass_number for item in kept if item.pass_number > EVALUATION_PASSES - 1}
            for number in latest - {self._evaluation_pass}:
                kept[:] = [item for item in kept if item.pass_number != number]
        kept.append(record)
        if record.loader is not None and self.setup.loaders[record.loader].role == "unknown":
            self.setup.loaders[record.loader].role = "validation"
        self._protocol(
            "evaluation", {"training": record.training, "grad": record.grad, "place": str(record.place)}
        )

    @quiet
    def close(self, crashed: bool = False) -> None:
        """The program has ended: what is still open becomes an evaluation, or an unfinished step."""
        failed = self.recorder.failed
        if crashed and failed is not None:
            nodes = [node for node in self.recorder.nodes if node not in self.recorder.consumed]
            self.setup.failure = self.recorder.detached_tape([*nodes, failed])
            self.setup.failure.grad = True
            self.setup = self.phases.choose(self.setup, self.steps, self.writer.last_event, self.phases.count)
            return
        self._finish_tapes()
        if self._functional:
            self._call_again()
        self.setup = self.phases.choose(self.setup, self.steps, self.writer.last_event, self._evaluated_phase)

    def _finish_tapes(self) -> None:
        self._close_manual_step()
        if self._by_hand.anew:  # what the last loss was followed by made parameters that no loss was computed from
            self._by_hand.failed = True
            self._close_step_by_hand(None, *self._by_hand.loss)
            self._by_hand.keep_last()
        self._evaluated(self.recorder.retire())
        self._evaluated(self.recorder.retire())
        self._pass_values.flush()
        if self._events and (self.window_open or not self.setup.steps):
            self.setup.steps.append(self._events)
            self._events = []


def _any_gradient(optimizer: torch.optim.Optimizer) -> bool:
    grads = [p.grad.detach() for p in parameters_of(optimizer) if p.grad is not None]
    return any(grad.is_sparse or bool(grad.ne(0).any()) for grad in grads)


def _constructor(thing: Any, frame: Any) -> tuple[Any, Any]:
    """The frame of the outermost constructor of ``thing`` that runs (None: there is none), and the one that calls it: the
    program's own class calls ``super().__init__()``, and is called itself.
    """
    own = None
    while frame is not None and frame.f_code.co_name == "__init__":
        names = frame.f_code.co_varnames
        if not names or frame.f_locals.get(names[0]) is not thing:
            break
        own, frame = frame, frame.f_back
    return own, frame


def _arguments(own: Any) -> dict[str, Any] | None:
    """The arguments of the constructor that runs in a frame; None where it takes any number of them, or takes tensors or
    modules, which another call would share.
    """
    if own is None or own.f_code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return None
    code, known = own.f_code, own.f_locals
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    found = {name: known[name] for name in names if name in known}
    held = [item for value in found.values() for item in (value, *getattr(value, "__dict__", {}).values())]
    return None if any(isinstance(item, (Tensor, nn.Module)) for item in held) else found


def _rate(optimizer: Any) -> float:
    """The learning rate of the first group."""
    return float(optimizer.param_groups[0].get("lr", 0.0)) if optimizer.param_groups else 0.0


def replayable_part(module: nn.Module) -> nn.Module:
    """The module itself, or what a wrapper for several processes holds: those are gone when it is run again."""
    if isinstance(module, nn.parallel.DistributedDataParallel):
        return module.module
    return module


def _symbolic(args: Any) -> bool:
    """Whether a module is called to learn the shapes of its results, as Keras does, and not with data."""
    return any(
        item.device.type == "meta" if isinstance(item, Tensor) else type(item).__name__ == "KerasTensor"
        for item in tensors_of(args)
    )


def _parameters_of(tape: Tape) -> list[Tensor]:
    """The parameters that a tape reads, directly or in its modules."""
    parameters = [leaf.value for leaf in tape.leaves.values() if leaf.parameter]
    for node in tape.module_calls():
        parameters.extend(p for p in node.module.parameters() if p.requires_grad)  # type: ignore[union-attr]
    return parameters


def _share_with_gradient(parameters: list[Tensor]) -> float:
    holding = [p for p in parameters if p.grad is not None and bool(p.grad.detach().ne(0).any())]
    return len(holding) / len(parameters) if parameters else 0.0


def _changed(group: dict[str, Any], first: dict[str, Any]) -> dict[str, Any]:
    """Settings of a parameter group that are not what they were at the start (without params and lr)."""
    return {
        key: value
        for key, value in group.items()
        if key not in ("params", "lr")
        and key in first
        and not isinstance(value, Tensor)
        and value != first[key]
    }


def _function_modes() -> list[Any]:
    from torch.overrides import _get_current_function_mode_stack

    return list(_get_current_function_mode_stack())


def _top_function_mode() -> Any:
    modes = _function_modes()
    return modes[-1] if modes else None


def _function_mode_allowed() -> bool:
    """Only over an empty stack, or over the default device that stays for the whole program."""
    modes = _function_modes()
    if not modes:
        return True
    default = getattr(getattr(torch, "_GLOBAL_DEVICE_CONTEXT", None), "device_context", None)
    return len(modes) == 1 and modes[0] is default


def _name_of(thing: Any, frame: Any) -> str | None:
    """The variable that holds ``thing`` in a frame of the user's, or an attribute of a local object."""
    for _ in range(8):
        if frame is None:
            return None
        scopes = (frame.f_locals, frame.f_globals)
        for scope in scopes:
            for name, value in list(scope.items()):
                if value is thing and name != "self" and not name.startswith("__"):
                    return name
        owner = frame.f_locals.get("self")
        if owner is not None and hasattr(owner, "__dict__"):
            for name, value in {**vars(owner), **vars(owner).get("_modules", {})}.items():
                if value is thing:
                    return f"self.{name}"
        frame = user_frame(frame.f_back)
    return None


def _name_in_frames(module: nn.Module, frame: Any) -> tuple[str, nn.Module | None]:
    """The module's variable name; and the module that contains it, when one of its parts is called by itself."""
    owner, owner_name = None, ""
    outer = frame
    for _ in range(8):
        if outer is None:
            break
        for name, value in list(outer.f_locals.items()):
            if isinstance(value, nn.Module) and value is not module and len(list(value.children())):
                if any(part is module for part in value.modules()):
                    owner, owner_name = value, name
        outer = user_frame(outer.f_back)
    if owner is not None:
        path = next(path for path, part in owner.named_modules() if part is module)
        return f"{owner_name}.{path}", owner
    return _name_of(module, frame) or type(module).__name__, None
