"""A line that reorders only one of two things that are put together as pairs."""

from pathlib import Path

import pytest

from paramedic.checks.data.places import (
    REORDERING,
    calls,
    epoch_loop,
    line_behind,
    line_behind_inputs,
    one_sided_line,
    target_line,
)
from paramedic.trace.place import Place

PAIR = "data = TensorDataset(x, y)\n"
APART = {
    "x = rng.permutation(images)\ny = labels\n": 1,
    "x, y = images, labels\nrng.shuffle(y)\n": 2,
    "x, y = load()\ny = y[torch.randperm(9)]\norder = randperm(9)\nx, y = x[order], y[order]\n": 2,
    "one, other = randperm(9), randperm(9)\nx, y = images[one], labels[0]\n": 1,
    "rng = Random()\nx, y = x[:99], y[:99]\norder = range(len(x))\nrng.shuffle(order)\nx = x[order]\n"
    "for k in range(0, len(x), 9):\n    use(x[k:], y[k:])\nx, y = x[k:], y[k:]\n": 4,
    "class Data:\n    def __init__(self, files, labels):\n        self.names = sorted(files)\n"
    "        self.x = stack(self.names)\n        self.y = labels\n    def __getitem__(self, i):\n"
    "        return tensor(self.x[i]), self.y[i]\nx, y = Data(files, labels)\n": 3,
}
TOGETHER = [
    "x, y = images, labels\n",
    "order = rng.permutation(9)\nx, y = images[order], labels[order]\n",
    "random.shuffle(samples)\nx = [a for a, _ in samples]\ny = [b for _, b in samples]\n",
    "x = images\ny = [sorted(set(names)).index(name) for name in names]\n",
    "class Data:\n    def __init__(self, files, labels):\n        self.names = sorted(files)\n"
    "        self.x = stack(self.names)\n        self.y = [labels[name] for name in self.names]\n"
    "    def __getitem__(self, i):\n        return self.x[i], self.y[i]\nx, y = Data(files, labels)\n",
    "rng.shuffle(order)\nx, y = images[order], labels[order]\nfor k in range(0, len(x), 9):\n    x, y = x[k:], y[k:]\n",
]


def line(text: str, folder: Path) -> int | None:
    file = folder / "train.py"
    file.write_text(text + PAIR, encoding="utf-8")
    found = one_sided_line(Place(str(file), len(text.splitlines()) + 1), calls(*REORDERING))
    return found.line if found else None


@pytest.mark.parametrize("text", APART)
def test_apart(text: str, tmp_path: Path) -> None:
    assert line(text, tmp_path) == APART[text]


@pytest.mark.parametrize("text", TOGETHER)
def test_together(text: str, tmp_path: Path) -> None:
    assert line(text, tmp_path) is None


LOOPS = {
    "for epoch in range(9):\n    for x, y in loader:\n        opt.step()\n": 1,
    "for fold in folds:\n    for epoch in range(9):\n        opt.step()\n": 2,
    "for fold in folds:\n    for epoch in trange(9):\n        for k in range(0, 90, 10):\n            opt.step()\n": 2,
    "for epoch in range(9):\n    for it in range(50):\n        opt.step()\n": 1,
    "def fit(loader):\n    for x, y in loader:\n        opt.step()\n\nfor e in range(9):\n    fit(loader)\n": 5,
    "while epoch < 9:\n    for x, y in loader:\n        opt.step()\n": 1,
    "opt.step()\n": 1,
    "args = Arguments(\n    rate=1,\n    max_steps=9,\n)\ntrainer = Trainer(net, args)\ntrainer.step()\n": 3,
    "net.compile(loss='mse')\nnet.step(x, y,\n    epochs=9)\n": 3,
}


@pytest.mark.parametrize("text", LOOPS)
def test_the_loop_over_the_epochs(text: str, tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    file.write_text(text, encoding="utf-8")
    step = 1 + next(number for number, line in enumerate(text.splitlines()) if "step(" in line)
    found = epoch_loop(Place(str(file), step))
    assert found is not None and found.line == LOOPS[text]


TARGETS = {
    "y = labels()\nx = torch.tensor(x)\nloss(net(x[rows]), y[rows])\n": 1,
    "labels[wrong] = 0\ny = torch.tensor(labels).long()\nloss(net(x), y[i : i + 9])\n": 1,
    "votes = annotate(gold)\ny = votes[:, 0]\nX, Y = torch.tensor(x), torch.tensor(y)\nloss(net(X), Y)\n": 1,
    "y = np.where(coin, 0, y)\na, b, c, d = train_test_split(x, y)\nloader = DataLoader(TensorDataset(a, c), 9)\n": 1,
    "y = draw()\nage = draw()\nrows = TensorDataset(x, age, y)\nloader = DataLoader(rows)\n": 1,
    "y = a + b\ny = y.view(-1, 1).float()\nloader = Loader(list(zip(x, y)))\n": 1,
    "x, y = load()\nloss(net(x), y)\n": 1,
    "loss(net(x), y)\n": None,
    "loader = DataLoader(Records(folder))\n": None,
}


@pytest.mark.parametrize("text", TARGETS)
def test_where_targets_got_their_values(text: str, tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    file.write_text(text, encoding="utf-8")
    found = target_line(Place(str(file), len(text.splitlines())))
    assert (found.line if found is not None else None) == TARGETS[text]


def test_a_method_that_is_called_is_searched(tmp_path: Path) -> None:
    """``next(iter(loader))`` in a method of the trainer's comes before a seed that is set elsewhere."""
    file = tmp_path / "train.py"
    file.write_text(
        "class Trainer:\n    def draw(self):\n        return next(iter(self.loader))\n\n    def fit(self):\n"
        "        torch.manual_seed(0)\n        x = self.draw()\n        return self.net(x)\n",
        encoding="utf-8",
    )
    found = line_behind(Place(str(file), 8), calls("next"), calls("manual_seed"), in_functions=True)
    assert found is not None and found.line == 3


def test_of_what_the_network_is_given_alone(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "X, t = load()\n"
        "X, t = tensor(X), tensor(t)\n"
        "X = (X - X.mean(0)) / X.std(0)\n"
        "t = (t - t.mean()) / t.std()\n"
        "loss = mse_loss(net(X), t)\n"
        "total = loss.item()\n"
    )
    at = Place(str(program), 5, None)
    found = line_behind_inputs(at, calls("mean")), line_behind(at, calls("mean")), line_behind_inputs(at, calls("load"))
    assert [place.line for place in found if place] == [3, 4, 1]
    whole = line_behind_inputs(Place(str(program), 6, None), calls("mean"))
    assert whole is not None
    assert whole.line == 4
