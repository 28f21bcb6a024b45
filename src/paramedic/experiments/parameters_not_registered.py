"""Parameters that the model uses and does not know of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.hidden import Hidden, assignment, hidden_tensors
from paramedic.checks.implementation.wiring import (
    SYMPTOMS,
    distinct_tapes,
    main_optimizer,
    weight_share,
    wiring,
)
from paramedic.experiments.train_also import LEAST_GAIN, Gain, gain_of_training
from paramedic.trace.place import Place

LEAST_ELEMENTS = 16  # of a plain tensor that could have been meant to be learned


class ParametersNotRegistered(Check):
    """Parameters are in no module's ``parameters()``: layers in a Python list or dict, plain tensors as attributes.

    What it measures: leaves of the loss's graph that no model registers and no optimizer holds; and plain random
    tensors among a model's attributes, for which the recorded steps run again with them trained.
    Why it matters: the optimizer never sees them, ``.to(device)`` and ``state_dict`` leave them out.
    Fix: ``nn.ModuleList``, ``nn.ModuleDict``, ``nn.Parameter``, or assign the layer as an attribute of the module.
    Not a fault when: the tensor is a constant on purpose (position codes, masks, random Fourier features; better a
    buffer); the program gives the list's parameters to the optimizer itself.
    References: the article's reason 23; torch.nn.ModuleList; torch.nn.Module.register_buffer.
    """

    reason = "R23"
    name = "parameters-not-registered"
    needs = ("replay",)
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        if main_optimizer(case) is None:
            raise NotApplicable("no optimizer made a step")
        loose, plain = _candidates(case)
        if loose:
            yield self._fault_of(case, loose, None)
        elif plain and case.lab.why_no_budget() is None:
            gain = gain_of_training(case.lab, [item.tensor for item in plain])
            if gain.gain > LEAST_GAIN:
                yield self._fault_of(case, plain, gain)

    def _fault_of(self, case: Case, items: list[Hidden], gain: Gain | None) -> Finding:
        first = items[0]
        names = ", ".join(dict.fromkeys(f"self.{item.attribute}" for item in items))
        kept = f"a plain {_container(first)}" if first.module is not None else "plain tensors"
        share = weight_share([item.tensor for item in items], [*(item.tensor for item in items), *_registered(first)])
        effect = ""
        if gain is not None:
            effect = f"; trained too, the loss falls to {min(gain.after):.3g} instead of {min(gain.before):.3g}"
        remedy = _remedy(first)
        return self.fault(
            f"{len({id(item.tensor) for item in items})} parameters ({share:.0%} of the weights) in {names} are not "
            f"registered: {kept}, so no optimizer updates them{effect}: {remedy}",
            where=_place(case, first),
            module=_path(case, first.holder),
            evidence=(
                Evidence("parameters that no module registers", len(items), "0"),
                Evidence("share of the weights", round(share, 4), "0"),
            ),
            remedy=remedy,
            gain=None if gain is None else gain.gain,
            explains=(*SYMPTOMS, "parameters-not-reached", "parameters-not-optimized"),
            exact=True,
        )


def _candidates(case: Case) -> tuple[list[Hidden], list[Hidden]]:
    """Parameters that no module registers; and, where there are none, plain tensors that may be meant as such."""
    roots = [record.owner if record.owner is not None else record.module for record in case.setup.models]
    hidden = [item for root in {id(root): root for root in roots}.values() for item in hidden_tensors(root)]
    used = _tensors_read(case)
    loose = [item for item in hidden if _is_loose(case, item)]
    return loose, [] if loose else [item for item in hidden if _may_be_a_parameter(item, used)]


def unregistered(case: Case) -> list[Tensor]:
    """The tensors that a finding of this check speaks of."""
    loose, plain = _candidates(case)
    return [item.tensor for item in loose or plain]


def _is_loose(case: Case, item: Hidden) -> bool:
    facts = wiring(case)
    return id(item.tensor) in facts.loose and id(item.tensor) not in facts.held


def _tensors_read(case: Case) -> set[int]:
    """Tensors that some operation of a training forward reads and none makes."""
    chosen = distinct_tapes(case)
    read: set[int] = set()
    for index, record in enumerate(case.lab.backwards):
        if any(record is item for item in chosen):
            for call in case.lab.operations(index).calls:
                read.update(id(item) for item in call.inputs)
    return read


def _may_be_a_parameter(item: Hidden, used: set[int]) -> bool:
    """A plain floating-point tensor that takes part in the forward pass without a gradient."""
    tensor = item.tensor
    usable = tensor.is_floating_point() and tensor.is_leaf and not tensor.requires_grad
    return item.module is None and usable and tensor.numel() >= LEAST_ELEMENTS and id(tensor) in used


def _place(case: Case, item: Hidden) -> Place | None:
    """Where the attribute is assigned, else where the hidden layer is constructed."""
    constructed = case.setup.constructed.get(item.module) if item.module is not None else None
    return assignment(item.holder, item.attribute) or constructed or case.setup.constructed.get(item.holder)


def _container(item: Hidden) -> str:
    return type(vars(item.holder)[item.attribute]).__name__


def _remedy(item: Hidden) -> str:
    value: Any = vars(item.holder)[item.attribute]
    if item.module is None:
        return f"make self.{item.attribute} an nn.Parameter"
    return f"make self.{item.attribute} an nn.{'ModuleDict' if isinstance(value, dict) else 'ModuleList'}"


def _registered(item: Hidden) -> list[Tensor]:
    return list(item.holder.parameters())


def _path(case: Case, holder: nn.Module) -> str | None:
    return next((path for record in case.setup.models if (path := record.path_of(holder))), None)
