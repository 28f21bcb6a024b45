"""Images of a case for a convolution, and whether their pixels stand beside those they resemble."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import nn

from paramedic.checks.case import Case
from paramedic.checks.data.clean_view import plain_inputs
from paramedic.checks.data.samples import batches, is_numeric, remembered, rows
from paramedic.measurements.data.layout import CHANNELS, Smoothness, as_images, smoothness

LEAST_PIXELS = 49  # below it a random permutation of the pixels is often as smooth as the image
# Calibrated on 65 healthy variants of 5 image sets, 2026-11.
SCRAMBLED_Z = 4.0
PARTNER = 0.6  # |correlation| that a pixel of a photograph has with some other one; noise of 32 images has it rarely
PARTNER_IMAGES = 32


def convolved_images(case: Case) -> NDArray[np.float64] | None:
    """(n, C, H, W) inputs of a model with two-dimensional convolutions; None for anything else.

    Of a data set without a model: its pictures, which arrays may also hold with the channels last.
    """
    if case.data is not None:
        return _pictures(case)
    recorded = batches(case)
    if not recorded or not any(isinstance(module, nn.Conv2d) for module in recorded[0].module.modules()):
        return None
    inputs = plain_inputs(case)
    if inputs.dim() != 4 or not is_numeric(inputs) or inputs.shape[2] * inputs.shape[3] < LEAST_PIXELS:
        return None
    return as_images(inputs)


def _pictures(case: Case) -> NDArray[np.float64] | None:
    found = rows(case)
    inputs = found.inputs
    if not is_numeric(inputs) or (found.split is not None and found.split.kind == "images"):
        return None  # a file's own decoder puts the pixels where they belong
    if inputs.dim() == 4 and inputs.shape[3] in CHANNELS and inputs.shape[1] not in CHANNELS:
        inputs = inputs.permute(0, 3, 1, 2)
    if inputs.dim() != 4 or inputs.shape[1] not in CHANNELS or inputs.shape[2] * inputs.shape[3] < LEAST_PIXELS:
        return None
    return as_images(inputs)


def scrambled(case: Case) -> Smoothness | None:
    """The smoothness of images whose pixels are correlated, but not with their neighbours; else None."""

    def measure() -> Smoothness | None:
        images = convolved_images(case)
        if images is None or len(images) < PARTNER_IMAGES:
            return None
        found = smoothness(images)
        return found if found.z < SCRAMBLED_Z and found.partner > PARTNER else None

    return remembered(case.subject, "scrambled", measure)
