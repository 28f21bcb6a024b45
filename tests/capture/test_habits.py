"""What programs do with torch and with Python, each compared with itself alone: nothing may differ."""

from __future__ import annotations

import copy
import cProfile
import inspect
import io
import pickle
import random
import signal
import sys
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset, TensorDataset

import paramedic
from paramedic.capture.observer import Observer
from paramedic.capture.recorder import Recorder
from paramedic.capture.sampling import LayerSampler
from paramedic.capture.watch import Watch
from paramedic.trace.store import TraceWriter


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(6, 12), nn.BatchNorm1d(12), nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(F.dropout(torch.relu(self.norm(self.first(x))), 0.2, self.training))


def _data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(24, 6, generator=generator, dtype=torch.get_default_dtype())
    return x, x[:, :3].argmax(1)


def _train(net: nn.Module, steps: int = 3, call: Any = None) -> list[float]:
    x, y = _data()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy((call or net)(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _bytes(thing: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(thing, stream)
    return stream.getvalue()


# -- the programs --------------------------------------------------------------------------------------------------


def own_hooks() -> Any:
    net, seen = Net(), Counter()  # type: ignore[var-annotated]
    net.register_forward_pre_hook(lambda module, args: seen.update(["pre"]))
    net.first.register_forward_hook(lambda module, args, out: out * 1.5)
    net.last.register_full_backward_hook(lambda module, grads, outs: seen.update([f"back {len(grads)} {len(outs)}"]))
    net.last.weight.register_hook(lambda grad: grad.clamp(-0.1, 0.1))
    net.last.weight.register_post_accumulate_grad_hook(lambda p: seen.update(["grad"]))
    handle = nn.modules.module.register_module_forward_hook(lambda module, args, out: seen.update([type(module).__name__]))
    losses = _train(net)
    handle.remove()
    hooks = [(len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks)) for m in net.modules()]
    return losses, seen, hooks, len(nn.modules.module._global_forward_hooks) < 3


def optimizer_hooks_and_own_optimizer() -> Any:
    seen = []

    class Plain(torch.optim.Optimizer):
        def __init__(self, params: Any) -> None:
            super().__init__(params, {"lr": 0.1})

        @torch.no_grad()
        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            for group in self.param_groups:
                for p in group["params"]:
                    p.sub_(p.grad, alpha=group["lr"])

    net = Net()
    optimizer = Plain(net.parameters())
    optimizer.register_step_pre_hook(lambda *_: seen.append("pre"))
    optimizer.register_step_post_hook(lambda *_: seen.append("post"))
    x, y = _data()
    for _ in range(3):
        optimizer.zero_grad(set_to_none=False)
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    return seen, optimizer.state_dict()["param_groups"], net.state_dict()


def own_patches() -> Any:
    calls = Counter()  # type: ignore[var-annotated]
    names = ((F, "cross_entropy"), (torch.autograd, "backward"), (nn.Module, "train"), (torch.optim.Adam, "step"))
    originals = [(owner, name, vars(owner)[name]) for owner, name in names]

    def counting(name: str, original: Any) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            calls[name] += 1
            return original(*args, **kwargs)

        return wrapper

    try:
        for owner, name, original in originals:
            setattr(owner, name, counting(name, original))
        net = Net()
        losses = _train(net)
        net.eval()
        kept = all(vars(owner)[name] is not original for owner, name, original in originals)
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)
    return losses, calls, kept


def anomaly_detection() -> Any:
    with torch.autograd.set_detect_anomaly(True), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        w = torch.zeros(3, requires_grad=True)
        losses = _train(Net())
        try:
            torch.sqrt(w * 0).sum().mul(0.0).backward()
        except RuntimeError as error:
            said = str(error)
    return losses, said, [str(item.message) for item in caught if "Traceback" not in str(item.message)]


def signals() -> Any:
    fired = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: fired.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.005)
    losses = _train(Net(), 6)
    ends = time.monotonic() + 10
    while not fired and time.monotonic() < ends:  # the training may be over sooner than the timer
        time.sleep(0.001)
    signal.setitimer(signal.ITIMER_REAL, 0)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    mine = signal.getsignal(signal.SIGALRM)
    signal.signal(signal.SIGALRM, before)
    return losses, bool(fired), handlers, callable(mine)


def tracing_lines() -> Any:
    lines = set()
    before = sys.gettrace()

    def tracer(frame: Any, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename == __file__ and frame.f_code.co_name == "_train":
            lines.add(frame.f_lineno)
            return tracer
        return None

    sys.settrace(tracer)
    try:
        losses = _train(Net())
    finally:
        still = sys.gettrace() is tracer
        sys.settrace(before)
    return losses, sorted(lines), still


def profiling() -> Any:
    profile = cProfile.Profile()
    losses = profile.runcall(_train, Net())
    profile.create_stats()
    mine = {key[2]: value[0] for key, value in profile.stats.items() if key[0] == __file__ and key[2] == "forward"}  # type: ignore[attr-defined]
    return losses, mine


def threads_that_train() -> Any:
    found: dict[int, list[float]] = {}
    torch.manual_seed(3)
    nets = [Net().eval() for _ in range(2)]  # without dropout: the threads share one stream of random numbers
    others = [threading.Thread(target=lambda i=i: found.update({i: _train(nets[i], 4)})) for i in range(2)]
    for thread in others:
        thread.start()
    own = Net().eval()
    losses = _train(own, 4)
    for thread in others:
        thread.join()
    return losses, sorted(found.items()), [net.state_dict() for net in nets]


def deterministic_mode() -> Any:
    torch.use_deterministic_algorithms(True)
    try:
        net = nn.Sequential(nn.Embedding(5, 4), nn.Flatten(), nn.Linear(8, 3))
        loss = F.cross_entropy(net(torch.tensor([[1, 1], [2, 4]])), torch.tensor([0, 1]))
        loss.backward()
        return loss.item(), net[0].weight.grad, torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def default_type_and_device() -> Any:
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("cpu")
    try:
        losses = _train(Net())
        with torch.device("meta"):
            shape = Net()(torch.ones(2, 6)).device.type
        return losses, shape, torch.get_default_device().type, torch.ones(1).dtype
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


def inference_mode() -> Any:
    net = Net().eval()
    x, y = _data()
    with torch.inference_mode():
        out = net(x)
        loss = F.cross_entropy(out, y)
        kinds = (out.is_inference(), out.requires_grad, torch.is_inference_mode_enabled())
    try:
        (out * net.last.bias).sum().backward()
        said = ""
    except RuntimeError as error:
        said = str(error)
    return out.tolist(), loss.item(), kinds, said, _train(net)


def saved_to_disk() -> Any:
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
    scaler = torch.amp.GradScaler("cpu")
    x, y = _data()
    for _ in range(3):
        optimizer.zero_grad()
        scaler.scale(F.cross_entropy(net(x), y)).backward()
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
    states = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}
    blobs = [_bytes(net), _bytes(optimizer), _bytes(states), pickle.dumps(scaler.state_dict())]
    assert not any(b"paramedic" in blob for blob in blobs[:3])
    return blobs, sorted(vars(net)), sorted(vars(optimizer)), list(net.state_dict())


def copies_made_during_training() -> Any:
    net = Net()
    losses = _train(net)
    x, y = _data()
    twin, average = copy.deepcopy(net), torch.optim.swa_utils.AveragedModel(net)
    F.cross_entropy(net(x), y).backward()
    average.update_parameters(net)
    other = copy.deepcopy(twin.first.weight)
    return losses, _train(twin), _train(net), average.state_dict(), other.requires_grad


def scripted_and_traced() -> Any:
    net = Net().eval()
    _train(net)
    x, _ = _data()
    traced, scripted = torch.jit.trace(net, x), torch.jit.script(net)
    symbolic = torch.fx.symbolic_trace(net)
    exported = torch.export.export(net, (x,))
    return (
        [node.kind() for node in traced.inlined_graph.nodes()],
        scripted.code, symbolic.code, str(exported.graph), traced(x).tolist(), symbolic(x).tolist(),
        _train(net),
    )  # fmt: skip


def what_things_are() -> Any:
    net = Net()
    x, y = _data()
    out = net(x)
    loss = nn.CrossEntropyLoss()(out, y)
    loss.backward()
    return (
        type(loss), type(out), loss.grad_fn.name(), out.grad_fn.name(), type(net.first.weight), inspect.getsource(Net),
        inspect.signature(torch.optim.Adam.step), inspect.signature(nn.Module.train), inspect.signature(Tensor.backward),
        inspect.getsource(nn.Module.train), torch.autograd.backward.__name__, torch.autograd.backward.__module__,
        [p.grad is not None for p in net.parameters()], loss.is_leaf, out.retains_grad, out._version,
    )  # fmt: skip


def higher_derivatives() -> Any:
    net = Net().eval()
    x, y = _data()
    parameters = dict(net.named_parameters())

    def loss_of(values: Any) -> Tensor:
        return F.cross_entropy(torch.func.functional_call(net, values, (x,)), y)

    by_func = torch.func.grad(loss_of)(parameters)
    per_sample = torch.func.vmap(lambda row: net(row.unsqueeze(0)).sum())(x)
    value, push = torch.func.jvp(lambda z: net(z).sum(), (x,), (torch.ones_like(x),))
    hessian = torch.autograd.functional.hessian(lambda z: (z**3).sum(), torch.ones(3))
    loss = F.cross_entropy(net(x), y)
    grads = torch.autograd.grad(loss, list(net.parameters()), create_graph=True)
    penalty = sum(grad.square().sum() for grad in grads)
    penalty.backward()
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))
        tangent = torch.autograd.forward_ad.unpack_dual(net(dual)).tangent
    double = torch.ones(2, 6, dtype=torch.float64, requires_grad=True)
    checked = torch.autograd.gradcheck(nn.Linear(6, 2).double(), (double,))
    return by_func, per_sample, value, push, hessian, [p.grad for p in net.parameters()], tangent, checked


def own_modes_and_tensors() -> Any:
    class Doubled(Tensor):
        seen: Counter[str] = Counter()

        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            cls.seen[getattr(func, "__name__", str(func))] += 1
            return super().__torch_function__(func, types, args, kwargs or {})

    class Functions(torch.overrides.TorchFunctionMode):
        def __init__(self) -> None:
            super().__init__()
            self.names: Counter[str] = Counter()

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.names[getattr(func, "__name__", str(func))] += 1
            return func(*args, **(kwargs or {}))

    class Operations(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.names: Counter[str] = Counter()

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.names[str(func)] += 1
            return func(*args, **(kwargs or {}))

    net = Net().eval()
    x, y = _data()
    weights = x.as_subclass(Doubled)
    loss = F.cross_entropy(net(weights), y)
    loss.backward()
    with Functions() as functions:
        out = torch.relu(net(x)).sum()
    with Operations() as operations:
        net(x).sum()
    packed: list[torch.Size] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: packed.append(t.shape) or t, lambda t: t):  # type: ignore[func-returns-value]
        F.cross_entropy(net(x), y).backward()
    return type(loss).__name__, Doubled.seen, functions.names, out.item(), operations.names["aten.addmm.default"], packed


def checkpointing() -> Any:
    net = Net()
    x, y = _data()
    loss = F.cross_entropy(checkpoint(net, x, use_reentrant=False), y)
    loss.backward()
    other = F.cross_entropy(checkpoint(net, x.requires_grad_(), use_reentrant=True), y)
    other.backward()
    return loss.item(), other.item(), [p.grad for p in net.parameters()], torch.get_rng_state()


class Noisy(Dataset[tuple[Tensor, Tensor]]):
    """A data set that draws from every stream of its worker."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        seed = torch.initial_seed() % 1000
        values = [random.random(), np.random.rand(), float(torch.rand(())), float(seed), float(index), 0.5]
        return torch.tensor(values), torch.tensor(index % 3)


def workers_and_streams() -> Any:
    random.seed(5)
    np.random.seed(6)
    torch.manual_seed(7)
    net, rows = Net(), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for epoch in range(2):
        for x, y in DataLoader(Noisy(), batch_size=4, shuffle=True, num_workers=2 if epoch else 0):
            rows.append(x.tolist())
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return rows, random.getstate(), np.random.get_state(), torch.get_rng_state()


def awkward_modules() -> Any:
    class Odd(Net):
        __slots__ = ()

        def parameters(self, which: str = "") -> Iterator[nn.Parameter]:  # type: ignore[override]
            if not which:
                raise ValueError("which?")
            return super().parameters()

        def __getattr__(self, name: str) -> Any:
            if name.startswith("lucky"):
                return 7
            return super().__getattr__(name)

        def __len__(self) -> int:
            return 0  # false in a condition

    class OddNumbers(dict):  # type: ignore[type-arg]
        def __getitem__(self, key: Any) -> Any:
            return super().__getitem__(key).clone()

    net = Odd()
    x, y = _data()
    optimizer = torch.optim.SGD(net.parameters("all"), lr=0.1)
    batch, losses = OddNumbers(x=x, y=y), []
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(batch["x"]), batch["y"])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    lazy = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(3))
    lazy(x)
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(6, 3))
    return losses, net.lucky_number, _train(lazy), _train(normed), list(normed.state_dict())


def modes_gradients_and_attributes() -> Any:
    net = Net()
    net.norm.eval()
    net.first.weight.requires_grad_(False)
    net.note, net.last.weight.tag = "mine", "kept"  # type: ignore[assignment, attr-defined]
    net.last.weight.grad = given = torch.zeros_like(net.last.weight)
    x, y = _data()
    F.cross_entropy(net(x), y).backward()
    return (
        [m.training for m in net.modules()], [p.requires_grad for p in net.parameters()], net.last.weight.grad is given,
        given, sorted(vars(net)), vars(net.last.weight), [sorted(vars(m)) for m in net.modules()],
    )  # fmt: skip


def errors_that_are_caught() -> Any:
    net = Net()
    x, y = _data()
    said = []
    for bad in (lambda: net(x[:, :2]), lambda: F.cross_entropy(net(x), y + 9), lambda: net(x).backward(), lambda: net("a")):
        try:
            bad()
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            said.append((type(error), str(error), frames[0].lineno, frames[0].name))
    return said, _train(net)


PROGRAMS: tuple[Callable[[], Any], ...] = (
    own_hooks, optimizer_hooks_and_own_optimizer, own_patches, anomaly_detection, signals, tracing_lines, profiling,
    threads_that_train, deterministic_mode, default_type_and_device, inference_mode, saved_to_disk,
    copies_made_during_training, scripted_and_traced, what_things_are, higher_derivatives, own_modes_and_tensors,
    checkpointing, workers_and_streams, awkward_modules, modes_gradients_and_attributes, errors_that_are_caught,
)  # fmt: skip


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return type(one) is type(other) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) or (one != one and other != other)


@contextmanager
def _observed(folder: Path) -> Iterator[Observer]:
    observer = Observer(TraceWriter(folder / "trace.sqlite"))
    observer.install()
    try:
        yield observer
    finally:
        observer.close()
        observer.remove()
        observer.writer.close()


def _patched() -> dict[str, Any]:
    """Everything that the capture replaces, and what it may leave behind."""
    import torch.optim.lr_scheduler as schedulers
    from torch.optim import optimizer
    from torch.overrides import _get_current_function_mode_stack
    from torch.utils.data import dataloader

    owners = (
        torch, torch.autograd, torch.autograd.Function, torch.no_grad, torch.inference_mode, torch.optim.Optimizer,
        nn.Module, DataLoader, dataloader._BaseDataLoaderIter, nn.utils, nn.utils.clip_grad, torch.amp.GradScaler,
        *(item for item in vars(schedulers).values() if isinstance(item, type)),
    )  # fmt: skip
    found = {f"{owner!r}.{name}": id(value) for owner in owners for name, value in vars(owner).items()}
    hooks = nn.modules.module
    for name in ("_global_forward_hooks", "_global_forward_pre_hooks", "_global_backward_hooks"):
        found[name] = len(getattr(hooks, name))
    found["optimizers"] = (len(optimizer._global_optimizer_pre_hooks), len(optimizer._global_optimizer_post_hooks))
    found["modes"] = len(_get_current_function_mode_stack())
    found["finders"] = len(sys.meta_path)
    found["trace"] = (sys.gettrace(), sys.getprofile(), signal.getsignal(signal.SIGINT))
    return found


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda item: item.__name__)
def test_a_program_does_what_it_does_alone(program: Callable[[], Any], tmp_path: Path) -> None:
    torch.manual_seed(0)
    alone = program()
    state, before = torch.get_rng_state(), _patched()
    torch.manual_seed(0)
    with _observed(tmp_path) as observer:
        found = program()
    assert len(alone) == len(found)
    differ = [index for index, pair in enumerate(zip(alone, found, strict=True)) if not _same(*pair)]
    assert not differ, [(alone[index], found[index]) for index in differ]
    assert torch.equal(state, torch.get_rng_state())
    assert _patched() == before
    assert observer.errors == {} or program is awkward_modules


class Stop(BaseException):
    pass


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt, SystemExit, Stop])
def test_everything_is_put_back(
    error: type[BaseException] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watch, "_examine", lambda self, ended: None)
    _train(Net(), 1)  # torch imports and patches parts of its own at the first step of an optimizer
    before = _patched()
    try:
        with paramedic.watch(folder=tmp_path):
            net = Net()
            _train(net, 2)
            with pytest.raises(RuntimeError, match="another watch is active"), paramedic.watch():
                pass
            if error is not None:
                net.register_forward_hook(lambda *_: (_ for _ in ()).throw(error("in the middle of a forward")))
                _train(net, 1)
    except BaseException as raised:
        assert error is not None and type(raised) is error
    else:
        assert error is None
    assert _patched() == before


def test_a_watch_inside_an_observed_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watch, "_examine", lambda self, ended: None)
    torch.manual_seed(0)
    alone = [*_train(Net()), *_train(Net())]
    before = _patched()
    torch.manual_seed(0)
    with _observed(tmp_path / "outer"):
        first = _train(Net())
        with paramedic.watch(folder=tmp_path / "inner") as watch:
            second = _train(Net())
    assert [*first, *second] == alone and watch._observer.steps == 3
    assert _patched() == before


BREAKABLE = [
    *((Recorder, name) for name in (
        "_before", "_after", "_copy", "_ref", "tag", "tape", "retire", "segment", "unscaled",
        "enter_module", "leave_module", "is_transparent", "source_of", "detached_tape",
    )),
    *((LayerSampler, name) for name in ("decide", "takes", "activation", "path", "before_step", "after_step")),
    *((TraceWriter, name) for name in ("buffer", "event", "layers", "_write_rows")),
    *((Observer, name) for name in (
        "_arm", "_settle", "_know_model", "_know_optimizer", "_snapshot", "_gradients_before", "_fingerprint",
        "_tag_batch", "_keep_evaluation", "_note_modes", "_write_row", "_put_mode_back", "_pop_mode", "_protocol",
    )),
]  # fmt: skip


@pytest.mark.parametrize(("owner", "name"), BREAKABLE, ids=lambda item: getattr(item, "__name__", item))
def test_an_error_of_ours_never_reaches_the_program(
    owner: type, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = _data()

    def program() -> list[Any]:
        torch.manual_seed(0)
        net = Net()
        optimizer, losses = torch.optim.Adam(net.parameters(), lr=0.01), []
        for rows, labels in DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(rows), labels)
            loss.backward()
            optimizer.step()
            net.eval()
            with torch.no_grad():
                losses += [loss.item(), net(x).argmax(1).eq(y).sum().item()]
            net.train()
        return [losses, net.state_dict(), torch.get_rng_state()]

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("injected")

    alone, before = program(), _patched()
    monkeypatch.setattr(owner, name, broken)
    with _observed(tmp_path) as observer:
        found = program()
    monkeypatch.undo()
    observer._disarm(force=True)
    assert _same(alone, found)
    assert _patched() == before or name == "_pop_mode"
    problems = [str(record.problem) for record in observer.setup.backwards()]
    noted = [*observer.errors.values(), str(observer.recorder.problem), str(observer.writer.problem), *problems]
    assert any("injected" in text for text in noted)
