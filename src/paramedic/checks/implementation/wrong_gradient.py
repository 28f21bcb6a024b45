"""A hand-written backward pass that is not the derivative of its forward pass."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.custom_functions import (
    Verdict,
    argument_name,
    backward_place,
    checked,
    functions_of,
    observed,
)
from paramedic.checks.implementation.gradient_cuts import (
    Cut,
    cuts,
    partial_gradients,
    with_gradients,
)
from paramedic.checks.implementation.wiring import UNUSED_SHARE, layer_names, weight_share, wiring
from paramedic.measurements.gradients import Derivatives

ERROR = 3e-4  # relative; correct: <= 2e-5 in 28 of 28 programs, a factor of 1.001 in a backward: 1e-3
PARTIAL = 1e-2  # relative; a part of the gradient that is worth having
ERROR_SINGLE = 5e-2  # where the Function only takes float32


class WrongGradient(Check):
    """The gradient that training uses is not the gradient of the loss.

    What it measures: each of the program's own autograd Functions is called with the inputs of a recorded step, in
        float64; its backward pass is compared with central finite differences in random directions, for each input
        that needs a gradient. One that gives nothing but zeros is told apart from a surrogate. Where a value inside the
        model is taken out of the graph and computed on with, the gradients of the parameters are compared with differences
        of the loss, and training is repeated without the cut.
    Why it matters: the optimizer follows a direction that does not lead down. Nothing else shows it: shapes fit, and
        the loss may even fall for a while.
    Fix: correct backward, and keep torch.autograd.gradcheck as a test of it; or leave it to autograd.
    Not a fault when: the gradient is a surrogate on purpose: straight-through estimators, gradient reversal, clipping.
    References: the article's reasons 22 and 26; torch.autograd.gradcheck; CS231n notes, Gradient Checks.
    """

    reason = "R22"
    name = "wrong-gradient"
    also = ("R26",)
    needs = ("setup", "replay")
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        operations = case.lab.operations(0)
        functions = functions_of(operations.root) if operations.root is not None else []
        cut = cuts(case)
        if not functions and not cut:
            raise NotApplicable("no custom autograd Function takes part in the loss, no value leaves the graph in a model")
        if functions:
            yield from self._of_functions(case, functions)
        if cut:
            yield from self._of_cuts(case, cut)

    def _of_cuts(self, case: Case, found: list[Cut]) -> Iterator[Finding]:
        try:
            with case.lab.at("initial"):
                partial = partial_gradients(case)
        except Exception as error:  # the model does not run in float64
            raise NotChecked(f"the loss does not run in float64: {type(error).__name__}: {str(error)[:120]}") from error
        worst = max(partial, key=lambda item: item.derivatives.error, default=None)
        if worst is None or worst.derivatives.error <= PARTIAL:
            return
        proof = with_gradients(case, found) if case.lab.why_no_budget() is None else None
        if proof is None:
            return
        first = found[0]
        level = self.suspect if first.name == "detach" else self.fault
        lines = ", ".join(str(line) for line in sorted({cut.place.line for cut in found}))
        yield level(
            f"{_cutting(first)} takes a value out of the graph that the model computes on with (line {lines}): the "
            f"gradient of {worst.parameter} is off by {worst.derivatives.error:.0%} (expected 0%); with its gradient, "
            f"the loss falls to {proof.after:.3g} and not only {proof.before:.3g}: leave the value in the graph",
            where=first.place,
            module=first.module_path,
            evidence=(Evidence("relative error of the gradient", worst.derivatives.error, f"below {PARTIAL:g}"),),
            remedy=f"leave the value in the graph: no {_cutting(first)}",
            proof=proof,
            explains=("R18", "R35", "R33", "R31", "R36", "R17", "R05", "S5", "R24", "R28"),
        )

    def _of_functions(self, case: Case, functions: list[type]) -> Iterator[Finding]:
        tape = case.lab.main_backward.tape
        assert tape is not None
        problems: list[str] = []
        judged = 0
        with case.lab.at("initial"):
            with observed(functions) as calls:
                case.lab.log(tape)
            done: set[type] = set()
            for call in calls:
                if call.function in done:
                    continue
                try:
                    verdict = checked(call)
                except Exception as error:
                    problems.append(f"{call.function.__name__}: {type(error).__name__}: {str(error)[:120]}")
                    continue
                judged += 1
                found = self._silent(case, verdict) or self._finding_of(verdict)
                if found is not None:
                    done.add(call.function)
                    yield found
        if not judged:
            raise NotChecked(problems[0] if problems else "the custom Functions were not called in the replay")

    def _silent(self, case: Case, verdict: Verdict) -> Finding | None:
        """A surrogate of a step function that lets nothing through, where parameters wait behind it."""
        facts = wiring(case)
        starved = [item for key, item in facts.registered.items() if key in facts.reached - facts.nonzero]
        if not verdict.silent or verdict.identity or not starved:
            return None
        function, position, names = verdict.function, verdict.silent[0], layer_names(starved)
        share = weight_share([item.tensor for item in starved], starved[0].root.parameters())
        if share <= UNUSED_SHARE:
            return None
        return self.fault(
            f"the backward of {function.__name__} gives exactly 0 for every entry of {argument_name(function, position)}, "
            f"although its output changes with it: {len(starved)} parameters ({share:.0%} of the weights: {names}) "
            "never get a gradient (expected some that are not 0)",
            where=backward_place(function, position),
            module=function.__name__,
            reason="R26",
            evidence=(
                Evidence("entries of the gradient that are not 0", 0, "> 0"),
                Evidence("share of the weights without a gradient", round(share, 4), "0"),
                Evidence("called at", str(verdict.place)),
            ),
            remedy=f"let the gradient through in {function.__name__}.backward where the input is within its range",
            explains=("R18", "R35", "R33", "R31", "R36", "R17", "R05", "S5", "R28", "R34", "R23", "R24", "R27"),
            exact=True,
        )

    def _finding_of(self, verdict: Verdict) -> Finding | None:
        limit = ERROR if verdict.double else ERROR_SINGLE
        wrong = {position: item for position, item in verdict.derivatives.items() if item.error > limit}
        if not wrong:
            return None
        function = verdict.function
        real = {p: item for p, item in wrong.items() if not (verdict.identity or item.flat or item.copies)}
        if not real:
            return self.note(
                f"the backward of {function.__name__} is not the derivative of its forward, "
                f"{_surrogate(verdict, next(iter(wrong.values())))}: fine if deliberate",
                where=backward_place(function),
                module=function.__name__,
            )
        position, worst = max(real.items(), key=lambda pair: pair[1].error)
        name = argument_name(function, position)
        return self.fault(
            f"the backward of {function.__name__} gives a wrong gradient for {name}: {_description(worst)} "
            f"(relative error {worst.error:.2g}, expected below {limit:g}): correct it and test it with "
            f"torch.autograd.gradcheck, or leave it to autograd",
            where=backward_place(function, position),
            module=function.__name__,
            reason="R22" if verdict.place is not None else "R26",  # within a module, or outside: a loss
            evidence=(
                Evidence("relative error of the gradient", worst.error, f"below {limit:g}"),
                Evidence("derivative by finite differences", worst.numeric[0]),
                Evidence("derivative by backward", worst.automatic[0], f"{worst.numeric[0]:.6g}"),
                Evidence("called at", str(verdict.place)),
            ),
            remedy=f"correct {function.__name__}.backward and test it with torch.autograd.gradcheck",
            explains=("R18", "R35", "R33", "R31", "R36", "R17", "R05", "S5", "R28", "R34"),
            exact=True,
        )


def _cutting(cut: Cut) -> str:
    return {"data": ".data", "detach": ".detach()"}.get(cut.name, f"torch.{cut.name}")


def _surrogate(verdict: Verdict, worst: Derivatives) -> str:
    if verdict.identity:
        return f"which is the identity (it multiplies the gradient by {worst.ratio:.3g})"
    if worst.flat:
        return "which is piecewise constant: a straight-through or surrogate gradient"
    return "but passes the gradient through unchanged: a straight-through gradient"


def _description(worst: Derivatives) -> str:
    if worst.missing:
        return "none, where finite differences give one"
    ratios = [b / a if a else float("inf") for a, b in zip(worst.numeric, worst.automatic, strict=True)]
    if max(ratios) - min(ratios) < 1e-3 * abs(worst.ratio):
        return f"{worst.ratio:.4g} times the true one"
    return f"{worst.automatic[0]:.4g} where finite differences give {worst.numeric[0]:.4g}"
