"""The callbacks of Transformers and Keras, and a training in a notebook, as people use them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from paramedic.integrations.session import Observation


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr(torch.autograd, "backward", torch.autograd.backward)  # the test notices what stays patched


class _Classifier(nn.Module):
    """What Transformers' Trainer asks of a model: it gives its own loss."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        logits = self.layer(x)
        return {"loss": F.cross_entropy(logits.softmax(1), labels), "logits": logits}


def test_transformers_callback_reports(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from paramedic.integrations.transformers import ParamedicCallback

    before = torch.autograd.backward
    rows = [{"x": torch.randn(4), "labels": torch.tensor(number % 3)} for number in range(48)]
    callback = ParamedicCallback(budget=0, print_report=False)
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path), num_train_epochs=2, per_device_train_batch_size=8, report_to=[], save_strategy="no",
        disable_tqdm=True, use_cpu=True,
    )  # fmt: skip
    trainer = transformers.Trainer(_Classifier(), arguments, train_dataset=rows, callbacks=[callback])
    trainer.train()
    assert callback.report is not None and callback.report.program["steps"] == 12
    first = callback.report.findings[0]
    assert first.check == "softmax-before-cross-entropy" and first.where is not None
    assert first.where.file.endswith("test_callbacks.py")
    assert torch.autograd.backward is before


def test_keras_callback_reports() -> None:
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "torch":
        pytest.skip(f"Keras was imported before, on {keras.backend.backend()}")
    import numpy as np

    from paramedic.integrations.keras import ParamedicCallback

    before = torch.autograd.backward
    model = keras.Sequential(
        [keras.layers.Input((4,)), keras.layers.Dense(3, activation="softmax"), keras.layers.Softmax()]
    )
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    callback = ParamedicCallback(budget=0, print_report=False)
    x = np.random.default_rng(0).normal(size=(48, 4)).astype("float32")
    model.fit(x, np.arange(48) % 3, batch_size=8, epochs=2, verbose=0, callbacks=[callback])
    assert callback.report is not None and callback.report.program["steps"] == 12
    assert callback.report.findings[0].check == "softmax-before-cross-entropy"
    assert torch.autograd.backward is before


def _diverges(observation: Observation) -> None:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    observation.begin()
    for _ in range(3):
        F.cross_entropy(model(torch.randn(8, 4)).softmax(1), torch.arange(8) % 3).backward()
        optimizer.step()


def test_a_training_that_failed_does_not_keep_the_next_one_from_being_observed() -> None:
    """Transformers and Keras call no callback when a training ends in an exception."""
    before = torch.autograd.backward
    observation = Observation(0.0, print_report=False)
    _diverges(observation)  # and the framework raises: ``end`` is not called
    _diverges(observation)
    observation.end()
    assert observation.report is not None and observation.report.program["steps"] == 3
    assert torch.autograd.backward is before


CELLS = (
    "import torch, paramedic\nfrom torch import nn\nfrom torch.nn import functional as F",
    "model = nn.Linear(4, 3)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
    "x, y = torch.randn(48, 4), torch.arange(48) % 3",
    "def train(epochs):\n    for _ in range(epochs):\n        optimizer.zero_grad()\n"
    "        loss = F.cross_entropy(model(x).softmax(1), y)\n        loss.backward()\n        optimizer.step()",
    "with paramedic.watch(budget=0) as watch:\n    train(6)",
    "watch.report",
)


def test_watch_in_a_notebook() -> None:
    """Cells are compiled from text: a finding names the cell and the line, and the last value is shown as a page."""
    pytest.importorskip("IPython")
    from IPython.core.interactiveshell import InteractiveShell

    display, hook = sys.displayhook, sys.excepthook
    shell: Any = InteractiveShell.instance()
    try:
        for cell in CELLS:
            result = shell.run_cell(cell, store_history=True)
            assert result.success, result.error_in_exec
        report = result.result
        assert report.program["steps"] == 6
        first = report.findings[0]
        assert first.check == "softmax-before-cross-entropy" and first.where is not None and first.where.line == 4
        shown, _ = shell.display_formatter.format(report)
        assert "<iframe" in shown["text/html"] and "softmax" in shown["text/html"]
        assert "softmax" in shown["text/plain"]
    finally:
        InteractiveShell.clear_instance()
        sys.displayhook, sys.excepthook = display, hook
