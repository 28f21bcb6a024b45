"""A Lightning callback: ``Trainer(callbacks=[ParamedicCallback()])`` observes ``fit`` and reports after it."""

from __future__ import annotations

from typing import Any

from lightning.pytorch.callbacks import Callback

from paramedic.integrations.session import Observation


class ParamedicCallback(Callback):
    """Observes one ``fit``. budget: seconds of experiments after it; print_report: print what was found.

    ``report`` is the diagnosis once ``fit`` has returned.
    """

    def __init__(self, *, budget: float = 60.0, print_report: bool = True) -> None:
        self._observation = Observation(budget, print_report)

    @property
    def report(self) -> Any:
        return self._observation.report

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        if stage == "fit" and trainer.is_global_zero:
            self._observation.begin()

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        if stage == "fit":
            self._observation.end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._observation.end(exception)
