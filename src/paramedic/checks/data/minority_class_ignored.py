"""Rare classes that the trained network hardly ever answers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import loss_place, model_place
from paramedic.checks.data.places import called_name, keyword, line_behind, named_loss
from paramedic.checks.data.predicted import pixels, predicted
from paramedic.checks.data.samples import CLASS_LOSSES, Batch, batches, class_labels, loader_of, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.interventions import Intervention
from paramedic.measurements.data.imbalance import Ignored, ignored_classes
from paramedic.trace.place import Place
from paramedic.trace.random_state import torch_state_kept

# 0 of 98 networks on balanced sets, 0 of the cells in which the minority is recognized at all, 2026-11.
P = 0.01
RATIO = 3.0  # commonest over rarest class
LEARNED = 0.1  # share of the classes or rows that must be answered right for the rest to count as ignored
CHUNK = 256
WEIGHTS = ("weight", "pos_weight")
WRONG_WAY = 1.5  # the weight of the largest class in that of the smallest, from which on weights are the wrong way round


class MinorityClassIgnored(Check):
    """The trained network hardly ever recognizes some of the rare classes.

    What it measures: the predictions of the final network in evaluation mode on the training rows: rare classes of
    which less than a fifth is recognized, with so many rows that this is no chance (p < 0.01 if half of them were
    recognized), where the commonest class has at least three times the rows of the rarest. Where every pixel has a class,
    pixels are counted so, and for chance the pictures that have the class.
    Why it matters: plain accuracy hides it: always answering the commonest class looks good.
    Fix: weight the loss by class, sample classes evenly, and report balanced accuracy beside accuracy.
    Not a fault when: rare classes do not matter for the task.
    References: the article's reason 8; He and Garcia, "Learning from imbalanced data", 2009.
    """

    reason = "R08"
    name = "minority-class-ignored"
    needs = ("setup", "replay")
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        counts, ignored, unit = _measured(case)
        if ignored is None:
            return
        shown = ", ".join(
            f"class {label} ({hits} of {count} {unit})" for label, count, hits in ignored.classes[:3]
        )
        turned = _reversed_weights(case, counts)
        advice = "weight the loss or sample classes evenly"
        remedy = "give cross_entropy class weights, or use a WeightedRandomSampler; report balanced accuracy"
        weights: tuple[Evidence, ...] = ()
        if turned is not None:
            advice = f"its loss weighs the largest class {turned:.3g} times the smallest: divide by the counts"
            remedy = "weigh classes by 1 / their counts"
            weights = (Evidence("weight of the largest class in that of the smallest", turned, "< 1"),)
        yield self.suspect(
            f"the trained network hardly ever recognizes {len(ignored.classes)} of {len(counts)} classes: {shown}; the "
            f"largest class has {ignored.ratio:.0f} times the {unit} of the smallest (accuracy {ignored.accuracy:.2f}, "
            f"balanced {ignored.balanced:.2f}): {advice}",
            where=_weighed(case) or _loss_made(case) or named_loss(model_place(case)) or loss_place(case) or model_place(case),
            evidence=(
                Evidence("classes with a recall below 0.2", len(ignored.classes), "0"),
                Evidence(f"p if half of their {unit} were recognized", ignored.p, f">= {P}"),
                Evidence("balanced accuracy", ignored.balanced),
                Evidence(f"{unit} per class", counts.tolist()),
                *weights,
            ),
            remedy=remedy,
            explains=("R21",),
        )


def _measured(case: Case) -> tuple[NDArray[np.int64], Ignored | None, str]:
    """Rows (or pixels) of each class, what is ignored (None where nothing is that matters), and which they are."""
    found = rows(case)
    labels = class_labels(found.target, found.loss)
    if labels is None:
        return _measured_pixels(case)
    counts = _counts(labels)
    answers = _predictions(case, found.inputs)
    if answers is None:  # several inputs, or a loss within the model
        recorded = predicted(case)
        if recorded is None:
            raise NotChecked("the network's output is not one score for each class")
        labels, answers = recorded.labels, recorded.classes
    return counts, _that_matters(ignored_classes(labels, answers), labels), "rows"


def _measured_pixels(case: Case) -> tuple[NDArray[np.int64], Ignored | None, str]:
    with case.lab.at("final"):
        found = pixels(case)
    if found is None:
        raise NotApplicable("the targets are no class labels, of rows or of pixels")
    counts = _counts(found.labels)
    return counts, _that_matters(ignored_classes(found.labels, found.classes, found.pictures), found.labels), "pixels"


def _counts(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) < 2 or counts.max() < RATIO * counts.min():
        raise NotApplicable("the classes are of similar size")
    return counts


def _that_matters(ignored: Ignored, labels: NDArray[np.int64]) -> Ignored | None:
    unremarkable = not ignored.classes or ignored.p >= P or _learned_nothing(ignored) or _common_ones_too(ignored, labels)
    return None if unremarkable else ignored


def still_ignored(case: Case, change: Intervention, steps: int, thin: int) -> bool:
    """Whether rare classes are ignored by the trained network, and one of them still is after a replay with a change."""
    try:
        _, before, unit = _measured(case)
    except (NotApplicable, NotChecked):
        return False
    if before is None:
        return False
    after: list[Ignored | None] = []
    case.lab.train(change, steps=steps, after=lambda: after.append(_now_ignored(case, unit)), thin=thin)
    found = after[0] if after else None
    return found is not None and bool({label for label, *_ in before.classes} & {label for label, *_ in found.classes})


def _now_ignored(case: Case, unit: str) -> Ignored | None:
    """By the network in its present state."""
    if unit == "pixels":
        shown = pixels(case)
        return ignored_classes(shown.labels, shown.classes, shown.pictures) if shown is not None else None
    found = rows(case)
    labels = class_labels(found.target, found.loss)
    with torch.no_grad(), torch_state_kept():
        answers = _answers(batches(case)[0], found.inputs)
    fits = labels is not None and answers is not None and len(answers) == len(labels)
    return ignored_classes(labels, answers) if fits else None  # type: ignore[arg-type]


def _learned_nothing(ignored: Ignored) -> bool:
    """A network that answers one class although none prevails has not learned anything: not a matter of balance."""
    return ignored.predicted == 1 and (ignored.largest < 0.5 or ignored.accuracy < ignored.largest - LEARNED)


def _common_ones_too(ignored: Ignored, labels: NDArray[np.int64]) -> bool:
    """Whether a class as common as the average is ignored as well: then it is not a matter of balance."""
    average = len(labels) / len(np.unique(labels))
    return any(count >= average for _, count, _ in ignored.classes)


def _predictions(case: Case, inputs: torch.Tensor) -> NDArray[np.int64] | None:
    batch = batches(case)[0]
    if batch.others or batch.flow.prediction is None:
        return None
    with case.lab.at("final"), torch.no_grad(), torch_state_kept():
        return _answers(batch, inputs)


def _answers(batch: Batch, inputs: torch.Tensor) -> NDArray[np.int64] | None:
    """Of the network in its present state, in evaluation mode."""
    batch.module.eval()
    try:
        parts = [_outputs(batch, part) for part in inputs.split(CHUNK)]
    except Exception as error:  # a model tied to its batch size, or code of the user's that fails on other rows
        raise NotChecked(f"the model could not be called with other rows ({type(error).__name__})") from error
    output = torch.cat(parts).float()
    if output.dim() == 2 and output.shape[1] >= 2:
        return output.argmax(dim=1).numpy()
    output = output.reshape(len(output), -1)
    if output.shape[1] != 1:
        return None
    threshold = 0.0 if "logits" in (batch.flow.loss or "") else 0.5
    return (output[:, 0] > threshold).long().numpy()


def _outputs(batch: Batch, inputs: torch.Tensor) -> torch.Tensor:
    """The prediction that the loss compares, computed from other rows by the recorded tape."""
    number = next(number for number in batch.flow.inputs if batch.tape.leaves[number] is batch.input_leaf)
    prediction = batch.flow.prediction
    assert prediction is not None
    tape = batch.tape.pruned(prediction)
    values = tape.run(replace={number: inputs}, modes=False, until=prediction)
    output = values[prediction]
    if len(output) != len(inputs):
        raise ValueError("the output has not one row for each input")
    return output.detach().cpu()


def _reversed_weights(case: Case, counts: NDArray[np.int64]) -> float | None:
    """The weight of the largest class in that of the smallest, where a loss weighs frequent classes more; else None."""
    if case.lab.why_not_replayable() is not None:
        return None
    present = np.flatnonzero(counts)
    for call in case.lab.loss_calls(0):
        weight = call.argument(2, "weight")
        if call.name in ("cross_entropy", "nll_loss") and isinstance(weight, torch.Tensor) and len(weight) == len(counts):
            values = weight.detach().double().cpu().numpy()
            smallest = values[present[counts[present].argmin()]]
            ratio = float(values[counts.argmax()] / smallest) if smallest > 0 else 0.0
            return ratio if ratio >= WRONG_WAY else None
    return None


def _loss_made(case: Case) -> Place | None:
    """Where the loss was constructed, if it is a module: by the name that such classes have."""
    called = loss_place(case)
    made = line_behind(called, lambda node: isinstance(node, ast.Call) and called_name(node).endswith("Loss"))
    return made if made != called else None


def _weighed(case: Case) -> Place | None:
    """Where classes are weighed: the argument that gives a loss its weights, or its call; the loader's construction, if its
    sampler has them."""
    for node in batches(case)[0].tape.nodes:
        if node.name in CLASS_LOSSES and any(node.kwargs.get(name) is not None for name in WEIGHTS):
            return line_behind(node.place, keyword(*WEIGHTS))
    record = loader_of(case)
    weighed = record is not None and hasattr(getattr(record.loader, "sampler", None), "weights")
    return record.constructed or record.place if record is not None and weighed else None
