"""A model that should predict the next token is trained to repeat the present one."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import loader_of
from paramedic.checks.data.places import row_place
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.causal_leak import (
    LEAK,
    Task,
    largest_change,
    other_future,
    run_task,
    tasks,
)

USES_THE_PAST = 1e-3  # change of a prediction by another past, in its standard deviations; of a pointwise model: 0

TWICE = 2  # positions: shifted by the program and by the loss


class TargetNotShifted(Check):
    """The target of a causal model is its input, position by position.

    What it measures: whether the target tokens are the input tokens at the same positions, in a model whose
        predictions depend on the past and not on the future.
    Why it matters: each position sees the token that it has to predict. The loss falls to almost zero by copying,
        and nothing is learned that generation could use.
        Where the program and the model both shift, it is the token after the next that is learned.
    Fix: predict the next token: inputs tokens[:, :-1], targets tokens[:, 1:].
    Not a fault when: the loss or the model (teacher forcing) shifts by itself; tokens are masked or corrupted in the input; the
        sequence goes through a bottleneck, as in an autoencoder. None of these is reported.
    References: the article's reason 4; Radford et al., Improving Language Understanding by Generative Pre-Training,
        2018, equation 1.
    """

    reason = "R04"
    name = "target-not-shifted"
    also = ("R25",)
    needs = ("setup", "replay")
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        of_tokens = [task for task in tasks(case, present=True) if not _continuous(case, task)]
        found = [task for task in of_tokens if task.shift.ahead in (0, TWICE)]
        if not found:
            raise NotApplicable("no target is the input's tokens at the same positions, or two positions ahead")
        for task in found:
            effect = _future_and_past(case, task)
            if effect is None:
                raise NotChecked("the recorded step does not repeat itself with other tokens")
            future, past, present = effect
            if future > LEAK or past <= USES_THE_PAST or (task.shift.ahead == 0 and present <= LEAK):
                continue
            if task.shift.ahead == TWICE:
                if any(self._predicts_from(case, other) for other in of_tokens if other.shift.ahead == 1):
                    continue  # several positions ahead are predicted on purpose
                yield self._shifted_twice(case, task, future, past)
                return
            yield self.fault(
                f"the target is the input itself: {task.shift.agreement:.0%} of the target tokens equal the input token "
                "at the same position, in a model that looks only back: shift the target by one",
                where=task.place,
                evidence=(
                    Evidence("target equals input", task.shift.agreement, "the next token", "at t + 0"),
                    Evidence("change of predictions by later tokens", future, "0", "standard deviations"),
                    Evidence("change of predictions by earlier tokens", past, "", "standard deviations"),
                ),
                remedy="feed tokens[:, :-1] and compare with tokens[:, 1:]",
                explains=("R21", "R31", "R36", "R05"),
                exact=True,
            )
            return


    @staticmethod
    def _predicts_from(case: Case, task: Task) -> bool:
        """Whether the predictions depend on these tokens: labels that the model shifts are a source of the target too."""
        effect = _future_and_past(case, task)
        return effect is None or effect[1] > USES_THE_PAST

    def _shifted_twice(self, case: Case, task: Task, future: float, past: float) -> Finding:
        loader = loader_of(case)
        written = row_place(loader.dataset) if loader is not None else None
        return self.fault(
            f"the target is the token after the next one: {task.shift.agreement:.0%} of the target tokens equal the input "
            f"token {TWICE} positions later, in a model that looks only back: labels and loss are both shifted; shift once",
            where=written or task.place,
            evidence=(
                Evidence("target equals input", task.shift.agreement, "the next token", f"at t + {TWICE}"),
                Evidence("change of predictions by later tokens", future, "0", "standard deviations"),
                Evidence("change of predictions by earlier tokens", past, "", "standard deviations"),
            ),
            remedy="where the model shifts the labels itself, give it the input tokens as labels",
            explains=("R21", "R31", "R36", "R05", "R35"),
            exact=True,
        )


def _continuous(case: Case, task: Task) -> bool:
    tape = case.lab.main_backward.tape
    assert tape is not None
    return tape.leaves[task.number].value.is_floating_point()


def _future_and_past(case: Case, task: Task) -> tuple[float, float, float] | None:
    """How much predictions change when the tokens after them are others, when those before them are, and when it is the
    token at their own position and those after it.
    """
    tape = case.lab.main_backward.tape
    assert tape is not None
    value, index = tape.leaves[task.number].value, task.shift.input_index
    middle = task.shift.length // 2
    later = other_future(value, index, middle)
    if later is None:
        return None
    earlier = later.detach().flatten().clone()  # the later tokens as they were, and those before them changed
    earlier[index[:, middle:]] = value.detach().flatten()[index[:, middle:]]
    earlier[index[:, :middle]] = value.detach().flatten()[index[:, :middle]].roll(1, 0)
    with case.lab.at("same"), case.lab.at("final"):
        base = run_task(case, tape, task, {task.number: value})
        with_later = run_task(case, tape, task, {task.number: later})
        with_earlier = run_task(case, tape, task, {task.number: earlier.reshape(value.shape)})
    if base is None or with_later is None or with_earlier is None:
        return None
    index = task.shift.target_index
    return (
        largest_change(base, with_later, index[:, :middle].flatten()),
        largest_change(base, with_earlier, index[:, middle:].flatten()),
        largest_change(base, with_later, index[:, middle].flatten()),
    )
