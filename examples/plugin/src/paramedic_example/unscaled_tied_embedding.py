"""A house rule as a check: an embedding that is tied to the output layer begins with small weights."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding

LARGEST_STD = 0.1  # GPT-2 takes 0.02; PyTorch's own embedding has 1, which makes logits of the size sqrt(width)


class UnscaledTiedEmbedding(Check):
    """An embedding shared with the output layer begins with PyTorch's standard deviation of 1.

    What it measures: the standard deviation of the initial weights that an embedding and a linear layer share.
    Why it matters: the first logits have a standard deviation of sqrt(width), and the loss starts far above log(V).
    Fix: nn.init.normal_(embedding.weight, std=0.02).
    Not a fault when: the logits are scaled down before the loss.
    References: Press & Wolf 2017; Radford et al. 2019.
    """

    reason = "R28"
    name = "unscaled-tied-embedding"
    needs = ("setup",)

    def examine(self, case: Case) -> Iterator[Finding]:
        initial = {id(live): value for live, value in case.setup.initial.tensors}
        found = False
        for record in case.setup.models:
            modules = dict(record.module.named_modules())
            outputs = {id(item.weight) for item in modules.values() if isinstance(item, nn.Linear)}
            for path, module in modules.items():
                if not isinstance(module, nn.Embedding) or id(module.weight) not in outputs:
                    continue
                found = True
                std = float(initial.get(id(module.weight), module.weight).std())
                if std > LARGEST_STD:
                    yield self.fault(
                        f"the tied embedding {path} begins with a standard deviation of {std:.2g} (expected at most "
                        f"{LARGEST_STD}): draw it with std=0.02",
                        where=record.constructed,
                        module=path,
                        evidence=(Evidence("standard deviation", std, f"<= {LARGEST_STD}"),),
                        remedy="nn.init.normal_(embedding.weight, std=0.02)",
                        exact=True,
                    )
        if not found:
            raise NotApplicable("no embedding is tied to a linear layer")
