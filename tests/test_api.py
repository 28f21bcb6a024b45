"""The Python interface: nothing of the caller's is changed, and everything patched is put back."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import paramedic


def _patched() -> dict[str, object]:
    from torch.nn.modules import module as hooks
    from torch.optim import lr_scheduler
    from torch.optim.optimizer import _global_optimizer_post_hooks
    from torch.utils.data.dataloader import _BaseDataLoaderIter

    owners = [torch.autograd, torch.nn.utils, torch.nn.Module, torch.optim.Optimizer, _BaseDataLoaderIter]
    owners += [DataLoader, lr_scheduler.LRScheduler, lr_scheduler.StepLR, torch.amp.GradScaler, torch.no_grad]
    found: dict[str, object] = {}
    for owner in owners:
        found |= {f"{owner.__name__}.{name}": value for name, value in vars(owner).items() if callable(value)}
    found["compile"] = torch.compile
    found["hooks"] = (len(hooks._global_forward_hooks), len(hooks._global_forward_pre_hooks))
    found["modes"] = len(torch.overrides._get_current_function_mode_stack())
    found["steps"] = len(_global_optimizer_post_hooks)
    return found


def _data() -> DataLoader:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(256, 8, generator=generator)
    y = (x[:, 0] > 0).long()
    return DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)


def _model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))


def test_watch_restores_everything_and_reports() -> None:
    before, model = _patched(), _model()
    with paramedic.watch(budget=0) as watch:
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(10):
            for x, y in _data():
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x), y).backward()
                optimizer.step()
    assert _patched() == before
    assert watch.report.program["steps"] == 80
    assert watch.report.errors == {}


def test_watch_restores_everything_after_an_exception() -> None:
    before = _patched()
    with pytest.raises(ZeroDivisionError), paramedic.watch(budget=0) as watch:
        _model()(torch.zeros(1, 8))
        raise ZeroDivisionError("the program's own")
    assert _patched() == before
    assert watch.report.program["crashed"]["error"] == "ZeroDivisionError"


def test_watch_is_one_at_a_time() -> None:
    with (
        paramedic.watch(budget=0),
        pytest.raises(RuntimeError, match="another watch is active"),
        paramedic.watch(budget=0),
    ):
        pass


def test_diagnose_changes_nothing_of_the_callers() -> None:
    model, loader = _model(), _data()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    values, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    report = paramedic.diagnose(model, nn.CrossEntropyLoss(), loader, loader, optimizer, steps=40, budget=0)
    assert all(torch.equal(value, values[key]) for key, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in model.parameters())
    assert len(report.reasons) == 44


def test_diagnose_names_a_batch_without_a_target() -> None:
    with pytest.raises(TypeError, match="tuple"):
        paramedic.diagnose(_model(), nn.CrossEntropyLoss(), [torch.zeros(4, 8)], steps=1, budget=0)
