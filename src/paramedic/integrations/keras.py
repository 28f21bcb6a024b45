"""A Keras callback for the torch backend: ``model.fit(..., callbacks=[ParamedicCallback()])``."""

from __future__ import annotations

from typing import Any

import keras

from paramedic.integrations.session import Observation


class ParamedicCallback(keras.callbacks.Callback):
    """Observes one ``fit``. budget: seconds of experiments after it; print_report: print what was found.

    ``report`` is the diagnosis once ``fit`` has returned. Raises RuntimeError on another backend than torch.
    """

    def __init__(self, *, budget: float = 60.0, print_report: bool = True) -> None:
        super().__init__()
        if keras.backend.backend() != "torch":
            raise RuntimeError(
                f"paramedic observes Keras on the torch backend, and this is {keras.backend.backend()}"
            )
        self._observation = Observation(budget, print_report)

    @property
    def report(self) -> Any:
        return self._observation.report

    def on_train_begin(self, logs: Any = None) -> None:
        self._observation.begin()

    def on_train_end(self, logs: Any = None) -> None:
        self._observation.end()
