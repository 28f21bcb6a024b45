"""The 44 rows: the 37 reasons of the article, one addition, and its six steps of first response.

Source: Slav Ivanov, "37 reasons why your neural network is not working", 2017. Titles are our own words.
"""

from __future__ import annotations

from dataclasses import dataclass

ARTICLE = "Slav Ivanov, 37 reasons why your neural network is not working, 2017"


@dataclass(frozen=True)
class Row:
    """One row of the catalogue. ``id`` is S1-S6, R01-R37 or A1; ``section`` names the part of the article."""

    id: str
    title: str
    section: str


_FIRST, _DATA, _PREPROCESSING, _IMPLEMENTATION, _TRAINING = (
    "first response",
    "data",
    "preprocessing",
    "implementation",
    "training",
)

ROWS: tuple[Row, ...] = (
    Row("S1", "a simple known-good model and loss", _FIRST),
    Row("S2", "regularization and augmentation off", _FIRST),
    Row("S3", "finetuning: the pretrained model's preprocessing", _FIRST),
    Row("S4", "the input data is correct", _FIRST),
    Row("S5", "overfit 2 to 20 samples", _FIRST),
    Row("S6", "add the pieces back one by one", _FIRST),
    Row("R01", "input data", _DATA),
    Row("R02", "random input gives the same loss", _DATA),
    Row("R03", "data loader", _DATA),
    Row("R04", "input connected to output", _DATA),
    Row("R05", "relation between input and output too random", _DATA),
    Row("R06", "label noise", _DATA),
    Row("R07", "shuffling", _DATA),
    Row("R08", "class imbalance", _DATA),
    Row("R09", "enough training examples", _DATA),
    Row("R10", "batches with a single label", _DATA),
    Row("R11", "batch size", _DATA),
    Row("A1", "the same code on a known-solvable dataset", _DATA),
    Row("R12", "standardized features", _PREPROCESSING),
    Row("R13", "too much augmentation", _PREPROCESSING),
    Row("R14", "value range of the pretrained model", _PREPROCESSING),
    Row("R15", "preprocessing of train, validation and test", _PREPROCESSING),
    Row("R16", "a simpler version of the problem", _IMPLEMENTATION),
    Row("R17", "loss at chance level at the start", _IMPLEMENTATION),
    Row("R18", "custom loss function", _IMPLEMENTATION),
    Row("R19", "loss input", _IMPLEMENTATION),
    Row("R20", "loss weights", _IMPLEMENTATION),
    Row("R21", "metrics besides the loss", _IMPLEMENTATION),
    Row("R22", "custom layers", _IMPLEMENTATION),
    Row("R23", "frozen or unwired layers and variables", _IMPLEMENTATION),
    Row("R24", "network size", _IMPLEMENTATION),
    Row("R25", "hidden dimension errors", _IMPLEMENTATION),
    Row("R26", "gradient checking", _IMPLEMENTATION),
    Row("R27", "a tiny dataset", _TRAINING),
    Row("R28", "weight initialization", _TRAINING),
    Row("R29", "hyperparameters", _TRAINING),
    Row("R30", "regularization", _TRAINING),
    Row("R31", "training time", _TRAINING),
    Row("R32", "train and evaluation mode", _TRAINING),
    Row("R33", "activations, weights and updates", _TRAINING),
    Row("R34", "optimizer", _TRAINING),
    Row("R35", "exploding and vanishing gradients", _TRAINING),
    Row("R36", "learning rate", _TRAINING),
    Row("R37", "NaN and infinity", _TRAINING),
)

ROW_BY_ID: dict[str, Row] = {row.id: row for row in ROWS}
