"""The output for a sample depends on how large its batch is, or what statistics the batch has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.rerun import Rerun, place_of_step, seeded
from paramedic.checks.implementation.sample_flow import STATISTICS, Mixing, batch_of, described, sample_flow
from paramedic.checks.implementation.samples_influence_each_other import require_verdict
from paramedic.measurements.dependence import difference, scale
from paramedic.trace.random_state import torch_state

SIZES = (7, 3, 2, 1)
ALONE = 1e-2  # relative; float32 kernels differ by 1.4e-6 between batch sizes, up to 1e-4 in deep networks


class BatchSizeDependentOutput(Check):
    """A sample gets another output alone than in its batch, in evaluation mode.

    What it measures: which operation normalizes with the statistics of the present batch (by the change of one sample);
        and f(x[:B])[i] against the same sample's output in the whole batch, for B of 7, 3, 2 and 1.
    Why it matters: what the model predicts for a sample depends on its company; alone, a sample minus its own mean is
        zero. Validation with another batch size, and inference, give something else than training.
    Fix: normalize with running statistics (BatchNorm with track_running_stats=True), or each sample on its own.
    Not a fault when: the model compares the samples of a batch on purpose.
    References: the article's reason 25; S. Ioffe, C. Szegedy, Batch Normalization, 2015, section 3.1.
    """

    reason = "R25"
    name = "batch-size-dependent-output"
    needs = ("setup", "replay")
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        flow = sample_flow(case)
        require_verdict(flow)
        for mixing in flow.mixings:
            if mixing.by_statistics and mixing.certain:
                yield self._by_statistics(case, mixing)
        mixed = [mixing.rerun.module for mixing in flow.mixings]
        done: list[object] = []
        for rerun in flow.tested:
            if any(rerun.module is item for item in (*mixed, *done)):
                continue
            done.append(rerun.module)
            yield from self._by_size(case, rerun)

    def _by_statistics(self, case: Case, mixing: Mixing) -> Finding:
        step = next(item for item in mixing.steps if item.call.name in STATISTICS)
        first = mixing.steps[0] if mixing.steps[0].call.name in ("mean", "sum") else step
        advice = "use running statistics in evaluation (BatchNorm), or normalize each sample on its own"
        return self.fault(
            f"{described(step.call)} normalizes with the statistics of the present batch, also in evaluation mode: one "
            f"changed sample of {mixing.count} changes the output of others by {mixing.leak.others:.2g} standard "
            f"deviations (expected 0): {advice}",
            where=place_of_step(case.setup, first.call, mixing.rerun.node),
            module=step.call.module_path,
            evidence=(
                Evidence("change of other samples' output", mixing.leak.others, "0", "standard deviations"),
                Evidence("batch size", mixing.count),
            ),
            remedy=advice,
            explains=("samples-influence-each-other", "R05", "R17", "R31", "R32", "R33", "R35", "S5"),
            exact=True,
        )

    def _by_size(self, case: Case, rerun: Rerun) -> Iterator[Finding]:
        found = alone(case, rerun)
        if found is None:
            return
        if found.error is None:
            yield self.suspect(
                f"the output of a sample changes by {found.change:.2g} standard deviations between a batch of "
                f"{found.count} and one of {found.size} (expected 0): take the batch size out of the computation",
                where=rerun.node.place,
                evidence=(Evidence("change of the output", found.change, "0", "standard deviations"),),
                remedy="take the batch size out of the computation",
            )


@dataclass(frozen=True)
class Alone:
    """The first smaller batch in which samples get another output than in the whole batch."""

    size: int
    count: int
    change: float
    error: Exception | None = None


def alone(case: Case, rerun: Rerun) -> Alone | None:
    """Compare smaller batches with the whole one; None where they agree or the batch cannot be cut."""
    numbers = [n for n, value in rerun.inputs.items() if value.dim() > 0]
    known = ((n, batch_of(rerun, n)) for n in numbers)
    count = next((rerun.inputs[n].shape[0] for n, batch in known if batch is not None and batch.dim == 0), None)
    if count is None or count < 2 or any(rerun.inputs[n].shape[0] != count for n in numbers):
        return None
    with case.lab.at("final"):
        for part in rerun.module.modules():
            part.training = False
        whole = rerun()
        for size in (size for size in SIZES if size < count):
            try:
                cut = rerun({n: rerun.inputs[n][:size] for n in numbers})
            except Exception as error:  # written for one batch size, or for two samples at least
                return Alone(size, count, float("inf"), error)
            change = _change(whole, cut, size, count)
            if change is not None and change > ALONE:
                if _draws(rerun):
                    return None  # another batch size gets other random numbers (a sampled latent variable)
                return Alone(size, count, change)
    return None


def _draws(rerun: Rerun) -> bool:
    """Whether the module draws random numbers in evaluation mode too: its run moves the generator on from where the
    recorded call (else ``seeded``) had it."""
    rerun()
    after = torch_state()
    seeded()
    before = torch_state() if rerun.node.rng is None else rerun.node.rng
    return not after.same(before)


def _change(whole: list[Tensor], cut: list[Tensor], size: int, count: int) -> float | None:
    changes = [
        float(difference(one[:size], other).max()) / scale(one)
        for one, other in zip(whole, cut, strict=False)
        if one.shape[0] == count and other.shape == (size, *one.shape[1:]) and bool(torch.isfinite(one).all())
    ]
    return max(changes, default=None)
