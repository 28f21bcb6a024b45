"""Programs of kinds that were judged wrongly once: sound ones are silent, and their faulty twins are not."""

from __future__ import annotations

import copy
import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tests.helpers import findings, observe

DIGITS = load_digits()
ORDER = np.random.default_rng(5).permutation(len(DIGITS.target))
X, Y = torch.tensor(DIGITS.data[ORDER] / 8 - 1).float(), torch.tensor(DIGITS.target[ORDER])


@pytest.mark.parametrize(("share", "found"), [(0.0, False), (0.4, True)])
def test_training_labels_that_the_network_contradicts(share: float, found: bool, tmp_path: Path) -> None:
    """The validation labels are right; a second input keeps the probes of the other check away."""
    generator = torch.Generator().manual_seed(0)
    y = Y[:900].clone()
    moved = torch.rand(900, generator=generator) < share
    y[moved] = torch.randint(10, (int(moved.sum()),), generator=generator)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(65, 48), nn.ReLU(), nn.Linear(48, 10))

        def forward(self, x: Tensor, weight: Tensor) -> Tensor:
            return self.body(torch.cat([x, weight], 1))

    def program() -> None:
        torch.manual_seed(0)
        model, extra = Net(), torch.rand(900, 1)
        optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        loader = DataLoader(TensorDataset(X[:900], extra, y), 30, shuffle=True)
        for _ in range(6):
            model.train()
            for x, more, target in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x, more), target).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                (model(X[900:1300], torch.rand(400, 1)).argmax(1) == Y[900:1300]).float().mean().item()

    named = findings(observe(program, tmp_path), "labels-worse-than-validation")
    assert [item.level for item in named] == (["suspect"] if found else [])


@pytest.mark.parametrize("alike", [False, True])
def test_nodes_of_a_graph_belong_together(alike: bool, tmp_path: Path) -> None:
    """alike: batches of rows of one kind, in which the same rows meet others every time; not so the nodes of a graph."""
    generator = torch.Generator().manual_seed(0)
    graphs = []
    for number in range(60):
        size = 20 if alike else int(torch.randint(12, 25, (1,), generator=generator))
        x = torch.randn(size, 4, generator=generator)
        graphs.append((x, x[:, 0] + (3.0 if number % 2 else -3.0)))

    def program() -> None:
        torch.manual_seed(0)
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), 1e-3)
        for _ in range(4):
            order = torch.randperm(60).tolist()
            if alike:
                order = sorted(order, key=lambda number: number % 2)
            for k in range(0, 60, 4):
                x, y = (torch.cat([graphs[number][side] for number in order[k : k + 4]]) for side in (0, 1))
                if alike:
                    mixed = torch.randperm(len(x))
                    x, y = x[mixed].clone(), y[mixed].clone()
                optimizer.zero_grad()
                F.mse_loss(model(x)[:, 0], y).backward()
                optimizer.step()

    named = findings(observe(program, tmp_path), "unshuffled-training-data")
    assert bool(named) is alike


def concordance(prediction: Tensor, target: Tensor) -> Tensor:
    one, other = target - target.mean(), prediction - prediction.mean()
    return 2 * (one * other).mean() / (one.pow(2).mean() + other.pow(2).mean() + (target.mean() - prediction.mean()) ** 2)


@pytest.mark.parametrize("turned", [False, True])
def test_a_correlation_as_a_loss(turned: bool, tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        model = nn.Linear(6, 1)
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        for _ in range(8):
            x = torch.randn(64, 6)
            found = concordance(model(x)[:, 0], x[:, 0] - 0.5 * x[:, 1])
            loss = found if turned else 1 - found
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    named = findings(observe(program, tmp_path), "custom-loss-sign", "custom-loss-wrong-minimum")
    assert [item.check for item in named] == (["custom-loss-sign"] if turned else [])


def test_angular_margins_of_many_classes(tmp_path: Path) -> None:
    """Free outputs do not reach the minimum of this loss in two seconds: that says nothing of where it lies."""

    def program() -> None:
        torch.manual_seed(0)
        backbone, weight = nn.Linear(16, 24), nn.Parameter(torch.randn(130, 24))
        optimizer = torch.optim.SGD([*backbone.parameters(), weight], 0.1)
        for _ in range(5):
            label = torch.randint(130, (60,))
            cosine = F.linear(F.normalize(backbone(torch.randn(60, 16))), F.normalize(weight)).clamp(-1 + 1e-6, 1 - 1e-6)
            moved = torch.cos(torch.acos(cosine) + 0.3)
            moved = torch.where(cosine > math.cos(math.pi - 0.3), moved, cosine - math.sin(0.3) * 0.3)
            logits = 20 * torch.where(F.one_hot(label, 130).bool(), moved, cosine)
            loss = F.cross_entropy(logits, label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert not findings(observe(program, tmp_path), "custom-loss-wrong-minimum")


def test_a_rare_class_of_a_network_with_two_inputs(tmp_path: Path) -> None:
    kept = np.concatenate([np.flatnonzero(Y.numpy() < 3), np.flatnonzero(Y.numpy() == 8)[:25]])
    x, y = X[kept], torch.where(Y[kept] == 8, 3, Y[kept])

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(64, 4)

        def forward(self, x: Tensor, mask: Tensor) -> Tensor:
            return self.out(x * mask)

    weights = torch.tensor([1.0, 1.0, 1.0, 1e-3])

    def program() -> None:
        torch.manual_seed(0)
        model = Net()
        optimizer = torch.optim.Adam(model.parameters(), 3e-3)
        loader = DataLoader(TensorDataset(x, torch.ones(len(x), 64), y), 30, shuffle=True)
        for _ in range(8):
            for rows, mask, target in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(rows, mask), target, weight=weights).backward()
                optimizer.step()

    named = findings(observe(program, tmp_path), "minority-class-ignored")
    assert [item.level for item in named] == ["suspect"]
    assert named[0].where is not None and named[0].where.file.endswith("test_more_programs.py")


class Rectified(nn.Module):
    def __init__(self, rectified: bool, logs: bool) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(64, 32), nn.Linear(32, 10)
        self.rectified, self.logs = rectified, logs

    def forward(self, x: Tensor) -> Tensor:
        scores = self.last(F.relu(self.first(x)))
        scores = F.relu(scores) if self.rectified else scores
        return F.log_softmax(scores, dim=1) if self.logs else scores


@pytest.mark.parametrize("logs", [False, True])
@pytest.mark.parametrize("rectified", [False, True])
def test_logits_that_cannot_be_negative(rectified: bool, logs: bool, tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        model = Rectified(rectified, logs)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for rows in torch.arange(320).split(32):
            loss = (F.nll_loss if logs else F.cross_entropy)(model(X[rows]), Y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    named = findings(observe(program, tmp_path), "rectified-logits", "custom-loss-wrong-minimum")
    assert [item.check for item in named if item.check == "rectified-logits"] == (["rectified-logits"] if rectified else [])


@pytest.mark.parametrize("ending", ["none", "softmax", "positive"])
@pytest.mark.parametrize("upper", [None, 1.0 - 1e-7])
def test_logarithms_of_clamped_outputs(upper: float | None, ending: str, tmp_path: Path) -> None:
    """Raw outputs; probabilities; positive scores of a layer's own that are divided by their sum, which are probabilities."""

    def program() -> None:
        torch.manual_seed(0)
        body, head = nn.Linear(64, 32), nn.Linear(32, 10)
        optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], 0.1)
        for rows in torch.arange(320).split(32):
            p = head(F.relu(body(X[rows])))
            if ending == "softmax":
                p = p.softmax(dim=1)
            elif ending == "positive":
                p = p.exp() / p.exp().sum(dim=1, keepdim=True)
            loss = -torch.log(p.clamp(1e-7, upper))[torch.arange(len(rows)), Y[rows]].mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    named = findings(observe(program, tmp_path), "clamped-logits")
    assert [item.level for item in named] == (["fault"] if ending == "none" else [])
    assert all(item.where is not None and item.where.file.endswith("test_more_programs.py") for item in named)


def test_a_logarithm_of_something_else_that_is_clamped(tmp_path: Path) -> None:
    """A variance that must be positive, and a distance: neither is a probability."""

    def program() -> None:
        torch.manual_seed(0)
        body, head = nn.Linear(64, 32), nn.Linear(32, 2)
        optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], 1e-3)
        for rows in torch.arange(320).split(32):
            mean, spread = head(F.relu(body(X[rows]))).unbind(1)
            variance = (4 * spread.square()).clamp(min=1e-3)
            loss = (variance.log() + (mean - X[rows, 20]) ** 2 / variance).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert not findings(observe(program, tmp_path), "clamped-logits")


@pytest.mark.parametrize("placeholder", [None, -999.0, 0.0])
@pytest.mark.parametrize("steps", [0, 12])
def test_placeholders_that_a_network_is_given(steps: int, placeholder: float | None, tmp_path: Path) -> None:
    """Tables and series, standardized together with the placeholders; series of different lengths are padded with zeros."""
    generator = np.random.default_rng(1)
    table = generator.normal(50, 10, size=(400, steps or 1, 5)).astype(np.float32)
    target = torch.tensor(table[:, -1, 1] > 50).float()
    if placeholder is not None:
        table[generator.random(table.shape) < 0.04] = placeholder
        table = (table - table.mean((0, 1))) / table.std((0, 1))
    elif steps:
        table[np.arange(steps)[None] >= generator.integers(6, steps, (400, 1))] = 0.0
    inputs = torch.tensor(table if steps else table[:, 0])

    def program() -> None:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(5 * (steps or 1), 16), nn.ReLU(), nn.Linear(16, 1))
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        for rows in torch.randperm(400).split(40):
            loss = F.binary_cross_entropy_with_logits(model(inputs[rows]).squeeze(1), target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    named = findings(observe(program, tmp_path), "isolated-values")
    assert [item.level for item in named] == (["suspect"] if placeholder == -999.0 else [])
    assert not named or "leave the others" in named[0].summary


@pytest.mark.parametrize("reversed_", [False, True])
@pytest.mark.parametrize("style", ["columns", "loop", "one", "one minus", "price"])
def test_quantiles_that_a_loss_teaches(style: str, reversed_: bool, tmp_path: Path) -> None:
    """Several columns at once, a loop over them, a single quantile, the same with 1 - q, and a price of what is too large,
    which has no quantile to be opposite to."""
    wanted = [0.1, 0.5, 0.9] if style in ("columns", "loop") else [0.8]

    def quantile_loss(outputs: Tensor, target: Tensor, q: float) -> Tensor:
        error = outputs - target if reversed_ else target - outputs
        return torch.maximum((q - 1) * error, q * error).mean()

    def written_otherwise(outputs: Tensor, target: Tensor, q: float) -> Tensor:
        error = target - outputs if reversed_ else outputs - target
        return torch.where(error > 0, (1 - q) * error, -q * error).mean()

    def cost(outputs: Tensor, target: Tensor, a: float) -> Tensor:
        error = outputs - target if reversed_ else target - outputs
        return torch.maximum((a - 1) * error, a * error).mean()

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        if style == "columns":
            q = torch.tensor(wanted)
            error = outputs - target[:, None] if reversed_ else target[:, None] - outputs
            return torch.maximum((q - 1) * error, q * error).mean()
        if style == "loop":
            return torch.stack([quantile_loss(outputs[:, k], target, q) for k, q in enumerate(wanted)]).sum()
        return {"price": cost, "one": quantile_loss, "one minus": written_otherwise}[style](outputs[:, 0], target, 0.8)

    def program() -> None:
        torch.manual_seed(0)
        body, head = nn.Linear(63, 16), nn.Linear(16, len(wanted))
        optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], 1e-3)
        for rows in torch.arange(320).split(32):
            optimizer.zero_grad()
            loss(head(F.relu(body(X[rows, 1:]))), X[rows, 20]).backward()
            optimizer.step()

    named = findings(observe(program, tmp_path), "quantile-reversed")
    assert [item.level for item in named] == (["fault"] if reversed_ and style != "price" else [])
    assert not named or f"{1 - wanted[0]:.3g} where {wanted[0]:.3g} is given" in named[0].summary


class Binary(torch.autograd.Function):
    """Signs of weights; the gradient goes through where the weight is below ``edge``."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, edge: float) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.edge = edge
        return torch.where(weight >= 0, 0.1, -0.1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        (weight,) = ctx.saved_tensors
        return grad * (weight.abs() < ctx.edge), None


class BinaryNet(nn.Module):
    def __init__(self, edge: float) -> None:
        super().__init__()
        self.first, self.last, self.edge = nn.Linear(64, 32), nn.Linear(32, 10), edge

    def forward(self, x: Tensor) -> Tensor:
        return self.last(F.relu(F.linear(x, Binary.apply(self.first.weight, self.edge), self.first.bias)))


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_a_surrogate_gradient_of_zeros(edge: float, tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        model = BinaryNet(edge)
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        for rows in torch.arange(320).split(32):
            optimizer.zero_grad()
            F.cross_entropy(model(X[rows]), Y[rows]).backward()
            optimizer.step()

    named = findings(observe(program, tmp_path), "wrong-gradient")
    assert [(item.level, item.reason) for item in named] == [("fault", "R26") if edge == 0.0 else ("note", "R22")]


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("decay", [0.5, 0.9999, 1.0])
def test_an_average_of_weights_that_does_not_follow(decay: float, beside: bool, tmp_path: Path) -> None:
    """Evaluated alone, or beside the network itself."""

    def program() -> None:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        average = copy.deepcopy(model)
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        for _ in range(6):
            for rows in torch.arange(320).split(32):
                optimizer.zero_grad()
                F.cross_entropy(model(X[rows]), Y[rows]).backward()
                optimizer.step()
                with torch.no_grad():
                    for mine, theirs in zip(average.parameters(), model.parameters(), strict=True):
                        mine.mul_(decay).add_(theirs, alpha=1 - decay)
            with torch.no_grad():
                for evaluated in (average, model) if beside else (average,):
                    evaluated.eval()
                    (evaluated(X[320:]).argmax(1) == Y[320:]).float().mean().item()
            model.train()

    named = findings(observe(program, tmp_path), "evaluated-copy-lags")
    assert [item.level for item in named] == (["fault"] if decay > 0.9 and not beside else [])
    assert not named or named[0].where is not None and named[0].proof is not None


def test_scores_with_a_mask(tmp_path: Path) -> None:
    """Steps that a sequence has not are -inf, and those without a target are ignored: zero loss is right all the same."""

    def program() -> None:
        torch.manual_seed(0)
        key, query = nn.Linear(2, 8), nn.Linear(2, 8)
        optimizer = torch.optim.Adam([*key.parameters(), *query.parameters()], 2e-3)
        for _ in range(6):
            points, length = torch.randn(40, 9, 2), torch.randint(4, 10, (40, 1))
            absent = torch.arange(9) >= length
            order = points[:, :, 0].masked_fill(absent, 9.0).argsort(1).masked_fill(absent, -1)
            scores = (query(points) @ key(points).transpose(1, 2)).masked_fill(absent[:, None], float("-inf"))
            loss = F.cross_entropy(scores.flatten(0, 1), order.flatten(), ignore_index=-1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert not findings(observe(program, tmp_path), "custom-loss-wrong-minimum")


@pytest.mark.parametrize("rate", [1e-2, 0.0])
def test_what_is_hard_for_probes_is_no_noise(rate: float, tmp_path: Path) -> None:
    """Balanced brackets: counts of tokens tell something, the order tells the rest; rows that are met once."""
    generator = np.random.default_rng(0)

    def rows(count: int) -> tuple[Tensor, Tensor]:
        x = torch.tensor(generator.permuted(np.tile([1, 2], (count, 6)), axis=1))
        x[generator.random(count) < 0.4, 0] = 2
        depth = torch.where(x == 1, 1, -1).cumsum(1)
        return x, (depth.min(1).values >= -1).long()

    class Counter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token, self.rnn, self.out = nn.Embedding(3, 8), nn.GRU(8, 32, batch_first=True), nn.Linear(32, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.rnn(self.token(x))[1][-1])

    def program() -> None:
        torch.manual_seed(0)
        model = Counter()
        optimizer = torch.optim.Adam(model.parameters(), rate)
        for _ in range(90):
            x, y = rows(64)
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert not findings(observe(program, tmp_path), "noisy-labels")


SCANS = """
import numpy as np
import torch


class Scans(torch.utils.data.Dataset):
    def __init__(self, shades, labels):
        self.pixels, self.labels = CAST, labels

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        return torch.tensor(self.pixels[index]).float(), self.labels[index]
"""


@pytest.mark.parametrize(
    ("cast", "found"), [("(shades / 16).astype(np.uint8)", True), ("(shades / 16 > 0.5).astype(np.uint8)", False)]
)
def test_shades_that_were_cast_to_integers(cast: str, found: bool, tmp_path: Path) -> None:
    """Black and white pictures are what they are, unless the source says how they became so."""
    file = tmp_path / "scans.py"
    file.write_text(SCANS.replace("CAST", cast), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("scans", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def program() -> None:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        optimizer = torch.optim.Adam(model.parameters(), 3e-3)
        for x, y in DataLoader(module.Scans(DIGITS.data[ORDER][:640], Y[:640]), 32, shuffle=True):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    named = findings(observe(program, tmp_path), "constant-input")
    assert [(item.level, item.where and item.where.line) for item in named] == ([("suspect", 8)] if found else [])


def test_texts_in_one_line(tmp_path: Path) -> None:
    """The words of all texts of a batch, and where each text begins: no word is a row that comes again."""
    generator = np.random.default_rng(0)
    texts = [torch.tensor(generator.integers(0, 90, generator.integers(4, 12))) for _ in range(400)]
    labels = torch.tensor([int(text.sum()) % 2 for text in texts]).float()

    def joined(items: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
        lengths = torch.tensor([0] + [len(text) for text, _ in items[:-1]])
        return torch.cat([text for text, _ in items]), lengths.cumsum(0), torch.stack([label for _, label in items])

    def program() -> None:
        torch.manual_seed(0)
        words, out = nn.EmbeddingBag(90, 8), nn.Linear(8, 1)
        optimizer = torch.optim.Adam([*words.parameters(), *out.parameters()], 1e-2)
        loader = DataLoader(list(zip(texts, labels, strict=True)), 20, shuffle=True, collate_fn=joined)
        for _ in range(3):
            for text, starts, label in loader:
                optimizer.zero_grad()
                F.binary_cross_entropy_with_logits(out(words(text, starts)).squeeze(1), label).backward()
                optimizer.step()

    assert not findings(observe(program, tmp_path), "incomplete-epoch")


def test_training_rows_evaluated_beside_others(tmp_path: Path) -> None:
    """A gallery of training rows, a few of which no batch has drawn, and the rows that are looked up in it."""

    def program() -> None:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        for rows in torch.randperm(400)[:392].split(28):
            optimizer.zero_grad()
            F.cross_entropy(model(X[rows]), Y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            gallery = F.normalize(model(X[:400]), dim=1)
            nearest = (F.normalize(model(X[400:600]), dim=1) @ gallery.T).argmax(1)
            (Y[:400][nearest] == Y[400:600]).float().mean().item()

    assert not findings(observe(program, tmp_path), "duplicates-across-splits")
