"""A callback of Hugging Face's Trainer: ``Trainer(..., callbacks=[ParamedicCallback()])``."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback

from paramedic.integrations.session import Observation


class ParamedicCallback(TrainerCallback):
    """Observes one ``train``. budget: seconds of experiments after it; print_report: print what was found.

    ``report`` is the diagnosis once ``train`` has returned.
    """

    def __init__(self, *, budget: float = 60.0, print_report: bool = True) -> None:
        self._observation = Observation(budget, print_report)

    @property
    def report(self) -> Any:
        return self._observation.report

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            self._observation.begin()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._observation.end()
