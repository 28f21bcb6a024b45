"""Some of the kinds of training programs, through the real command; all of them: `make bench-kinds`."""

from __future__ import annotations

import pytest

from benchmarks.accuracy import score
from benchmarks.programs import Program, diagnose, programs

IN_CI = ("lightning/faulty", "keras_fit/faulty", "accelerate/faulty", "ddp/faulty", "ddp_by_hand/faulty")
BY_ITS_CHECK = ("ddp/faulty_uneven", "ddp/faulty_one_rank_nan")  # the other checks are made of the programs above
CHOSEN = [item for item in programs() if item.name.removeprefix("frameworks/") in IN_CI]


def test_every_chosen_program_is_there() -> None:
    assert len(CHOSEN) == len(IN_CI)


@pytest.mark.parametrize("program", CHOSEN, ids=lambda item: item.name)
def test_faulty_program_is_diagnosed_at_the_users_line(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    if program.missing:
        pytest.skip(f"{program.missing} is not installed")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    result = score(program, diagnose(program, 0.0))
    assert result.first and result.line, result.alarms


@pytest.mark.parametrize("name", BY_ITS_CHECK)
def test_a_fault_across_ranks_is_found_by_its_check(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    program = next(item for item in programs() if item.name == f"frameworks/{name}")
    assert program.expected is not None
    result = score(program, diagnose(program, 0.0, select=program.expected["check"]))
    assert result.first and result.line, result.alarms


def test_lightning_callback_reports() -> None:
    lightning = pytest.importorskip("lightning")
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from paramedic.integrations.lightning import ParamedicCallback

    class Net(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 3)

        def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
            return torch.nn.functional.cross_entropy(self.layer(batch[0]).softmax(1), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    data = TensorDataset(torch.randn(64, 4), torch.arange(64) % 3)
    callback = ParamedicCallback(budget=0, print_report=False)
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, callbacks=[callback],
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(Net(), DataLoader(data, batch_size=16, shuffle=True))
    assert callback.report is not None and callback.report.program["steps"] == 8
    assert callback.report.findings[0].check == "softmax-before-cross-entropy"
