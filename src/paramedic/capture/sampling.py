"""Layer statistics of sampled steps, within a budget of the observer's own measured time.

Own time is credited step by step (CAPTURE: differences of step times are too noisy to steer by). A sampled
step reads at most SAMPLE elements of each tensor, strided, so that no random number is drawn. Their statistics are
computed for many tensors at once, for which a dozen operations cost hardly more than for one.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from paramedic.measurements.spread import spread
from paramedic.measurements.training.histogram import histograms
from paramedic.measurements.training.saturation import on_flat_part
from paramedic.trace.limits import stays
from paramedic.trace.store import HistogramRow, LayerRow

if TYPE_CHECKING:
    from paramedic.capture.observer import Observer

SAMPLE = 1024
MOST_DISTANCE = 1.25  # times the least one may two sampled elements be apart: four fifths of SAMPLE are left
GOLDEN_SECTION = (math.sqrt(5) - 1) / 2
DENSE_STEPS = frozenset({0, 1, 2, 4, 8, 16, 32, 64})
LAST_DENSE_STEP = max(DENSE_STEPS)
SAFETY = 0.75  # self-measured time under-reads by about a quarter (CAPTURE, section 4)
MAX_LAYERS = 200
AT_ONCE = 128  # of them in the processor's memory: half a megabyte stays in its cache
MOST_WAITING = 1024  # samples (4 MB) whose statistics are computed in one go
# Steps of an optimizer whose samples are kept as histograms too: the first, some at growing distances, and the last. Each
# is taken at the first sampled step that is not before it. Those after the dense ones are sampled whatever was spent
# before: at most three more of a training, for a network is seen in the middle of it too.
HISTOGRAM_STEPS = (0, 4, 16, 64, 512, 4096, 32_768)
DENSE_OVER = bisect_right(HISTOGRAM_STEPS, LAST_DENSE_STEP)
MAX_HISTOGRAM_MODULES = 48  # of one step, spread over the network
MAX_HISTOGRAM_OPTIMIZERS = 4
OF_PARAMETERS = ("gradient", "weight", "update")
OF_HISTOGRAMS = ("activation", *OF_PARAMETERS)
_WHOLE = frozenset({Tensor, nn.Parameter})
_AS_ARRAYS = frozenset({torch.float32, torch.float64})

Sample = Tensor | np.ndarray[Any, Any]


def is_sharded(tensor: Tensor) -> bool:
    """Whether a process holds a part of it only (DTensor)."""
    return hasattr(tensor, "to_local")


def local(tensor: Tensor) -> Tensor:
    """This process's part of a sharded tensor (DTensor), any other tensor itself.

    Reading a whole one would wait for the other ranks, which may not read it now.
    """
    if type(tensor) in _WHOLE:  # asking for an attribute that is not there takes as long as reading a sample
        return tensor
    return tensor.to_local() if is_sharded(tensor) else tensor  # type: ignore[attr-defined]


@lru_cache(maxsize=4096)
def positions(count: int) -> slice | np.ndarray[Any, Any]:
    """Of at most SAMPLE of ``count`` elements, spread over all of them.

    Their distance has no divisor in common with the number of elements, and so none with the length of a row or a channel:
    of rows of 64 elements, every sixteenth would come from four columns alone. Where only a large distance is such, the
    positions go round several times, by the golden section of the whole.
    """
    if count <= SAMPLE:
        return slice(None)
    least = -(-count // SAMPLE)
    every = _without_common_divisor(least, count)
    if every <= MOST_DISTANCE * least:
        return slice(None, None, every)
    return np.arange(SAMPLE) * _without_common_divisor(int(GOLDEN_SECTION * count), count) % count


def _without_common_divisor(number: int, count: int) -> int:
    """The first from ``number`` on."""
    while math.gcd(number, count) > 1:
        number += 1
    return number


def sample(tensor: Tensor) -> Tensor:
    """A copy of at most SAMPLE elements, detached and flat."""
    tensor = local(tensor).detach()
    where = positions(tensor.numel())
    if not isinstance(where, slice):
        return tensor.flatten()[torch.from_numpy(where).to(tensor.device)]
    return tensor.flatten()[where].clone()


def quick_sample(tensor: Tensor) -> Sample:
    """The same as ``sample``; as an array where that takes a third of the time."""
    tensor = local(tensor).detach()
    if not tensor.is_cpu or tensor.dtype not in _AS_ARRAYS or not tensor.is_contiguous() or tensor.is_neg():
        return sample(tensor)
    values = tensor.numpy().reshape(-1)
    return values[positions(values.size)].copy()


def statistics(samples: Sequence[Sample]) -> list[list[float]]:
    """(mean, std, min, max, share of zeros, share of non-finite) of each flat sample; of finite values only."""
    far = [number for number, item in enumerate(samples) if isinstance(item, Tensor) and not item.is_cpu]
    found = _statistics_of_arrays([_array(item) for item in samples if isinstance(item, np.ndarray) or item.is_cpu])
    if far:
        near, rows = iter(found), iter(_statistics_on_device([samples[number] for number in far]))  # type: ignore[misc]
        places = set(far)
        return [next(rows if number in places else near) for number in range(len(samples))]
    return found


def _array(values: Sample) -> np.ndarray[Any, Any]:
    if isinstance(values, np.ndarray):
        return values
    return (values if values.dtype in _AS_ARRAYS else values.float()).numpy()


def _statistics_on_device(samples: Sequence[Tensor]) -> list[list[float]]:
    """With one wait for the device, at the end."""
    devices = {item.device for item in samples}
    device = devices.pop() if len(devices) == 1 else torch.device("cpu")
    wide = torch.float64 if any(item.dtype == torch.float64 for item in samples) else torch.float32
    values = nn.utils.rnn.pad_sequence([item.to(device, wide) for item in samples], batch_first=True)
    lengths = torch.tensor([[len(item)] for item in samples], device=device)
    inside = torch.arange(values.shape[1], device=device) < lengths
    return _statistics_of_rows(values, inside, lengths).tolist()  # type: ignore[no-any-return]


def _statistics_of_rows(values: Tensor, inside: Tensor, lengths: Tensor) -> Tensor:
    """(n, 6) of the rows of (n, m) values, of which those inside count."""
    finite = inside & torch.isfinite(values)
    counts = finite.sum(1, keepdim=True)
    kept = torch.where(finite, values, 0.0)
    mean = kept.sum(1, keepdim=True) / counts
    std = (torch.where(finite, values - mean, 0.0).square().sum(1, keepdim=True) / counts).sqrt()
    low = torch.where(finite, values, math.inf).amin(1, keepdim=True)
    high = torch.where(finite, values, -math.inf).amax(1, keepdim=True)
    zero = (finite & (values == 0)).sum(1, keepdim=True) / counts.clamp(min=1)
    nonfinite = 1 - counts / lengths.clamp(min=1)
    empty = counts == 0
    low, high = (torch.where(empty, math.nan, item) for item in (low, high))
    return torch.cat([mean, std, low, high, zero, nonfinite], dim=1)


def _statistics_of_arrays(samples: Sequence[np.ndarray[Any, Any]]) -> list[list[float]]:
    """The same for samples in the processor's memory: NumPy's operations on so few numbers cost a third of torch's."""
    found: list[list[float]] = [[] for _ in samples]
    groups: dict[tuple[int, Any], list[int]] = {}
    for number, item in enumerate(samples):
        groups.setdefault((len(item), item.dtype), []).append(number)
    for (length, _), numbers in groups.items():
        for first in range(0, len(numbers), AT_ONCE):
            part = numbers[first : first + AT_ONCE]
            for number, row in zip(part, _rows_of(np.stack([samples[number] for number in part]), length), strict=True):
                found[number] = row
    return found


def _rows_of(array: np.ndarray[Any, Any], length: int) -> list[list[float]]:
    """Statistics of the rows of (n, length) values."""
    count = len(array)
    if not length:  # nothing to take a minimum of
        return [[math.nan, math.nan, math.nan, math.nan, 0.0, 1.0]] * count
    with np.errstate(all="ignore"):
        total = array.sum(axis=1, dtype=np.float64)
    if not np.isfinite(total).all():
        values = torch.from_numpy(array)
        inside, lengths = torch.ones_like(values, dtype=torch.bool), torch.full((count, 1), length, device="cpu")
        return _statistics_of_rows(values, inside, lengths).tolist()  # type: ignore[no-any-return]
    mean = total / length
    centred = array - mean[:, None].astype(array.dtype)
    with np.errstate(all="ignore"):
        squares = np.einsum("ij,ij->i", centred, centred)
    if not np.isfinite(squares).all():  # of finite numbers
        squares = np.einsum("ij,ij->i", centred, centred, dtype=np.float64)
    std = np.sqrt(squares / length)
    zero = 1.0 - np.count_nonzero(array, axis=1) / length
    columns = (mean, std, array.min(axis=1), array.max(axis=1), zero, np.zeros(count))
    return np.stack(columns, axis=1).tolist()  # type: ignore[no-any-return]


def _total_norm(gradients: list[Tensor]) -> float:
    """As ``nn.utils.get_total_norm``, without its sorting by device where that takes longer than the norm."""
    if not all(item.is_cpu and item.dtype == torch.float32 for item in gradients):
        return float(nn.utils.get_total_norm(gradients))
    return float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))))


class SampledStep(NamedTuple):
    """What was read at one step of an optimizer: path, quantity and values of each tensor."""

    step: int
    rows: list[tuple[str, str, Sample]]


def histogram_rows(sampled: SampledStep, vectors: set[str]) -> Iterator[HistogramRow]:
    """Of at most MAX_HISTOGRAM_MODULES modules: those with a matrix of parameters first, then activations alone.

    vectors: names of parameters with one dimension. Biases and scales are left out unless there is nothing else.
    """
    parameters = {path for path, quantity, _ in sampled.rows if quantity in OF_PARAMETERS}
    left_out = vectors if parameters - vectors else set()
    rows = [row for row in sampled.rows if row[1] in OF_HISTOGRAMS and not (row[0] in left_out and row[0] in parameters)]
    owners = [path if quantity == "activation" else path.rpartition(".")[0] or path for path, quantity, _ in rows]
    training = {owner for owner, row in zip(owners, rows, strict=True) if row[1] in OF_PARAMETERS}
    order = list(dict.fromkeys(owners))
    taken = spread([name for name in order if name in training], MAX_HISTOGRAM_MODULES)
    taken += spread([name for name in order if name not in training], MAX_HISTOGRAM_MODULES - len(taken))
    wanted = set(taken)
    rows = [row for owner, row in zip(owners, rows, strict=True) if owner in wanted]
    for (path, quantity, _), found in zip(rows, histograms(_near([values for *_, values in rows])), strict=True):
        if found is not None:
            yield HistogramRow(sampled.step, path, quantity, *found)


def _near(samples: Sequence[Sample]) -> list[np.ndarray[Any, Any]]:
    """All of them in the processor's memory, those of a device in one piece."""
    far = [item for item in samples if isinstance(item, Tensor) and not item.is_cpu]
    near = iter(_in_one_piece(far) if len({item.device for item in far}) == 1 else [item.cpu() for item in far])
    return [_array(next(near) if isinstance(item, Tensor) and not item.is_cpu else item) for item in samples]


def _in_one_piece(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Flat tensors of one device on the processor, with one transfer."""
    wide = torch.float64 if any(item.dtype == torch.float64 for item in tensors) else torch.float32
    return torch.cat([item.to(wide) for item in tensors]).cpu().split([len(item) for item in tensors])


class LayerSampler:
    """Decides which steps are sampled, and writes their layer rows and histograms."""

    def __init__(self, observer: Observer, overhead: float) -> None:
        self.observer = observer
        self.overhead = overhead
        self.wanted = True
        self.gradient_norm: float | None = None
        self._rows: list[tuple[str, str, Sample]] = []
        self._waiting: list[SampledStep] = []  # their statistics are not computed yet
        self._waiting_samples = 0
        self._all_finite = True  # so far
        self._seen: set[str] = set()
        self._before: list[tuple[str, Tensor, Sample]] = []  # name, parameter, sample of its values before the step
        self._paths: dict[int, str] = {}
        self._vectors: set[str] = set()  # names of parameters with one dimension
        self._over = DENSE_OVER  # how many of HISTOGRAM_STEPS a step was sampled for
        self._due: dict[int, int] = {}  # by optimizer: how many of its HISTOGRAM_STEPS are over
        self._latest: dict[int, SampledStep] = {}  # by optimizer: its last one, unless it is among those below
        self._histograms: list[SampledStep] = []  # to be counted with the next statistics

    def decide(self, step: int) -> None:
        """Whether the coming step is sampled."""
        if step <= LAST_DENSE_STEP:
            self.wanted = step in DENSE_STEPS
            return
        elapsed = self.observer.elapsed()
        over = bisect_right(HISTOGRAM_STEPS, step)
        due = over > self._over and self.overhead > 0
        self.wanted = due or self.observer.spent < SAFETY * self.overhead * elapsed
        if self.wanted:
            self._over = over

    def begin_again(self) -> None:
        """Another training begins, perhaps of other modules."""
        self._histograms += self._latest.values()
        self._latest.clear()
        self._due.clear()
        self._over = DENSE_OVER
        self._rows, self._before = [], []
        self._seen.clear()
        self._paths.clear()
        self.decide(0)

    def path(self, module: nn.Module) -> str | None:
        path = self._paths.get(id(module))
        if path is None:
            for record in self.observer.setup.models:
                for name, part in record.module.named_modules():
                    self._paths.setdefault(id(part), f"{record.name}.{name}" if name else record.name)
            path = self._paths.setdefault(id(module), "")
        return path or None

    def activation(self, module: nn.Module, result: Any) -> None:
        """Called after the forward of every module that ``takes`` said yes to."""
        if not isinstance(result, Tensor) or next(module.children(), None) is not None:
            return
        if not result.is_floating_point() or not result.requires_grad or len(self._rows) > 4 * MAX_LAYERS:
            return
        self.observer.busy = True
        try:
            path = self.path(module)
            if path is not None and path not in self._seen and len(self._seen) < MAX_LAYERS:
                self._seen.add(path)
                values = quick_sample(result)
                self._rows.append((path, "activation", values))
                if (flat := on_flat_part(module, values)) is not None:
                    self._rows.append((path, "saturated", flat))
        except Exception as error:
            self.observer.errors.setdefault("activation", f"{type(error).__name__}: {error}")
        finally:
            self.observer.busy = False

    def takes(self, module: nn.Module) -> bool:
        """Whether the module's result may be wanted, as far as that is known at next to no cost."""
        return self.wanted and len(self._seen) < MAX_LAYERS and self._paths.get(id(module), "") not in self._seen

    def before_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Gradients are read here, and not after backward: they are unscaled and clipped by now."""
        self.gradient_norm = None
        self._before = []
        if not self.wanted:
            return
        gradients: list[Tensor] = []
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if len(self._before) >= MAX_LAYERS:
                    break
                grad = parameter.grad
                if grad is None or grad.is_sparse or grad.is_complex():
                    continue
                name = (
                    self.observer.setup.parameter_name(parameter)
                    if id(parameter) not in self._paths
                    else None
                )
                name = self._paths.setdefault(id(parameter), name or f"parameter {len(self._paths)}")
                if parameter.dim() < 2:
                    self._vectors.add(name)
                weight = quick_sample(parameter)
                self._rows.append((name, "gradient", quick_sample(grad)))
                self._rows.append((name, "weight", weight))
                self._before.append((name, parameter, weight))
                gradients.append(local(grad).detach())
        if gradients:
            self.gradient_norm = _total_norm(gradients)

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        if not self.wanted:
            return
        for name, parameter, weight in self._before:
            self._rows.append((name, "update", quick_sample(parameter) - weight))  # type: ignore[operator]
        sampled = SampledStep(self.observer.steps, self._rows)
        self._waiting.append(sampled)
        self._waiting_samples += len(self._rows)
        self._keep(optimizer, sampled)
        self._rows, self._before = [], []
        self._seen.clear()
        if self._waiting_samples >= MOST_WAITING:
            self.settle()

    def _keep(self, optimizer: torch.optim.Optimizer, sampled: SampledStep) -> None:
        """For a histogram if one is due, or as the last one so far."""
        due = self._due.get(id(optimizer), 0)
        if due == 0 and len(self._due) >= MAX_HISTOGRAM_OPTIMIZERS:
            return
        begun = self.observer.setup.phase.first_step
        over = bisect_right(HISTOGRAM_STEPS, sampled.step - begun)
        self._due[id(optimizer)] = over
        if over > due:
            self._histograms.append(sampled)
            self._latest.pop(id(optimizer), None)
        else:
            self._latest[id(optimizer)] = sampled

    def _write(self, waiting: list[SampledStep]) -> None:
        """Of a long run as many steps as will stay in the trace, the latest, and the first with values that are not finite."""
        writer = self.observer.writer
        found = iter(statistics([values for sampled in waiting for *_, values in sampled.rows]))
        for sampled in waiting:
            numbers = list(islice(found, len(sampled.rows)))
            finite = not any(row[-1] > 0 for row in numbers)
            if sampled is waiting[-1] or (self._all_finite and not finite) or stays(sampled.step, writer.layer_stride):
                rows = zip(sampled.rows, numbers, strict=True)
                writer.layers([LayerRow(sampled.step, path, quantity, *row) for (path, quantity, _), row in rows])
            self._all_finite = self._all_finite and finite

    def settle(self, last: bool = False) -> None:
        """Write the statistics of what was sampled so far; ``last``: also what only the end makes a histogram of.

        Whatever lies on a device is read here, once in a while, and after one wait for it.
        """
        waiting, self._waiting = self._waiting, []
        self._waiting_samples = 0
        if waiting:
            self._write(waiting)
        if waiting or last:
            steps, self._histograms = self._histograms, []
            if last:
                steps += self._latest.values()
                self._latest.clear()
            for sampled in steps:
                for row in histogram_rows(sampled, self._vectors):
                    self.observer.writer.histogram(row)
