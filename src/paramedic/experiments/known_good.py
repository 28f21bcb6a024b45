"""A simple model that is known to learn, in the place of the program's own, with the program's data and loss."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from paramedic.experiments.interventions import Remedy
from paramedic.experiments.lab import Lab
from paramedic.experiments.operations import Operations
from paramedic.experiments.progress import terminal_outputs
from paramedic.trace.setup import own_parameters
from paramedic.trace.tape import tensors_of

WIDTH = 128
RATE = 3e-3  # Adam's, of the known-good model
MOST_FEATURES = 4096


class KnownGoodModel(Remedy):
    """A perceptron (for sequences of outputs: a GRU) feeds the loss in the place of the network; Adam trains it."""

    rows = ("S1",)
    cause = "known-good-model"
    order = 100
    changes = "a known-good simple model and Adam in the place of the network and its optimizer"

    def __init__(self) -> None:
        self.first: nn.Module | None = None
        self.last: nn.Module | None = None
        self.model: nn.Module | None = None
        self.input: Tensor | None = None

    def why_not(self, lab: Lab) -> str | None:
        tape = lab.main_backward.tape
        assert tape is not None
        calls = tape.module_calls()
        if len(calls) != 1:
            return "the network is not one module called once"
        with lab.at("initial"):
            log = lab.log(tape)
        self.last, output = _terminal(log)
        batches = lab.batches(limit=1)
        if self.last is None or output is None or not batches or not batches[0][0]:
            return "the network has several outputs, or its last layer is used several times"
        self.first, self.input = calls[0].module, batches[0][0][0]
        if self.input.dim() == 0 or output.numel() % self.input.shape[0]:
            return "the output has no row per sample"
        self.output_shape, self.rows_in = tuple(output.shape), self.input.shape[0]
        shapes = {tuple(inputs[0].shape[1:]) for inputs, _ in lab.batches() if inputs}
        if len(shapes) > 1 and not by_position(self.input, self.output_shape):
            return "the samples of different batches have different shapes"
        return None

    def begin(self, lab: Lab) -> None:
        assert self.input is not None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            per_sample = torch.Size(self.output_shape).numel() // self.rows_in
            self.model = simple_model(self.input, per_sample, self.output_shape).to(self.input.device)

    @contextmanager
    def applied(self, lab: Lab) -> Iterator[None]:
        if self.first is None:
            self.why_not(lab)
        assert self.first is not None and self.last is not None
        seen: list[Tensor] = []

        def remember(module: nn.Module, args: Any, kwargs: Any) -> None:
            seen[:] = [item for item in (*args, *kwargs.values()) if isinstance(item, Tensor)][:1]

        def replace(module: nn.Module, args: Any, result: Any) -> Any:
            assert self.model is not None
            old = next(item for item in tensors_of(result) if isinstance(item, Tensor))
            new = self.model(seen[0]).reshape(old.shape).to(old.dtype)
            return new if isinstance(result, Tensor) else (new, *result[1:])

        with ExitStack() as stack:
            stack.callback(self.first.register_forward_pre_hook(remember, with_kwargs=True).remove)
            stack.callback(self.last.register_forward_hook(replace).remove)
            yield

    def optimizer(self, lab: Lab, index: int) -> torch.optim.Optimizer | None:
        assert self.model is not None
        return torch.optim.Adam(self.model.parameters(), lr=RATE)


def _terminal(log: Operations) -> tuple[nn.Module | None, Tensor | None]:
    """The last module with parameters and its output, if there is one of them and it is called once."""
    if log.root is None or log.root.grad_fn is None:
        return None, None
    outputs = terminal_outputs(log)
    owners = (
        [
            module
            for _, module, result in log.module_outputs
            if any(item is outputs[0] for item in tensors_of(result))
            and own_parameters(module)
        ]
        if len(outputs) == 1
        else []
    )
    # the first is the innermost: a module around it that has parameters of its own hands the same tensor on
    if not owners or sum(module is owners[0] for _, module, _ in log.module_outputs) != 1:
        return None, None
    return owners[0], outputs[0]


def by_position(inputs: Tensor, output_shape: tuple[int, ...]) -> bool:
    """Whether these are sequences with an output for each of their positions."""
    positions = inputs.shape[1] if inputs.dim() >= 2 else 1
    steps = inputs.dim() == (3 if inputs.is_floating_point() else 2) and positions > 1
    return (
        steps
        and len(output_shape) >= 2
        and (output_shape[1] == positions or output_shape[0] == inputs.shape[0] * positions)
    )


def simple_model(inputs: Tensor, per_sample: int, output_shape: tuple[int, ...]) -> nn.Module:
    """A model from inputs (B, ...) to ``per_sample`` numbers per sample.

    Sequences whose output has a row per position get a GRU from left to right, everything else a perceptron.
    """
    tokens = not inputs.is_floating_point()
    vocabulary = 4 * (int(inputs.max()) + 2) if tokens else 0
    if by_position(inputs, output_shape):
        return _Recurrent(vocabulary, 0 if tokens else inputs.shape[-1], per_sample // inputs.shape[1])
    return _Perceptron(vocabulary, inputs, per_sample)


class _Recurrent(nn.Module):
    def __init__(self, vocabulary: int, features: int, outputs: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, WIDTH // 4) if vocabulary else None
        self.gru = nn.GRU(WIDTH // 4 if vocabulary else features, WIDTH, batch_first=True)
        self.out = nn.Linear(WIDTH, outputs)

    def forward(self, x: Tensor) -> Tensor:
        if self.embedding is not None:
            x = self.embedding(x.long() % self.embedding.num_embeddings)
        return self.out(self.gru(x)[0])  # type: ignore[no-any-return]


class _Perceptron(nn.Module):
    def __init__(self, vocabulary: int, inputs: Tensor, outputs: int) -> None:
        super().__init__()
        size = inputs[0].numel()
        self.embedding = nn.Embedding(vocabulary, WIDTH // 4) if vocabulary else None
        size *= WIDTH // 4 if vocabulary else 1
        self.size = min(size, MOST_FEATURES)
        self.layers = nn.Sequential(
            nn.BatchNorm1d(self.size, affine=False),
            nn.Linear(self.size, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.embedding is not None:
            x = self.embedding(x.long() % self.embedding.num_embeddings)
        x = x.flatten(1).float()
        if x.shape[1] > self.size:
            x = nn.functional.adaptive_avg_pool1d(x.unsqueeze(1), self.size).squeeze(1)
        self.layers[0].train(self.training and len(x) > 1)
        return self.layers(x)  # type: ignore[no-any-return]
