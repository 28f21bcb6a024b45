"""Faults of the batches: their inputs, their targets, their order."""

from __future__ import annotations

import ast

from benchmarks.accuracy.operators.places import batch_loops, calls, evaluating, keyword, model_calls, pair
from benchmarks.accuracy.operators.source import Injection, Source, operator


def _at_the_loop(source: Source, line: str) -> Injection | None:
    """A line at the start of the loop over batches; {x} and {y} are its input and target."""
    loops = [(loop, pair(loop)) for loop in batch_loops(source)]
    named = [(loop, names) for loop, names in loops if names is not None]
    if len(named) != 1:
        return None
    loop, (x, y) = named[0]
    return source.inject([source.before(loop.body[0], line.format(x=x, y=y))], also=[loop])


@operator("R04", "labels-mispaired", "R05", "R06")
def targets_permuted(source: Source) -> Injection | None:
    return _at_the_loop(source, "{y} = {y}[torch.randperm(len({y}))]")


@operator("R04", "labels-shifted", "R05", "R06")
def targets_off_by_one_row(source: Source) -> Injection | None:
    return _at_the_loop(source, "{y} = {y}.roll(1, 0)")


@operator("R06", "noisy-labels", "R04", "R05")
def targets_partly_random(source: Source) -> Injection | None:
    return _at_the_loop(source, "{y} = torch.where(torch.rand(len({y})) < 0.5, {y}[torch.randperm(len({y}))], {y})")


@operator("R01", "constant-input", "R02")
def zeros_for_input(source: Source) -> Injection | None:
    return _at_the_loop(source, "{x} = {x} * 0")


@operator("R01", "non-finite-input", "R37")
def a_nan_in_the_input(source: Source) -> Injection | None:
    return _at_the_loop(source, "{x} = torch.where({x} == {x}.max(), float('nan'), {x})")


@operator("R01", "same-batch-repeated")
def always_the_first_batch(source: Source) -> Injection | None:
    loops = [(loop, pair(loop)) for loop in batch_loops(source)]
    named = [(loop, names) for loop, names in loops if names is not None and isinstance(loop.iter, ast.Name)]
    if len(named) != 1:
        return None
    loop, names = named[0]
    text = f"[next(iter({source.of(loop.iter)}))] * len({source.of(loop.iter)})"
    return source.inject([source.replace(loop.iter, text)])


@operator("R12", "unstandardized-input", "R36", "R15")
def input_far_from_zero(source: Source) -> Injection | None:
    return source.inject([source.wrap(call.args[0], "(", ") * 100 + 300") for call in model_calls(source)])


@operator("R15", "train-validation-recipe-mismatch")
def validation_in_other_units(source: Source) -> Injection | None:
    found = [call for call in model_calls(source) if evaluating(source, call)]
    return source.inject([source.wrap(call.args[0], "(", ") * 16") for call in found])


@operator("R13", "augmentation-too-strong")
def noise_three_times_the_signal(source: Source) -> Injection | None:
    return _at_the_loop(source, "{x} = {x} + 3 * {x}.std() * torch.randn_like({x})")


@operator("R03", "incomplete-epoch", "R11", "R31")
def break_after_two_batches(source: Source) -> Injection | None:
    loops = batch_loops(source)
    if len(loops) != 1 or isinstance(source.parents[loops[0]], ast.Module):
        return None
    loop = loops[0]
    names = ast.unparse(loop.target)
    text = f"for seen, {('(' + names + ')') if ',' in names else names} in enumerate({source.of(loop.iter)}):"
    start = source.span(loop)[0]
    end = source.text.index(":", source.span(loop.iter)[1]) + 1
    from benchmarks.accuracy.operators.source import Edit

    indent = " " * loop.body[0].col_offset
    return source.inject([Edit(start, end, f"{text}\n{indent}if seen > 1:\n{indent}    break")])


@operator("R07", "unshuffled-training-data", "R10")
def not_shuffled(source: Source) -> Injection | None:
    edits = []
    for call in calls(source, "DataLoader"):
        value = keyword(call, "shuffle")
        if value is not None and ast.unparse(value) == "True":
            edits.append(source.replace(value, "False"))
    return source.inject(edits, also=batch_loops(source))
