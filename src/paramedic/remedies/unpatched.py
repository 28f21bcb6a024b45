"""Checks whose remedy is no sure change of one file, and why: what `paramedic fix` says in the place of a patch."""

from __future__ import annotations

DATA = "the data are to be mended, not the program"
LOOK = "the check shows where to look; what is wrong there is not known"
SPLIT = "how the rows belong together is for you to say"
STATEMENT = "it says how far the run gets, and names no cause"

UNPATCHED = {
    # data
    "isolated-values": DATA,
    "mixed-picture-formats": DATA,
    "unreadable-samples": DATA,
    "repeated-rows": DATA,
    "conflicting-labels": DATA,
    "relation-too-random": DATA,
    "noisy-labels": DATA,
    "too-few-examples": DATA,
    "classes-missing-from-training": DATA,
    "imbalanced-classes": DATA,
    "integer-coded-categories": DATA,
    "nearly-constant-features": DATA,
    "labels-not-from-zero": DATA,
    "sorted-rows": DATA,
    "constant-input": LOOK,
    "image-layout-scrambled": "the order of the dimensions is known; where it is lost has many spellings",
    "shared-worker-random-stream": "a generator of the worker's own has another interface than the one in use",
    "same-data-on-every-rank": "it depends on how the processes are started",
    "ranks-not-synchronized": "it depends on how the processes are started",
    "ranks-start-with-different-weights": "it depends on how the processes are started",
    # preprocessing
    "duplicates-across-splits": SPLIT,
    "groups-across-splits": SPLIT,
    "near-duplicates-across-splits": SPLIT,
    "per-batch-normalization": "the training set's statistics have to be computed at a place of your choice",
    # implementation
    "clamped-logits": "whether the classes exclude each other (softmax) or not (sigmoid) is for you to say",
    "custom-loss-ignores-target": "what the outputs are to be compared with is not known",
    "custom-loss-wrong-minimum": "the formula that is meant is not known",
    "loss-input-shape": "which of the two shapes is meant is not known",
    # training
    "loss-above-chance-at-start": "it is a note: nothing is proven to be wrong",
    "loss-diverges": "no rate was tried; where one was proven, the check of the learning rate has the patch",
    "evaluated-copy-lags": "how fast the copy is to follow is for you to say",
    "quantile-reversed": "the difference is written in many ways",
    "wrong-optimizer": "a stronger optimizer hides what is wrong",
    # statements
    "fails-on-solvable-data": STATEMENT,
    "solves-simpler-version": STATEMENT,
    "simple-model-learns": STATEMENT,
    "learns-without-regularization": "row R30 has the patch, where it is proven that it is too much",
    "cannot-overfit-tiny-set": STATEMENT,
}
