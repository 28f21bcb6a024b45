"""What is collected for the report: kinds of data, pictures, the network, and the limits on size."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import paramedic
from paramedic.checks.data.samples import Rows
from paramedic.diagnosis.exhibits import MAX_BYTES
from paramedic.diagnosis.exhibits.data import Part, _exhibit, kind_of
from paramedic.diagnosis.exhibits.suspects import shown_samples
from paramedic.report.pictures import png
from paramedic.trace.store import Trace


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_reads_back_as_it_was(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 11, channels), dtype=np.uint8)
    read = np.asarray(Image.open(io.BytesIO(png(torch.tensor(pixels)))))
    assert np.array_equal(read.reshape(pixels.shape), pixels)


def test_kinds_of_data() -> None:
    from sklearn.datasets import load_digits, load_wine

    generator = torch.Generator().manual_seed(0)
    walks = torch.randn(64, 100, generator=generator).cumsum(1)
    assert kind_of(torch.tensor(load_digits().data[:64])) == "image"
    assert kind_of(torch.tensor(load_wine().data[:64])) == "table"
    assert kind_of(torch.randn(64, 64, generator=generator)) == "table"
    assert kind_of(walks) == "series" and kind_of(walks.unsqueeze(2)) == "series"
    assert kind_of(torch.randn(4, 3, 32, 32)) == "image"
    assert kind_of(torch.randint(0, 9, (4, 20))) == "tokens"


def test_a_target_of_tokens_is_read_and_a_class_is_not() -> None:
    words = dict(enumerate("abcdef"))
    row = torch.tensor([[0, 1, 2]])
    texts = [
        _exhibit({"train": [Part(row, target)]}, "tokens", {"train": None}, words)["roles"]["train"]["samples"][0]["target"]
        for target in (torch.tensor([[1, 2, 5]]), torch.tensor([2]))
    ]
    assert texts == ["bcf", "2"]


def test_suspect_rows_are_pictures_or_cells_with_their_labels() -> None:
    from sklearn.datasets import load_digits, load_wine

    digits, wine = load_digits(), load_wine()
    shown = shown_samples(Rows(torch.tensor(digits.data[:64]), torch.tensor(digits.target[:64]), "arrays", True), [5, 9])
    assert [item.caption for item in shown["pictures"]] == [f"row {at} ({digits.target[at]})" for at in (5, 9)]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown["pictures"][0].png))))
    assert np.argmax(picture) == np.argmax(digits.data[5]) and picture.shape == (8, 8)
    cells = shown_samples(Rows(torch.tensor(wine.data), torch.tensor(wine.target), "arrays", True), [3])["rows"]
    assert cells.rows[0].name == "row 3" and len(cells.rows[0].cells) == 8


def test_noise_that_a_generator_is_validated_on_is_no_picture() -> None:
    from sklearn.datasets import load_digits

    pictures = torch.tensor(load_digits().data[:64]).float()
    parts = {"train": [Part(pictures, None)], "validation": [Part(torch.randn(16, 36), None)]}
    found = _exhibit(parts, "image", {"train": None, "validation": None}, None)
    assert [part["kind"] for part in found["roles"].values()] == ["image", "table"]
    assert list(found["values"]["roles"]) == ["train"]


def test_exhibits_of_a_run(tmp_path) -> None:
    torch.manual_seed(0)
    x = torch.randn(256, 12)
    y = (x[:, 0] > 0).long()
    net = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with paramedic.watch(budget=0, folder=tmp_path) as watch:
        for step in range(12):
            rows = slice(16 * step, 16 * step + 16)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
    found = Trace(tmp_path / "trace.sqlite").meta("exhibits")
    assert found["missing"] == {} and len(json.dumps(found)) < MAX_BYTES
    tree = {row["path"].rpartition(".")[2]: row for row in found["network"]}
    assert tree["0"]["shape"] == [16, 8] and tree["0"]["own"] == 12 * 8 + 8
    assert sum(row["own"] for row in found["network"]) == sum(p.numel() for p in net.parameters())
    train = found["data"]["roles"]["train"]
    assert found["data"]["kind"] == "table" and train["shape"] == [16, 12]
    assert train["samples"][0]["show"] == pytest.approx(x[0].tolist(), rel=1e-3)
    assert sum(count for _, count in train["classes"]) == 12 * 16
    weight = next(d for d in found["distributions"] if d["quantity"] == "weight" and d["state"] == "final")
    assert sum(weight["bins"]) == 96
    states = {(item["quantity"], item["state"]) for item in found["distributions"]}  # the start was recorded while it ran
    assert states == {("update", "run"), *((name, "final") for name in ("activation", "gradient", "weight"))}
    assert weight["std"] == pytest.approx(float(net[0].weight.detach().std(correction=0)), rel=1e-3)
    assert found["settings"]["optimizer: lr"] == 0.1
    assert "16 × 12" in watch.report._repr_html_()
