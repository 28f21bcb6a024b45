"""A pretrained network that gets its images otherwise than it was trained with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.relations import frequent_classes
from paramedic.checks.data.samples import Batch, Rows, batches, class_labels, is_numeric, rows
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.checks.preprocessing.layers import first_batch_norm
from paramedic.measurements.data.pretrained import (
    RECIPES,
    Reading,
    has_trained_statistics,
    in_family,
    other_orders,
    published_recipe,
    read_better,
    statistics_gap,
    to_unit_range,
    was_applied,
)
from paramedic.trace.random_state import torch_state_kept

# 4 networks, 4 recipes, own and other photographs: largest gap with the right recipe 0.48; 0 of 72 false, 2026-11.
GAP = 0.5
IMPROVEMENT = 3.0
# Recipes that are nearer, if less clearly, are tried on what the pretrained features tell of the labels.
LEAST_GAP = 0.05
LEAST_IMPROVEMENT = 1.5
TRIED = 3
P = 1e-3  # of each trial
P_OF_CLEAR = 0.02  # where the running statistics alone are clear (GAP and IMPROVEMENT)
LEAST_GAIN = 0.05  # of the labels
IMAGES = 256  # with 64, the gap of one recipe lay between 0.4 and 1.0
LEAST_IMAGES = 8
PROBED_ROWS = 600
LEAST_PROBED = 60
VALUES = "images as they are"  # as they are, and as expected: what the patch reads


class PretrainedPreprocessing(Check):
    """The pretrained network gets its inputs otherwise than it was trained with.

    What it measures: at the start of training, the Kullback-Leibler divergence between the activations of the user's
    images before the first batch normalization and its running statistics, which remember the data it was trained on;
    the same for the usual recipes ([0, 1], [-1, 1], [0, 255], ImageNet's mean and standard deviation), for channels in
    reverse order and for height and width exchanged. Without batch normalization, the recipe that stands beside the
    weights (timm's ``pretrained_cfg``, transformers' preprocessor_config.json). Then the experiment: how many labels a
    linear probe reads, out of fold, off the network's features of the same rows with the one recipe and the other.
    Why it matters: the pretrained features are wrong from the first layer on.
    Fix: use the preprocessing that belongs to the weights (``weights.transforms()``, ``pretrained_cfg``).
    Not a fault when: the images are of another kind altogether; then no recipe brings them nearer, and this is silent.
    References: the article's reason 14 and its step on finetuning; Ioffe and Szegedy 2015; McNemar 1947.
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
        batch = recorded[0]
        norm = first_batch_norm(batch.module)
        published = published_recipe(batch.module)
        if norm is None and published is None:
            raise NotApplicable(
                "the model has neither batch normalization, which would remember the data it was trained on, nor a "
                "recipe beside its weights"
            )
        found = rows(case)
        images = found.inputs[_some(found, IMAGES)].float()
        with case.lab.at("initial"), torch.no_grad(), torch_state_kept():
            if norm is not None and not has_trained_statistics(norm[1]):
                raise NotApplicable(
                    "the model starts from scratch: its running statistics are those of a new layer"
                )
            if not is_numeric(found.inputs) or images.dim() != 4 or len(images) < LEAST_IMAGES:
                raise NotChecked("the inputs are no images")
            if published is not None and was_applied(published, images):
                return
            known = to_unit_range(images)
            if known is None:
                raise NotChecked("the value range of the images is none of the usual ones")
            batch.module.eval()
            if norm is not None:
                yield from self._by_statistics(case, batch, found, norm, known)
            elif published is not None:
                trial = _trial(batch, found, known[0], {published.name: published.apply})
                if trial is not None:
                    yield self._proven(case, known[0], published.name, trial, None, ())

    def _by_statistics(
        self, case: Case, batch: Batch, found: Rows, norm: tuple[str, nn.Module], known: tuple[str, Tensor]
    ) -> Iterator[Finding]:
        family, unit = known
        images = found.inputs[_some(found, IMAGES)].float()
        gap = _gap(batch, norm[1], images)
        if gap is None:
            raise NotChecked("the model could not be run on other images")
        changes, gaps = _changes(family, unit), dict[str, float]()
        for name, make in changes.items():
            value = _gap(batch, norm[1], make(unit).float())
            if value is not None:
                gaps[name] = value
        if not gaps:
            return
        nearest = sorted(gaps, key=lambda name: gaps[name])
        best = nearest[0]
        evidence = (
            Evidence("divergence from the running statistics", gap, f"< {GAP}", "nats"),
            Evidence(f"the same with {best}", gaps[best], "", "nats"),
        )
        clear = gap > GAP and gap / max(gaps[best], 1e-6) > IMPROVEMENT
        if gap > LEAST_GAP:
            worth = [name for name in nearest[:TRIED] if gap / max(gaps[name], 1e-6) > LEAST_IMPROVEMENT]
            tried = {name: changes[name] for name in worth}
            trial = _trial(batch, found, family, tried, P_OF_CLEAR if clear else P)
            if trial is not None:
                yield self._proven(case, family, trial[0], trial, norm[0], evidence)
                return
        if not clear:
            return
        yield self.suspect(
            f"the pretrained network was trained with other inputs: {family} are {gap:.2g} nats from what {norm[0]} "
            f"remembers (expected < {GAP}), {best} {gaps[best]:.2g}: use the preprocessing that belongs to the weights",
            where=data_place(case),
            module=norm[0],
            evidence=(*evidence, Evidence(VALUES, family, best)),
            remedy=f"prepare the images as those that the weights were trained with: {best}",
            explains=EXPLAINS,
        )

    def _proven(
        self,
        case: Case,
        family: str,
        best: str,
        trial: tuple[str, Reading],
        module: str | None,
        evidence: tuple[Evidence, ...],
    ) -> Finding:
        reading = trial[1]
        return self.fault(
            f"a linear classifier on the pretrained features gets {reading.before:.0%} of the labels right with {family}, and "
            f"{reading.after:.0%} with {best} (expected: no more; {reading.rows} rows, p = {reading.p:.0e}): use the "
            "preprocessing of the weights",
            where=data_place(case),
            module=module,
            evidence=(*evidence, Evidence(VALUES, family, best)),
            remedy=f"prepare the images as those that the weights were trained with: {best}",
            proof=Proof(
                "a linear probe on the pretrained features",
                round(reading.before, 4),
                round(reading.after, 4),
                (round(reading.interval[0], 4), round(reading.interval[1], 4)),
                1,
                "of the labels right",
                best,
            ),
            explains=EXPLAINS,
        )


EXPLAINS = ("R12", "R36", "R15", "R33", "R35", "R24", "R30", "R31")


def _some(found: Rows, limit: int) -> Tensor:
    """Positions of at most ``limit`` rows from everywhere: the first ones of a sorted set are all of one kind."""
    return torch.from_numpy(np.sort(np.random.default_rng(14).permutation(len(found.inputs))[:limit]))


def _changes(family: str, unit: Tensor) -> dict[str, Callable[[Tensor], Tensor]]:
    """By name, what makes other inputs of images in [0, 1]."""
    found = {recipe.name: recipe.apply for recipe in RECIPES if recipe.name != family}
    return found | {name: partial(_reordered, family, name) for name in other_orders(family, unit)}


def _reordered(family: str, name: str, images: Tensor) -> Tensor:
    return in_family(family, other_orders(family, images)[name])


def _trial(
    batch: Batch, found: Rows, family: str, changes: dict[str, Callable[[Tensor], Tensor]], least_p: float = P
) -> tuple[str, Reading] | None:
    """The change with which the pretrained features tell clearly more of the labels, if there is one."""
    chosen = _some(found, PROBED_ROWS)
    labels = class_labels(found.target[chosen] if found.target is not None else None, found.loss)
    if labels is None or not changes:
        return None
    kept, codes = frequent_classes(labels)
    if len(kept) < LEAST_PROBED or codes.max() < 1:
        return None
    images = found.inputs[chosen][torch.from_numpy(kept)].float()
    known = to_unit_range(images)
    own = _features(batch, images)
    if own is None or known is None or known[0] != family:
        return None
    best: tuple[str, Reading] | None = None
    for name, change in changes.items():
        other = _features(batch, change(known[1]).float())
        if other is None:
            continue
        reading = read_better(own, other, codes)
        clear = reading.p < least_p and reading.after - reading.before >= LEAST_GAIN
        if clear and (best is None or reading.after > best[1].after):
            best = name, reading
    return best


def _gap(batch: Batch, norm: nn.Module, inputs: Tensor) -> float | None:
    """Gap of the activations that enter ``norm`` when the recorded model call gets ``inputs``."""
    seen = _entering(batch, norm, inputs)
    if seen is None:
        return None
    assert isinstance(norm, nn.modules.batchnorm._BatchNorm)
    assert norm.running_mean is not None and norm.running_var is not None
    return statistics_gap(seen, norm.running_mean, norm.running_var)


def _features(batch: Batch, inputs: Tensor) -> NDArray[np.float64] | None:
    """(n, d) inputs of the model's last linear layer, or None."""
    layers = [module for module in batch.module.modules() if isinstance(module, nn.Linear)]
    seen = _entering(batch, layers[-1], inputs) if layers else None
    if seen is None or len(seen) != len(inputs):
        return None
    pooled = seen if seen.dim() == 2 else seen.flatten(1, -2).mean(dim=1)
    values = pooled.double().cpu().numpy()
    return values if np.isfinite(values).all() else None


def _entering(batch: Batch, module: nn.Module, inputs: Tensor) -> Tensor | None:
    """What enters ``module`` when the recorded model call gets ``inputs``."""
    seen: list[Tensor] = []
    handle = module.register_forward_pre_hook(lambda module, args: seen.append(args[0].detach()))
    number = next(number for number in batch.flow.inputs if batch.tape.leaves[number] is batch.input_leaf)
    output = next((item for item in batch.flow.node.outputs if item is not None), None)
    try:
        if output is not None:
            values = inputs.to(batch.inputs.dtype)
            batch.tape.pruned(output).run(replace={number: values}, modes=False, until=output)
    except Exception:  # a model tied to its batch size: whatever ran until then has been seen
        pass
    finally:
        handle.remove()
    return seen[0] if seen else None
