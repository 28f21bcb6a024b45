"""Two networks that are to work against each other, and do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.finding import Evidence, Finding
from paramedic.trace.place import Place
from paramedic.trace.setup import BackwardRecord, OptimizerStep, Setup
from paramedic.trace.tape import Node, Tape

MEASURED_STEPS = 12  # optimizer steps that show who is trained by which loss
LOGITS = np.linspace(-4.0, 4.0, 17)  # values of the judge that are tried: 0 and 1, the targets of least squares, too
PROBABILITIES = np.linspace(0.02, 0.98, 17)  # the same for a judge that ends in a sigmoid


@dataclass(frozen=True)
class Call:
    """One call of the judge: number is that of its output in the tape."""

    tape: Tape
    number: int
    node: Node


@dataclass(frozen=True)
class Adversaries:
    """The judge's calls on given data and on generated ones in its own steps, and in those of the generator."""

    judge: nn.Module
    real: Call
    generated: Call
    fooled: Call


class AdversariesAgree(Check):
    """A generator is rewarded for what its judge already says: both losses pull the judge's output the same way.

    What it measures: which constant output of the judge (discriminator, critic) each loss is lowest at: for given data
        and for generated ones in the judge's own steps, and for generated ones in the generator's. The generator has
        to want what the judge gives to real data, and the judge has to tell the two apart.
    Why it matters: without a contest there is nothing that the generator could learn from.
    Fix: in the generator's step, give its samples the label of real data; in the judge's step, the other one.
    Not a fault when: the two networks are no adversaries.
    References: the article's reason 18; Goodfellow et al., "Generative adversarial networks", 2014.
    """

    reason = "R18"
    name = "adversaries-agree"
    also = ("R04",)
    needs = ("setup",)  # the recorded losses have to run with other outputs; with which weights does not matter
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        found = adversaries(case.setup)
        if found is None:
            raise NotApplicable("no network is trained to fool another one")
        try:
            with case.lab.at("initial"):
                calls = (found.real, found.generated, found.fooled)
                seen = [call.tape.run()[call.number].detach() for call in calls]
                inside = all(bool(((output >= 0) & (output <= 1)).all()) for output in seen)
                values = PROBABILITIES if inside else LOGITS
                real, generated, fooled = (wanted(*pair, values) for pair in zip(calls, seen, strict=True))
        except Exception as error:  # the program's own code, with other outputs
            raise NotChecked(f"the losses could not be run with other outputs: {type(error).__name__}") from error
        evidence = (
            Evidence("output that the judge's loss wants for real data", real),
            Evidence("output that the judge's loss wants for generated data", generated, "another one"),
            Evidence("output that the generator's loss wants", fooled, f"towards {real:g}"),
        )
        explains = ("R36", "R35", "R33", "R31", "R17", "R28", "R24", "S5", "R27", "R29", "R23", "R02")
        if real == generated:
            yield self.fault(
                f"the judge is trained to say the same of real and of generated data (its loss is lowest at {real:.2g} for "
                "both): it can tell nothing apart",
                where=_loss_place(found.generated), evidence=evidence, explains=explains, exact=True,
                remedy="give real and generated data different labels in the judge's step",
            )
        elif abs(fooled - generated) < abs(fooled - real):
            yield self.fault(
                f"the generator is trained for what the judge says of generated data anyhow (its loss is lowest at "
                f"{fooled:.2g}, the judge's at {generated:.2g} for generated and {real:.2g} for real data): it has to be "
                "trained towards real",
                where=_loss_place(found.fooled), evidence=evidence, explains=explains, exact=True,
                remedy="give the generator's samples the label of real data in the generator's step",
            )


def _loss_place(call: Call) -> Place | None:
    """Where the judge's output becomes a loss."""
    numbers = {call.number}
    for node in call.tape.nodes:
        if numbers & set(node.inputs()):
            if node.module is None and node.place is not None:
                return node.place
            numbers.update(number for number in node.outputs if number is not None)
    return call.node.place


def wanted(call: Call, seen: Tensor, values: np.ndarray) -> float:
    """The constant output of the judge, of those values, at which the loss is lowest."""
    losses = []
    for value in values:
        output = torch.full_like(seen, float(value)).requires_grad_()
        losses.append(float(call.tape.loss(replace={call.number: output}).detach()))
    return float(values[int(np.argmin(losses))])


def adversaries(setup: Setup) -> Adversaries | None:
    """A judge that is called in the steps of an optimizer that does not train it, on what another network made."""
    steps = list(_steps(setup))
    for tape, optimizer in steps:
        for node in tape.module_calls():
            judge = node.module
            assert judge is not None
            if optimizer in _trainers(setup, judge):
                continue
            fooled = _call(tape, node)
            if fooled is None or _from_others(tape, node, _modules_of(setup, optimizer)) != "network":
                continue
            own = [item for item, index in steps if index in _trainers(setup, judge)]
            calls = [
                (call, _from_others(item, other, [m for m in _called(item) if m is not judge]))
                for item in own for other in item.module_calls()
                if other.module is judge and other.grad_enabled and (call := _call(item, other)) is not None
            ]
            real = next((call for call, origin in calls if origin == "constants"), None)
            generated = next((call for call, origin in calls if origin == "network"), None)
            if real is not None and generated is not None:
                return Adversaries(judge, real, generated, fooled)
    return None


def _steps(setup: Setup) -> Iterator[tuple[Tape, int]]:
    """The tapes with the optimizer that makes the step after them."""
    for step in setup.steps[:MEASURED_STEPS]:
        index = next((event.optimizer for event in step if isinstance(event, OptimizerStep)), None)
        for event in step:
            if isinstance(event, BackwardRecord) and event.tape is not None and event.problem is None and index is not None:
                yield event.tape, index


def _trainers(setup: Setup, module: nn.Module) -> set[int]:
    own = {id(p) for p in module.parameters()}
    return {k for k, record in enumerate(setup.optimizers) if any(id(p) in own for p in record.parameters)}


def _modules_of(setup: Setup, optimizer: int) -> list[nn.Module]:
    return [record.module for record in setup.models if optimizer in _trainers(setup, record.module)]


def _called(tape: Tape) -> list[nn.Module]:
    return [node.module for node in tape.module_calls() if node.module is not None]


def _call(tape: Tape, node: Node) -> Call | None:
    outputs = [number for number in node.outputs if number is not None]
    return Call(tape, outputs[0], node) if len(outputs) == len(node.outputs) == 1 else None


def _from_others(tape: Tape, node: Node, modules: Sequence[nn.Module]) -> str | None:
    """Where the first input of a call comes from, through operations on one tensor alone: "network" (one of the
    modules), "constants", or None (mixed)."""
    makers = {number: item for item in tape.nodes for number in item.outputs if number is not None}
    numbers = list(node.inputs())[:1]
    while numbers:
        number = numbers.pop()
        maker = makers.get(number)
        if maker is None:
            leaf = tape.leaves.get(number)
            return "constants" if leaf is not None and not leaf.parameter else None
        if maker.module is not None:
            return "network" if any(maker.module is module for module in modules) else None
        given = list(maker.inputs())
        if len(given) != 1:
            return None
        numbers = given
    return None

