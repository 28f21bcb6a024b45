"""Pictures of different colours or sizes in one folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import data_place
from paramedic.checks.finding import Evidence, Finding

MINORITY = 0.2  # of the pictures: a larger share is two kinds of pictures, a smaller one are strays
SHOWN = 4


class MixedPictureFormats(Check):
    """A few pictures have other colours than the rest, or the pictures have several sizes.

    What it measures: size and mode (grey, RGB, with transparency, CMYK, 16 bits) of every file.
    Why it matters: a loader without ``convert("RGB")`` fails at a grey picture among coloured ones, transparency turns
    black or white, 16 bits are cut off; pictures of several sizes do not stack into a batch.
    Fix: convert all files to one mode; resize, or crop, in the transform.
    Not a fault when: the transform does both (then it costs nothing); several sizes alone are a note.
    References: the article's reasons 1 and 15; documentation of Pillow, "Modes".
    """

    reason = "R01"
    name = "mixed-picture-formats"
    also = ("R15",)
    needs = ("data",)

    def examine(self, case: Case) -> Iterator[Finding]:
        assert case.data is not None
        splits = [split for split in (*case.data.splits.values(), *case.data.others) if split.kind == "images"]
        if not splits:
            raise NotApplicable("the rows are no picture files")
        modes: Counter[str] = Counter()
        sizes: Counter[str] = Counter()
        for split in splits:
            for (size, mode), count in split.formats.items():
                modes[mode] += count
                sizes[size] += count
        total = sum(modes.values())
        if len(modes) > 1:
            common, most = modes.most_common(1)[0]
            strays = total - most
            say = self.suspect if strays < MINORITY * total else self.note
            others = ", ".join(f"{count} {mode}" for mode, count in modes.most_common()[1 : SHOWN + 1])
            yield say(
                f"{strays} of {total} pictures have another mode than the rest ({most} {common}; {others}): convert all "
                f"of them to one mode",
                where=data_place(case),
                evidence=(Evidence("pictures in another mode", strays, "0"),),
                remedy='open pictures with .convert("RGB") (or "L"), and look at what transparency becomes',
            )
        if len(sizes) > 1:
            shown = ", ".join(f"{count} of {size}" for size, count in sizes.most_common(SHOWN))
            yield self.note(
                f"the pictures have {len(sizes)} sizes ({shown}): resize or crop them in the transform",
                where=data_place(case),
                evidence=(Evidence("different sizes", len(sizes)),),
                remedy="resize or crop to one size in the transform of both splits",
            )
