"""A metric that is divided by something else than the number of samples it was added up over."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.metric_source import WrongCount, evaluation_loops, full_batch_counts, wrong_counts
from paramedic.measurements.source import parsed
from paramedic.trace.place import Place
from paramedic.trace.tape import Tape

LEAST_ERROR = 0.02  # of the reported number: below it a last batch counted as full is a matter of taste
LEAST_IGNORED = 0.05  # of the compared targets
EQUAL = frozenset({"eq", "__eq__"})
CONVERSIONS = frozenset({"float", "double", "long", "int", "to", "type", "cpu"})
EXPECTED = {
    "batches": "the number of samples",
    "another split": "the length of the split that was evaluated",
    "the whole data set": "the number of rows that the sampler gives",
}


def loops_of_evaluations(case: Case) -> Iterator[tuple[ast.Module, ast.For, Place, int]]:
    """The loops in which the program evaluates: syntax tree, loop, place, and most batches seen in one pass."""
    batches: dict[Place, dict[int, int]] = {}
    for record in case.setup.evaluations:
        if record.place is not None:
            counts = batches.setdefault(record.place, {})
            counts[record.pass_number] = counts.get(record.pass_number, 0) + 1
    for place, counts in batches.items():
        tree = parsed(place.file)
        for loop in evaluation_loops(tree, place.line) if tree is not None else ():
            yield tree, loop, place, max(counts.values())  # type: ignore[misc]


class MetricDividedByWrongCount(Check):
    """A sum over samples is divided by the number of batches, by the size of another split, or as if every batch were full.

    What it measures: in the source of the loop in which evaluation was seen: names that add up a sum over the samples
    of each batch, and what they are divided by after the loop; and means of batches that are all weighted with the same
    batch size though the loader's last batch is smaller. Nothing is executed. And in the recorded evaluation: targets that
    the training loss ignores (padding), compared with predictions and counted like all others.
    Why it matters: the reported number is wrong by a constant factor while the network may be right; an accuracy above
    1, or one that can never reach it, hides progress.
    Fix: divide by the number of samples that were added up: len(loader.dataset), or a counter beside the sum.
    Not a fault when: means of batches are added up; dividing these by the number of batches is right.
    References: the article's reason 21.
    """

    reason = "R21"
    name = "metric-divided-by-wrong-count"
    needs = ("evaluation",)
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        looked, seen = False, set[int]()
        for tree, loop, place, _ in loops_of_evaluations(case):
            looked = True
            for found in wrong_counts(tree, loop, part=_gives_a_part(case, place)):
                if found.line in seen:
                    continue
                seen.add(found.line)
                over = ast.unparse(loop.iter)
                named = "sampler" if found.why == "the whole data set" else "dataset"
                meant = f"{over}.{named}" if isinstance(loop.iter, ast.Name | ast.Attribute) else "the evaluated rows"
                yield self.fault(
                    f"{found.total} adds up samples of {over} and is divided by {found.divisor} ({found.why}), expected "
                    f"{EXPECTED[found.why]}: divide by len({meant})",
                    where=Place(place.file, found.line, place.function),
                    evidence=(Evidence("divisor", found.divisor, EXPECTED[found.why]),),
                    remedy=f"divide by len({meant})",
                    explains=("R31", "R30"),
                    exact=True,
                )
            if (padded := _ignored_counted(case, place, tree, loop)) is not None and padded.line not in seen:
                seen.add(padded.line)
                yield self._padding(padded)
            excess = _excess(case, place)
            for found in full_batch_counts(tree, loop) if excess > LEAST_ERROR else ():
                if found.line not in seen:
                    seen.add(found.line)
                    yield self._full_batches(found, place, excess)
        if not looked:
            raise NotApplicable("no evaluation loop over batches was seen")

    def _padding(self, found: Padding) -> Finding:
        return self.fault(
            f"{found.share:.0%} of the targets that predictions are compared with are {found.ignored}, which the loss leaves "
            "out (expected 0%): none of them can ever be right, and all are counted: leave them out of the metric as well",
            where=Place(found.file, found.line, found.function),
            evidence=(
                Evidence("share of the counted targets that the loss ignores", round(found.share, 4), "0"),
                Evidence("target that the loss ignores", found.ignored),
            ),
            remedy=f"count only the targets that are not {found.ignored}: mask = target != {found.ignored}",
            explains=("R31", "R30"),
            exact=True,
        )

    def _full_batches(self, found: WrongCount, place: Place, excess: float) -> Finding:
        return self.fault(
            f"{found.total} counts every batch as a full one ({found.divisor}), but the last one is smaller: the rows are "
            f"counted {excess:.0%} too many, expected each once: use the number of rows of each batch",
            where=Place(place.file, found.line, place.function),
            evidence=(Evidence("rows counted too many", round(excess, 4), "0"),),
            remedy="weight each batch by its own number of rows (len(target)), or add up sums over samples",
            explains=("R31", "R30"),
            exact=True,
        )


def _gives_a_part(case: Case, place: Place) -> bool:
    """Whether the sampler of the loader that is evaluated at ``place`` gives fewer rows than the data set has. One process
    of several has its part as well, and the sums of all are added up.
    """
    for record in case.setup.evaluations:
        if record.place != place or record.loader is None:
            continue
        loader = case.setup.loaders[record.loader].loader
        try:
            if len(loader.sampler) < (1 - LEAST_ERROR) * len(loader.dataset):
                return not hasattr(loader.sampler, "num_replicas")
        except (AttributeError, TypeError):  # an own loader, or a stream
            continue
    return False


def _excess(case: Case, place: Place) -> float:
    """By which share full batches outnumber the rows of the loader that is evaluated at ``place``."""
    for record in case.setup.evaluations:
        if record.place != place or record.loader is None:
            continue
        loader = case.setup.loaders[record.loader].loader
        try:
            rows, size = len(loader.dataset), loader.batch_size
            if not rows or not size or loader.drop_last:
                continue
        except (AttributeError, TypeError):  # an own loader, or a stream
            continue
        return -(-rows // size) * size / rows - 1.0
    return 0.0


@dataclass(frozen=True)
class Padding:
    """Targets that the loss ignores, counted in a metric: their share, and the line of the comparison."""

    share: float
    ignored: int
    file: str
    line: int
    function: str


def _ignored_counted(case: Case, place: Place, tree: ast.Module, loop: ast.For) -> Padding | None:
    """Where all elements of a comparison with the targets are counted, those that the loss ignores among them."""
    ignored = _ignored_by_loss(case)
    if ignored is None:
        return None
    for record in case.setup.evaluations:
        if record.place != place:
            continue
        for node in record.tape.nodes:
            if node.name not in EQUAL or node.place is None or len(node.outputs) != 1:
                continue
            leaves = [record.tape.leaves[n].value for n in node.inputs() if n in record.tape.constants()]
            if len(leaves) != 1 or leaves[0].is_floating_point():
                continue
            share = float((leaves[0] == ignored).double().mean())
            if share >= LEAST_IGNORED and _all_counted(record.tape, node.outputs[0], tree, loop):
                return Padding(share, ignored, node.place.file, node.place.line, node.place.function)
    return None


def _ignored_by_loss(case: Case) -> int | None:
    """The class that the training loss leaves out; None where its loss has none."""
    if case.lab.why_not_replayable() is not None:
        return None
    calls = [call for call in case.lab.loss_calls(0) if call.name in ("cross_entropy", "nll_loss")]
    return int(calls[0].argument(4, "ignore_index", -100)) if calls else None


def _all_counted(tape: Tape, compared: int | None, tree: ast.Module, loop: ast.For) -> bool:
    """Whether a comparison is averaged over all elements; or added up beside a count of all elements, with no mask."""
    numbers = {compared}
    for node in tape.nodes:
        if not numbers & set(node.inputs()):
            continue
        if node.name == "mean":
            return True
        if node.name in CONVERSIONS:
            numbers.update(node.outputs)
        elif node.name != "sum":
            return False  # it meets something else: a mask
    body = [item for statement in loop.body for item in ast.walk(statement)]
    counts = any(isinstance(item, ast.Attribute) and item.attr in ("numel", "nelement") for item in body)
    return counts and not any(isinstance(item, ast.NotEq) for item in body)
