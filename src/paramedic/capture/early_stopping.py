"""What the early stopping of Lightning, Keras and transformers looks at, and whether it stops the training."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from paramedic.capture.patches import noting_construction

if TYPE_CHECKING:
    from paramedic.capture.observer import Observer


class Call(NamedTuple):
    """One look: the quantity, the mode, the patience, the least improvement, and whether training is to stop by it."""

    value: Any
    mode: str
    patience: int
    least: float
    stops: bool


Read = Callable[[Any, tuple[Any, ...], dict[str, Any], Any], "Call | None"]  # of the callback, its call and its result


def _lightning(callback: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Call | None:
    patient = callback.wait_count >= callback.patience  # and not stopped by a threshold, or by what is not finite
    value = args[0] if args else kwargs["current"]
    return Call(value, callback.mode, callback.patience, callback.min_delta, bool(result[0]) and patient)


def _keras(callback: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Call | None:
    logs = args[1] if len(args) > 1 else kwargs.get("logs")
    mode = {"less": "min", "greater": "max"}.get(getattr(callback.monitor_op, "__name__", ""))
    if mode is None or not logs or callback.monitor not in logs:
        return None
    return Call(logs[callback.monitor], mode, callback.patience, callback.min_delta, callback.stopped_epoch > 0)


def _transformers(callback: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Call | None:
    settings, _, _, value = args
    patience = callback.early_stopping_patience
    stops = callback.early_stopping_patience_counter >= patience
    mode = "max" if settings.greater_is_better else "min"
    return Call(value, mode, patience, callback.early_stopping_threshold or 0.0, stops)


# Module -> class, the method that looks, and how its call is read.
MODULES: dict[str, tuple[str, str, Read]] = {
    "pytorch_lightning.callbacks.early_stopping": ("EarlyStopping", "_evaluate_stopping_criteria", _lightning),
    "lightning.pytorch.callbacks.early_stopping": ("EarlyStopping", "_evaluate_stopping_criteria", _lightning),
    "keras.src.callbacks.early_stopping": ("EarlyStopping", "on_epoch_end", _keras),
    "transformers.trainer_callback": ("EarlyStoppingCallback", "check_metric_value", _transformers),
}


def intercept_callbacks(observer: Observer, name: str, module: Any) -> None:
    """Note where such a callback is made, and every look that it takes."""
    kind, method, read = MODULES[name]
    owner = getattr(module, kind, None)
    if owner is None or not hasattr(owner, method):
        return

    def look(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            observer.stopping_watched(self, lambda: read(self, args, kwargs, result))
            return result

        return wrapper

    observer.patches.replace(owner, "__init__", noting_construction(observer))
    observer.patches.replace(owner, method, look)
