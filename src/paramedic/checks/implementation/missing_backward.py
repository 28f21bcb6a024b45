"""A loss is computed and never differentiated."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.wiring import SYMPTOMS, main_optimizer, measured_steps, step_place
from paramedic.trace.place import Place
from paramedic.trace.setup import EvaluationRecord

LEAST_STEPS = 2


class MissingBackward(Check):
    """The training loop never calls backward.

    What it measures: calls of ``backward`` and ``torch.autograd.grad`` in the whole run, optimizer steps, and whether
    any of the steps found a gradient.
    Why it matters: without gradients ``optimizer.step()`` does nothing, silently; the weights stay as initialized.
    Fix: call ``loss.backward()`` between the computation of the loss and ``optimizer.step()`` (in a closure: before
    it returns the loss).
    Not a fault when: the program only evaluates a model; gradients are made in another way (torch.func, by hand).
    References: the article's reason 23; torch.optim, "Taking an optimization step".
    """

    reason = "R23"
    name = "missing-backward"

    def examine(self, case: Case) -> Iterator[Finding]:
        setup = case.setup
        if not setup.optimizers:
            raise NotApplicable("the program has no optimizer")
        if setup.backward_calls:
            return
        record = main_optimizer(case)
        if any(step.gradients_nonzero for step in measured_steps(case)):
            raise NotApplicable("gradients are made without backward")
        forward = _training_forward(case)
        steps = record.steps if record is not None else 0
        if (steps < LEAST_STEPS and forward is None) or not setup.models:
            raise NotApplicable("the program does not train")
        loss = _loss_place(forward)
        done = f"{steps} optimizer steps were made" if steps else "an optimizer was constructed and a loss computed"
        yield self.fault(
            f"backward is never called: {done} with 0 calls of backward, so no parameter has a gradient: "
            "call loss.backward() after the loss is computed",
            where=loss or step_place(case) or setup.optimizers[0].constructed,
            evidence=(
                Evidence("calls of backward", 0, f"{max(steps, 1)}"),
                Evidence("optimizer steps", steps),
            ),
            remedy="call loss.backward() after the loss is computed and before optimizer.step()",
            explains=(*SYMPTOMS, "R34", "R32", "R21", "R07", "R03", "missing-step", "parameters-not-reached"),
            exact=True,
        )


def _training_forward(case: Case) -> EvaluationRecord | None:
    """A recorded forward pass with gradients enabled that nobody differentiated."""
    return next((item for item in case.setup.evaluations if item.grad), None)


def _loss_place(record: EvaluationRecord | None) -> Place | None:
    """The line of the last operation of the pass that could have been differentiated."""
    if record is None:
        return None
    return next((node.place for node in reversed(record.tape.nodes) if node.grad), record.place)
