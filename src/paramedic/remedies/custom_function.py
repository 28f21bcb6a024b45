"""A custom Function whose backward is wrong: its forward pass, left to autograd."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import method
from paramedic.remedies.source import NoPatch, Source, dotted, names_in

CHECKS = ("wrong-gradient",)
# What autograd cannot go through, or goes through with a gradient of zero.
FLAT = frozenset(
    "round floor ceil trunc frac sign sgn argmax argmin item tolist numpy detach no_grad heaviside bernoulli one_hot long "
    "int bool data from_numpy tensor as_tensor".split()
)


def rewrite(source: Source, finding: Finding) -> None:
    """The class keeps its name and ``apply``, which is now the forward pass itself; ``backward`` goes."""
    owners = [item for item in source.nodes(cst.ClassDef) if item.name.value == finding.module]
    if len(owners) != 1 or not isinstance(owners[0].body, cst.IndentedBlock):
        raise NoPatch("the Function is not a class of this file")
    owner = owners[0]
    if len(owner.bases) != 1 or not source.code(owner.bases[0].value).endswith("Function"):
        raise NoPatch("it is no plain torch.autograd.Function")
    forward = method(owner, source, "forward")
    _sure(source, owner, forward)
    parameters = forward.params.params
    context = parameters[0].name.value
    for statement in source.nodes(cst.SimpleStatementLine, forward):
        if context in set(names_in(statement)):
            if not _only_keeps(source, statement, context):
                raise NoPatch("the context is used for more than keeping values")
            source.remove(statement)
    source.change(owner, lambda node: node.with_changes(
        bases=(), lpar=cst.MaybeSentinel.DEFAULT, rpar=cst.MaybeSentinel.DEFAULT
    ))
    source.change(forward, lambda node: node.with_changes(
        name=cst.Name("apply"), params=node.params.with_changes(params=node.params.params[1:])
    ))
    for function in source.nodes(cst.FunctionDef, owner):
        if function.name.value != "forward" and source.outer(function, cst.ClassDef) is owner:
            source.remove(function)


def _sure(source: Source, owner: cst.ClassDef, forward: cst.FunctionDef) -> None:
    """NoPatch unless autograd's gradient of the forward pass is certainly what is meant."""
    others = {
        item.name.value for item in source.nodes(cst.FunctionDef, owner) if source.outer(item, cst.ClassDef) is owner
    } - {"forward", "backward"}
    if others:
        raise NoPatch(f"the Function has more than a forward and a backward pass: {', '.join(sorted(others))}")
    if not forward.params.params or not any(source.code(item.decorator) == "staticmethod" for item in forward.decorators):
        raise NoPatch("its forward pass is no static method with a context")
    for attribute in source.nodes(cst.Attribute, forward):
        if attribute.attr.value in FLAT or attribute.attr.value.endswith("_") and not attribute.attr.value.startswith("_"):
            raise NoPatch(f"autograd does not go through {attribute.attr.value}")
    if source.nodes((cst.AugAssign, cst.With), forward):
        raise NoPatch("its forward pass writes in place, or with gradients off")
    for assign in source.nodes(cst.Assign, forward):
        target = assign.targets[0].target
        if isinstance(target, cst.Subscript):
            raise NoPatch("its forward pass writes in place")
    used = [item for item in source.nodes(cst.Attribute) if dotted(item.value) == owner.name.value]
    if not used or any(item.attr.value != "apply" for item in used):
        raise NoPatch("the Function is used otherwise than by apply")


def _only_keeps(source: Source, statement: cst.SimpleStatementLine, context: str) -> bool:
    """``ctx.save_for_backward(...)``, ``ctx.mark_...(...)``, ``ctx.name = ...``: nothing that the result depends on."""
    if len(statement.body) != 1:
        return False
    item = statement.body[0]
    if isinstance(item, cst.Expr) and isinstance(item.value, cst.Call):
        return (dotted(item.value.func) or "").startswith(f"{context}.") and not any(
            context in set(names_in(given)) for given in item.value.args
        )
    if isinstance(item, cst.Assign) and len(item.targets) == 1:
        kept = (dotted(item.targets[0].target) or "").startswith(f"{context}.")
        return kept and context not in set(names_in(item.value))
    return False
