"""A pretrained network that gets its images in another value range than it was trained with."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.samples import Batch, batches, is_numeric, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.layers import first_batch_norm
from paramedic.measurements.data.pretrained import (
    RECIPES,
    has_trained_statistics,
    statistics_gap,
    to_unit_range,
)
from paramedic.trace.tape import frozen_randomness

# 4 networks, 4 recipes, own and other photographs: largest gap with the right recipe 0.48; 0 of 72 false, 2026-11.
GAP = 0.5
IMPROVEMENT = 3.0
IMAGES = 64
LEAST_IMAGES = 8


class PretrainedPreprocessing(Check):
    """Inputs do not have the value range that the pretrained network was trained with.

    What it measures: at the start of training, the Kullback-Leibler divergence between the activations of the user's
    images before the first batch normalization and its running statistics, which remember the data it was trained on;
    the same for the usual recipes ([0, 1], [-1, 1], [0, 255], ImageNet's mean and standard deviation).
    Why it matters: the pretrained features are wrong from the first layer on.
    Fix: use the preprocessing that belongs to the weights (``weights.transforms()``, ``pretrained_cfg``).
    Not a fault when: the images are of another kind altogether; then no recipe brings them nearer, and this is silent.
    References: the article's reason 14 and its step on finetuning; Ioffe and Szegedy 2015.
    """

    reason = "R14"
    name = "pretrained-preprocessing"
    also = ("S3",)
    needs = ("setup", "replay")
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        recorded = batches(case)
        if not recorded:
            raise NotApplicable("no training batch was recorded")
        model = recorded[0].module
        norm = first_batch_norm(model)
        if norm is None:
            raise NotApplicable(
                "the model has no batch normalization that would remember the data it was trained on"
            )
        inputs = rows(case).inputs[:IMAGES].float()
        with case.lab.at("initial"), torch.no_grad(), frozen_randomness():
            if not has_trained_statistics(norm[1]):
                raise NotApplicable(
                    "the model starts from scratch: its running statistics are those of a new layer"
                )
            if not is_numeric(rows(case).inputs) or inputs.dim() != 4 or len(inputs) < LEAST_IMAGES:
                raise NotChecked("the inputs are no images")
            model.eval()
            gap = _gap(recorded[0], norm[1], inputs)
            known = to_unit_range(inputs)
            if gap is None or known is None:
                raise NotChecked("the value range of the images is none of the usual ones")
            family, unit = known
            gaps = {
                recipe.name: value
                for recipe in RECIPES
                if recipe.name != family
                and (value := _gap(recorded[0], norm[1], recipe.apply(unit).float())) is not None
            }
        if not gaps:
            return
        best = min(gaps, key=lambda name: gaps[name])
        if gap <= GAP or gap / max(gaps[best], 1e-6) <= IMPROVEMENT:
            return
        yield self.suspect(
            f"the pretrained network was trained with other inputs: {family} are {gap:.2g} nats from what {norm[0]} "
            f"remembers (expected < {GAP}), {best} {gaps[best]:.2g}: use the preprocessing that belongs to the weights",
            where=data_place(case),
            module=norm[0],
            evidence=(
                Evidence("divergence from the running statistics", gap, f"< {GAP}", "nats"),
                Evidence(f"the same with {best}", gaps[best], "", "nats"),
            ),
            remedy=f"bring the images to: {best}",
            explains=("R12", "R36", "R15", "R33", "R35", "R24"),
        )


def _gap(batch: Batch, norm: nn.Module, inputs: Tensor) -> float | None:
    """Gap of the activations that enter ``norm`` when the recorded model call gets ``inputs``."""
    seen: list[Tensor] = []
    handle = norm.register_forward_pre_hook(lambda module, args: seen.append(args[0].detach()))
    number = next(number for number in batch.flow.inputs if batch.tape.leaves[number] is batch.input_leaf)
    output = next((item for item in batch.flow.node.outputs if item is not None), None)
    try:
        if output is not None:
            values = inputs.to(batch.inputs.dtype).to(batch.inputs.device)
            batch.tape.pruned(output).run(replace={number: values}, modes=False, until=output)
    except Exception:  # a model tied to its batch size: whatever ran until then has been seen
        pass
    finally:
        handle.remove()
    if not seen:
        return None
    assert isinstance(norm, nn.modules.batchnorm._BatchNorm)
    assert norm.running_mean is not None and norm.running_var is not None
    return statistics_gap(seen[0], norm.running_mean, norm.running_var)
