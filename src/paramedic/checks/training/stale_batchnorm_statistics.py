"""Batch norm's running statistics are not those of the network's data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.training.modes import batch_norms
from paramedic.trace.setup import BackwardRecord
from paramedic.trace.tape import Node

# METHODS: healthy runs keep their evaluation loss (0.045 before, 0.051 after); momentum 1e-3 falls from 0.58 to 0.05.
LEAST_FALL = 0.5  # of the loss in evaluation mode
LEAST_EFFECT = 0.05  # of the loss at the start of training
SIGNIFICANCE = 0.01
MOST_BATCHES = 40
LEAST_BATCHES = 4
# Time constants (1 / momentum) of updates before statistics with a usual momentum can be judged: while the weights
# still move fast they lag behind (loss 0.33 against 0.12 after 6 of them, 0.076 against 0.089 after 20; 2026-11).
WARM = 20.0
SLOW_MOMENTUM = 0.02  # torch's default is 0.1; TensorFlow's 0.01 is with thousands of steps in mind


@dataclass(frozen=True)
class Reestimation:
    """Loss per training batch in evaluation mode: with the running statistics, and with re-estimated ones."""

    before: np.ndarray  # type: ignore[type-arg]
    after: np.ndarray  # type: ignore[type-arg]

    @property
    def p(self) -> float:
        """One-sided paired t-test that the loss falls."""
        if np.allclose(self.before, self.after):
            return 1.0
        return float(stats.ttest_rel(self.before, self.after, alternative="greater").pvalue)


class StaleBatchnormStatistics(Check):
    """Batch norm evaluates with running statistics that do not fit the network.

    What it measures: the loss of the recorded training batches in evaluation mode at the final weights, before and
    after the running statistics are re-estimated on the same batches.
    Why it matters: training looks fine, evaluation mode is far worse.
    Fix: the default momentum; copy the buffers along with the weights (averaged models); ``update_bn`` after changing
    weights.
    Not a fault when: the run was too short for the statistics to settle.
    References: the article's reason 32; torch.nn.BatchNorm2d; torch.optim.swa_utils.update_bn.
    """

    reason = "R32"
    name = "stale-batchnorm-statistics"
    needs = ("replay",)
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        models = [item for item in _evaluated_models(case) if batch_norms(item)]
        if not models:
            raise NotApplicable("no model with batch norm is evaluated")
        for model in models:
            layers = batch_norms(model)
            untracked = all(int(layer.num_batches_tracked or 0) == 0 for layer in layers)
            _require_warm(case, layers, untracked)
            found = _reestimate(case, model)
            if found is None or not np.isfinite(found.before).all():
                continue
            with case.lab.at("initial"):
                initial = abs(case.lab.probe_loss())
            before, after = float(found.before.mean()), float(found.after.mean())
            large = before - after > max(LEAST_FALL * before, LEAST_EFFECT * initial)
            if large and found.p < SIGNIFICANCE:
                yield self._fault_of(case, model, layers, untracked, found)

    def _fault_of(
        self, case: Case, model: nn.Module, layers: list[_BatchNorm], untracked: bool, found: Reestimation
    ) -> Finding:
        slow = [layer for layer in layers if layer.momentum is not None and layer.momentum < SLOW_MOMENTUM]
        place = next((item.place for item in case.setup.evaluations if item.model is model and not item.training), None)
        if untracked:
            why, remedy = "they were never updated", "copy the buffers too, or run torch.optim.swa_utils.update_bn"
        elif slow:
            why, remedy = f"momentum is {slow[0].momentum:g} (default 0.1)", "use the default momentum of 0.1"
            place = case.setup.constructed.get(slow[0]) or place
        else:
            why, remedy = "they lag behind the weights", "re-estimate them with torch.optim.swa_utils.update_bn"
        before, after = found.before.mean(), found.after.mean()
        return self.fault(
            f"the running statistics of {len(layers)} batch norm layers do not fit the network: {why}; the loss in "
            f"evaluation mode is {before:.3g}, and {after:.3g} with statistics of the same training batches: {remedy}",
            where=place,
            evidence=(
                Evidence("loss in evaluation mode", float(before), f"{after:.3g}"),
                Evidence("p (paired over batches)", found.p, f"> {SIGNIFICANCE}"),
            ),
            remedy=remedy,
            explains=("R25", "R30", "R15", "R21", "R31"),
            exact=True,
        )


def _evaluated_models(case: Case) -> list[nn.Module]:
    """Models that the program called in evaluation mode."""
    models = {id(item.model): item.model for item in case.setup.evaluations if not item.training}
    return list(models.values())


def _require_warm(case: Case, layers: list[_BatchNorm], untracked: bool) -> None:
    updates = max(int(layer.num_batches_tracked or 0) for layer in layers)
    momentum = max(layer.momentum if layer.momentum is not None else 1.0 for layer in layers)
    if not untracked and momentum >= SLOW_MOMENTUM and updates * momentum < WARM:
        raise NotChecked(f"{updates} updates are too few for the running statistics to settle")


def _reestimate(case: Case, model: nn.Module) -> Reestimation | None:
    records = case.lab.backwards
    main = case.lab.main_backward.tape
    assert main is not None
    same = [item for item in records if item.tape is not None and len(item.tape.nodes) == len(main.nodes)]
    chosen = same[-MOST_BATCHES:]
    trained = next((node.module for node in main.nodes if node.module is not None and _stands_for(model, node)), None)
    if trained is None or len(chosen) < LEAST_BATCHES:
        return None
    with case.lab.at("final"), torch.no_grad(), _in_place_of(chosen, trained, model):
        for root in [*case.lab.modules(), model]:
            root.eval()
        before = _losses(chosen)
        layers = batch_norms(model)
        kept = [(layer, layer.momentum, layer.running_mean, layer.running_var) for layer in layers]
        saved = [tuple(item.clone() for item in (a, b) if item is not None) for _, _, a, b in kept]
        tracked = [layer.num_batches_tracked.clone() for layer in layers if layer.num_batches_tracked is not None]
        try:
            for layer in layers:
                layer.reset_running_stats()
                layer.momentum = None
                layer.train()
            _losses(chosen)
            for layer in layers:
                layer.eval()
            after = _losses(chosen)
        finally:
            for (layer, momentum, mean, var), values in zip(kept, saved, strict=True):
                layer.momentum = momentum
                for tensor, value in zip((mean, var), values, strict=True):
                    if tensor is not None:
                        tensor.copy_(value)
            for layer, value in zip(layers, tracked, strict=False):
                layer.num_batches_tracked.copy_(value)  # type: ignore[union-attr]
    return Reestimation(before, after)


def _stands_for(model: nn.Module, node: Node) -> bool:
    """Whether a model can be called in place of a recorded call: it is that module, or a copy of it."""
    inner, called = getattr(model, "module", model), node.module
    if called is None or called is model:
        return called is model
    shapes = ([item.shape for item in part.parameters()] for part in (inner, called))
    return type(inner) is type(called) and next(shapes) == next(shapes)


@contextmanager
def _in_place_of(records: list[BackwardRecord], trained: nn.Module, model: nn.Module) -> Iterator[None]:
    nodes = [node for item in records if item.tape for node in item.tape.nodes if node.target is trained]
    try:
        for node in nodes:
            node.target = model
        yield
    finally:
        for node in nodes:
            node.target = trained


def _losses(records: list[BackwardRecord]) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([float(item.tape.loss(modes=False)) for item in records if item.tape is not None])
