"""Images read in another layout than they were written."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.pixels import SCRAMBLED_Z, convolved_images, scrambled
from paramedic.checks.data.places import calls, line_behind
from paramedic.checks.data.samples import batches
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.layout import readings

LEAST_IMAGES = 16
# Calibrated on 65 healthy variants of 5 image sets (smallest ratio of a healthy reading 0.79), 2026-11.
RATIO = 0.7
Z = -5.0
RESHAPES = ("reshape", "view", "resize_")
AXES = ("transpose", "permute", "swapaxes", "moveaxis", "movedim", "rearrange")


class ImageLayoutScrambled(Check):
    """Images whose pixels do not stand where a convolution expects them.

    What it measures: von Neumann's ratio (mean squared difference of neighbouring pixels over twice the variance) of
    the images as the network reads them, against every other reading of the same memory: width and height swapped,
    (H, W, C) viewed as (C, H, W), other row lengths; and against permuted pixels.
    Why it matters: a convolution looks at neighbours; a ``view`` or ``reshape`` where a ``permute`` is needed tears
    them apart. A fully connected network does not mind.
    Fix: ``x.permute(0, 3, 1, 2)`` instead of ``x.view(n, c, h, w)``; check the order of width and height.
    Not a fault when: the grid holds something else than a picture.
    References: the article's reason 1 (width and height swapped); J. von Neumann 1941.
    """

    reason = "R01"
    name = "image-layout-scrambled"
    also = ("S4",)
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        if case.data is None and not batches(case):
            raise NotApplicable("no training batch was recorded")
        images = convolved_images(case)
        if images is None:
            raise NotApplicable(
                "there is no two-dimensional convolution over images of at least 7 x 7 pixels"
                if case.data is None
                else "there are no arrays of pictures of at least 7 x 7 pixels"
            )
        if len(images) < LEAST_IMAGES:
            raise NotChecked(f"only {len(images)} different images are at hand, {LEAST_IMAGES} are needed")
        better = next((item for item in readings(images) if item.ratio < RATIO and item.z < Z), None)
        shape = tuple(images.shape[1:])
        where = line_behind(data_place(case), calls(*RESHAPES), calls(*AXES))
        if better is not None:
            yield self.suspect(
                f"images of shape {shape} are {1 / better.ratio:.1f} times smoother when read as: {better.name} "
                f"(expected: smoothest as given): use permute, not view or reshape",
                where=where,
                evidence=(Evidence("roughness of the other reading / as given", better.ratio, f"> {RATIO}"),),
                remedy=f"the memory is: {better.name}; bring it to (N, C, H, W) with permute",
                explains=("R05", "R06", "R02", "R24", "R31", "R04", "R12"),
            )
            return
        found = scrambled(case)
        if found is not None:
            yield self.suspect(
                f"pixels of the images of shape {shape} do not stand beside those they resemble: roughness "
                f"{found.roughness:.2f}, {found.z:.1f} standard deviations below permuted pixels (expected more than "
                f"{SCRAMBLED_Z:.0f}): look for a reshape, a sort or a permutation of the pixels",
                where=where,
                evidence=(Evidence("smoothness against permuted pixels", found.z, f"> {SCRAMBLED_Z}", "sd"),),
                remedy="keep the order of the pixels as in the file; look for a reshape or index that changes it",
                explains=("R05", "R24", "R31", "R06", "labels-unrelated", "constant-input"),
            )
