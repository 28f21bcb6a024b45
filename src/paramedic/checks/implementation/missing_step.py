"""Gradients are computed, and the parameters never change."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.wiring import SYMPTOMS, optimizer_parameters, steps_of, unchanged, wiring
from paramedic.trace.place import Place
from paramedic.trace.setup import NEVER_STEPPED, OptimizerRecord

LEAST_BACKWARDS = 3  # fewer gradients are looked at, not trained with


class MissingStep(Check):
    """Gradients are computed, but the optimizer never makes a step.

    What it measures: calls of ``backward`` that reach an optimizer's parameters, its steps, and whether any of the
    parameters differs from its initial value in a single bit.
    Why it matters: the loss wanders with the batches and the network stays as it was initialized.
    Fix: call ``optimizer.step()`` after ``loss.backward()``; look whether a condition around it is ever true.
    Not a fault when: the program only looks at gradients (saliency); parameters are updated by hand.
    References: the article's reason 23; torch.optim, "Taking an optimization step".
    """

    reason = "R23"
    name = "missing-step"
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        setup, facts = case.setup, wiring(case)
        if setup.backward_calls < LEAST_BACKWARDS:
            raise NotApplicable(f"backward was called {setup.backward_calls} times")
        if not setup.optimizers:
            yield from self._by_hand(case)
            return
        for record in setup.optimizers:
            own = [p for p in optimizer_parameters(record) if id(p) in facts.reached]
            idle = [p for p in own if id(p) not in facts.stepped]
            if record.steps or not idle or not all(unchanged(case, p) for p in idle):
                continue
            if case.running and record.erased < NEVER_STEPPED:
                continue  # it may begin later, as the second network of a pair does
            yield self._never_steps(case, record, idle)

    def _never_steps(self, case: Case, record: OptimizerRecord, idle: list[Tensor]) -> Finding:
        calls = case.setup.backward_calls
        backward = next((item.place for item in case.setup.backwards()), None)
        written = unreached_step(case, backward)
        why = "optimizer.step() is written there but never reached" if written else "optimizer.step() is never called"
        return self.fault(
            f"{why}: {calls} calls of backward, 0 steps of {record.kind}, and all of its {len(idle)} parameters are "
            "bit for bit as at the start: call optimizer.step() after backward",
            where=written or backward or record.constructed,
            evidence=(
                Evidence("optimizer steps", 0, f"up to {calls}"),
                Evidence("parameters that changed", 0, f"{len(idle)}"),
            ),
            remedy="call optimizer.step() after loss.backward(), and check the condition that it stands under",
            explains=(*SYMPTOMS, "R34", "missing-zero-grad", "R32", "R21"),
            exact=True,
        )

    def _by_hand(self, case: Case) -> Iterator[Finding]:
        """No optimizer at all: an update by hand that writes nowhere."""
        facts = wiring(case)
        own = [facts.registered[key].tensor for key in facts.reached if key in facts.registered]
        tapes = [record.tape for record in case.lab.backwards]
        if any(leaf.value.requires_grad for tape in tapes if tape for leaf in tape.constants().values()):
            raise NotApplicable("gradients are taken with respect to the input")
        if not own or not all(unchanged(case, p) for p in own):
            raise NotApplicable("the program has no optimizer: parameters are updated by hand")
        calls = case.setup.backward_calls
        yield self.suspect(
            f"no parameter ever changes: {calls} calls of backward, no optimizer, all {len(own)} parameters are bit "
            "for bit as at the start: use an optimizer, or write the update into the parameters under torch.no_grad()",
            where=next((item.place for item in case.setup.backwards()), None),
            evidence=(Evidence("parameters that changed", 0, f"{len(own)}"),),
            remedy="an update by hand must write into the parameter: `with torch.no_grad(): p -= lr * p.grad`",
            explains=(*SYMPTOMS, "R34", "R32"),
        )


def unreached_step(case: Case, backward: Place | None) -> Place | None:
    """A ``.step()`` call in the function of the backward call that was never made; None if there is none."""
    if backward is None:
        return None
    places = [record.stepped for record in case.setup.schedulers] + [step.place for step in steps_of(case)]
    made = {(place.file, place.line) for place in places if place is not None}
    for line in _step_lines(backward):
        if (backward.file, line) not in made:
            return Place(backward.file, line, backward.function)
    return None


def _step_lines(backward: Place) -> list[int]:
    """Lines of ``X.step(...)`` calls inside the innermost loop around a line, after it."""
    source = "".join(linecache.getlines(str(Path(backward.file).absolute())))
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    loops = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.For | ast.While) and node.lineno <= backward.line <= (node.end_lineno or 0)
    ]
    if not loops:
        return []
    innermost = max(loops, key=lambda node: node.lineno)
    return sorted(
        node.lineno
        for node in ast.walk(innermost)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "step"
        and node.lineno > backward.line
    )
