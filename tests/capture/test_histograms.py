"""Histograms of layers at a few steps: which steps, of which tensors, and that the program is as it was."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from paramedic.capture import sampling
from paramedic.capture.observer import Observer
from paramedic.capture.sampling import HISTOGRAM_STEPS, MAX_HISTOGRAM_MODULES, SampledStep, histogram_rows
from paramedic.measurements.training.histogram import BINS, histogram
from paramedic.trace.store import HistogramRow, Trace, TraceWriter

EVERY_STEP = 1e9  # an overhead that is never reached
QUANTITIES = {"activation", "gradient", "weight", "update"}


def observed(program: Callable[[], Any], folder: Path, overhead: float = EVERY_STEP) -> tuple[Observer, list[HistogramRow]]:
    observer = Observer(TraceWriter(folder / "trace.sqlite"), overhead=overhead)
    observer.install()
    try:
        program()
    finally:
        observer.remove()
        observer.writer.close()
    trace = Trace(folder / "trace.sqlite")
    rows = trace.histograms()
    trace.close()
    return observer, rows


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 30), nn.Tanh(), nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 1))


def train(model: nn.Module, steps: int, kind: type[torch.optim.Optimizer] = torch.optim.SGD, **options: Any) -> None:
    optimizer = kind(model.parameters(), lr=0.05, **options)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(16, 4)).square().mean().backward()
        optimizer.step()


def test_the_first_steps_at_growing_distances_and_the_last(tmp_path: Path) -> None:
    _, rows = observed(lambda: train(network(), 700), tmp_path)
    assert sorted({row.step for row in rows}) == [0, 4, 16, 64, 512, 699]
    for step in (0, 64, 699):
        mine = {(row.path.partition(".")[2], row.quantity) for row in rows if row.step == step}
        activations = {(str(at), "activation") for at in range(5)}
        assert mine == activations | {(f"{at}.weight", name) for at in (0, 2, 4) for name in QUANTITIES - {"activation"}}
    assert all(len(row.counts) == BINS and sum(row.counts) + row.nonfinite > 0 for row in rows)


@pytest.mark.parametrize(("overhead", "steps"), [(1e-9, {0, 4, 16, 64, 512}), (0.0, {0, 4, 16, 64})])
def test_a_step_late_in_the_training_is_taken_though_the_budget_is_used_up(
    overhead: float, steps: set[int], tmp_path: Path
) -> None:
    observer, rows = observed(lambda: train(network(), 2000), tmp_path, overhead)
    found = sorted({row.step for row in rows})
    assert len(found) == len(steps) and found[:4] == [0, 4, 16, 64] and found[-1] < 2000
    assert all(step >= 512 for step in found[4:])  # the first look at the steps that is not before it
    for step in found:
        assert {row.quantity for row in rows if row.step == step} == QUANTITIES
    assert observer.idle


def test_a_longer_run_has_hardly_more_of_them(tmp_path: Path) -> None:
    """At most one more for eight times as many steps, and never more than the list and the last."""
    short, long = (observed(lambda n=n: train(network(), n), tmp_path / str(n))[1] for n in (600, 4200))
    counts = [len({row.step for row in rows}) for rows in (short, long)]
    assert counts[0] + 1 == counts[1] <= len(HISTOGRAM_STEPS) + 1 == 8


def test_numbers_are_those_of_the_weights_at_that_step(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    seen: dict[str, list[torch.Tensor]] = {"weight": [], "gradient": [], "update": []}

    def program() -> None:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        for _ in range(20):
            optimizer.zero_grad()
            model(torch.randn(8, 4)).square().mean().backward()
            before = model.weight.detach().clone()
            seen["weight"].append(before)
            seen["gradient"].append(model.weight.grad.clone())
            optimizer.step()
            seen["update"].append(model.weight.detach() - before)

    _, rows = observed(program, tmp_path)
    for row in rows:
        if row.quantity in seen:
            wanted = histogram(seen[row.quantity][row.step].numpy())
            assert wanted is not None and row.counts == wanted.counts
            assert row[3:7] == pytest.approx(wanted[:4])


def test_a_deep_network_is_shown_from_its_input_to_its_output(tmp_path: Path) -> None:
    layers: list[nn.Module] = [nn.Linear(4, 6)]
    for _ in range(100):
        layers += [nn.ReLU(), nn.Linear(6, 6)]
    _, rows = observed(lambda: train(nn.Sequential(*layers), 6), tmp_path)
    for step in {row.step for row in rows}:
        modules = {int(row.path.split(".")[1]) for row in rows if row.step == step}
        assert len(modules) == MAX_HISTOGRAM_MODULES
        assert min(modules) == 0 and max(modules) >= 190
        assert abs(len([at for at in modules if at < 100]) - MAX_HISTOGRAM_MODULES // 2) <= 1


def test_where_there_are_only_vectors_they_are_shown() -> None:
    values = torch.randn(5)
    rows = [("net.scale", quantity, values) for quantity in ("gradient", "weight", "update")]
    assert {row.quantity for row in histogram_rows(SampledStep(0, rows), {"net.scale"})} == {"gradient", "weight", "update"}
    with_matrix = [*rows, ("net.weight", "weight", values)]
    assert {row.path for row in histogram_rows(SampledStep(0, with_matrix), {"net.scale"})} == {"net.weight"}


def test_both_networks_of_a_gan(tmp_path: Path) -> None:
    generator, critic = nn.Linear(3, 4), nn.Linear(4, 1)

    def program() -> None:
        optimizers = [torch.optim.Adam(net.parameters(), lr=1e-3) for net in (critic, generator)]
        for _ in range(60):
            for optimizer, sign in zip(optimizers, (1, -1), strict=True):
                optimizer.zero_grad()
                fake = generator(torch.randn(8, 3))
                (sign * (critic(fake) - critic(torch.randn(8, 4)))).mean().backward()
                optimizer.step()

    _, rows = observed(program, tmp_path)
    updates: dict[str, set[int]] = {}
    for row in rows:
        if row.quantity == "update":
            updates.setdefault(row.path, set()).add(row.step)
    assert len(updates) == 2 and {min(steps) for steps in updates.values()} == {0, 1}
    assert {max(steps) for steps in updates.values()} == {118, 119}


def test_each_training_of_a_program_has_its_own(tmp_path: Path) -> None:
    def program() -> None:
        for _ in range(2):
            train(network(), 50)

    _, rows = observed(program, tmp_path)
    own = {0, 4, 16, 32}  # 32 is the last that is sampled of fifty
    assert {row.step for row in rows} == own | {50 + step for step in own}


def test_the_program_computes_what_it_computes_alone(tmp_path: Path) -> None:
    def program(watched: bool) -> tuple[list[torch.Tensor], torch.Tensor]:
        torch.manual_seed(3)
        model = network()

        def run() -> None:
            train(model, 130, torch.optim.Adam)

        if watched:
            _, rows = observed(run, tmp_path)
            assert rows
        else:
            run()
        return [p.detach().clone() for p in model.parameters()], torch.get_rng_state()

    (alone, state), (watched, after) = program(False), program(True)
    assert all(map(torch.equal, alone, watched)) and torch.equal(state, after)


def test_no_graph_and_no_tensor_of_the_program_is_kept(tmp_path: Path) -> None:
    kept: list[weakref.ref[Any]] = []

    def program() -> None:
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step in range(220):
            output = model(torch.randn(16, 4))
            loss = output.square().mean()
            optimizer.zero_grad()
            loss.backward()
            if step in (130, 200):  # no longer recorded for the experiments
                kept.extend(map(weakref.ref, (output, loss, model[0].weight.grad)))
            optimizer.step()
        del output, loss
        optimizer.zero_grad()
        gc.collect()
        assert kept and all(reference() is None for reference in kept)

    observed(program, tmp_path)


def test_an_error_costs_the_histograms_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(samples: Any) -> Any:
        raise RuntimeError("no histogram")

    monkeypatch.setattr(sampling, "histograms", broken)
    observer, rows = observed(lambda: train(network(), 20), tmp_path)
    assert rows == [] and any("no histogram" in text for text in observer.errors.values())
    trace = Trace(tmp_path / "trace.sqlite")
    assert {row.step for row in trace.layers("weight")} >= {0, 4, 16}
    trace.close()


def test_they_wait_for_no_step_that_is_not_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted was copied at sampled steps; it is read where the statistics are, after the wait for those."""
    calls: list[str] = []
    statistics, near = sampling.statistics, sampling._near
    monkeypatch.setattr(sampling, "statistics", lambda samples: (calls.append("statistics"), statistics(samples))[1])
    monkeypatch.setattr(sampling, "_near", lambda samples: (calls.append("histograms"), near(samples))[1])
    observed(lambda: train(network(), 300), tmp_path, overhead=0.0)  # nothing is sampled after the dense steps
    counted = [at for at, name in enumerate(calls) if name == "histograms"]
    assert 0 < len(counted) <= len(HISTOGRAM_STEPS) + 1
    assert calls[0] == "statistics"


def test_tensors_of_a_device_come_in_one_piece() -> None:
    tensors = [torch.randn(5), torch.randn(3).to(torch.bfloat16), torch.randn(0), torch.randn(7).half()]
    for given in (tensors, [*tensors, torch.randn(4, dtype=torch.float64)]):
        found = sampling._in_one_piece(given)
        assert all(torch.equal(one.to(other.dtype), other) for one, other in zip(found, given, strict=True))
        assert len({one.dtype for one in found}) == 1
