"""A folder of pictures with one folder for each class. Pillow decodes; every file is tried."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from paramedic.measurements.data.hashing import row_hashes
from paramedic.sources.reader import Chunk, Collected, SourceError, ranges, split_of
from paramedic.trace.dataset import Kind, Problem, Split
from paramedic.trace.place import Place

SUFFIXES = frozenset(".jpg .jpeg .png .ppm .bmp .pgm .tif .tiff .webp .gif".split())
NATIVE_SIDE = 64  # pixels: pictures of one size up to it are compared as they are
SMALL_SIDE = 32  # others are compared at this size
SNIFFED = 64  # files that decide on size and colours
PART_FILES = 256
MOST_PIXELS = 1 << 28  # of one picture: a larger one is a decompression bomb


def class_folders(folder: Path) -> list[Path]:
    """The subfolders, sorted as torchvision's ImageFolder numbers them."""
    return sorted(item for item in folder.iterdir() if item.is_dir() and not item.name.startswith("."))


def pictures_in(folder: Path) -> list[Path]:
    """Files below ``folder`` that are pictures by their name, sorted."""
    found = [
        Path(root) / name
        for root, _, names in os.walk(folder, followlinks=True)
        for name in names
        if Path(name).suffix.lower() in SUFFIXES
    ]
    return sorted(found)


def common_format(files: Iterable[Any]) -> tuple[tuple[int, int], str]:
    """(width, height) and mode at which pictures are compared: their own where all have one small size."""
    from PIL import Image

    sizes: Counter[tuple[int, int]] = Counter()
    colours = 0
    for file in files:
        try:
            with Image.open(file) as image:
                sizes[image.size] += 1
                colours += image.mode not in ("1", "L", "I", "I;16", "F", "LA")
        except Exception:  # named when it is read
            continue
    common = sizes.most_common(1)[0][0] if sizes else (SMALL_SIDE, SMALL_SIDE)
    native = len(sizes) == 1 and max(common) <= NATIVE_SIDE
    return (common if native else (SMALL_SIDE, SMALL_SIDE)), "RGB" if colours else "L"


def decoded(file: Any, size: tuple[int, int], mode: str) -> tuple[np.ndarray[Any, Any], int, tuple[str, str]]:
    """(C, h, w) values in [0, 1], the hash of the picture in its own size, and its (size, mode)."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(file) as image:
            if image.size[0] * image.size[1] > MOST_PIXELS:
                raise ValueError(f"{image.size[0]} x {image.size[1]} pixels")
            image.load()
            kind = (f"{image.size[0]} x {image.size[1]}", image.mode)
            same = image.convert(mode)
            key = int(row_hashes(np.asarray(same)[None])[0])
            small = same if same.size == size else same.resize(size, Image.Resampling.BOX)
            pixels = np.asarray(small, np.float32) / 255
    return (pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels[None]), key, kind


class ImageFolderReader:
    """Rows are pictures: (3 or 1, h, w) values in [0, 1]; targets are the numbers of the class folders."""

    kind: Kind = "images"

    def __init__(self, folder: Path, classes: tuple[str, ...] | None = None) -> None:
        self.folder, self.name = folder, folder.name or str(folder)
        folders = class_folders(folder)
        present = tuple(item.name for item in folders)
        self.classes = present if classes is None else tuple(dict.fromkeys((*classes, *present)))
        self.problems: list[Problem] = []
        self.files: list[tuple[Path, int]] = []
        for item in folders:
            pictures = pictures_in(item)
            if not pictures:
                self.problems.append(Problem("empty class", str(item), "the class folder holds no picture"))
            self.files += [(path, self.classes.index(item.name)) for path in pictures]
        if not folders:
            self.files = [(path, 0) for path in pictures_in(folder)]
        if not self.files:
            raise SourceError(f"{folder} holds no pictures ({', '.join(sorted(SUFFIXES))})")
        self.labelled = bool(folders)
        self.size, self.mode = self._sniff()
        self.row_bytes = 4 * self.size[0] * self.size[1] * (3 if self.mode == "RGB" else 1)

    def _sniff(self) -> tuple[tuple[int, int], str]:
        step = max(1, len(self.files) // SNIFFED)
        return common_format(path for path, _ in self.files[::step][:SNIFFED])

    def parts(self) -> list[Any]:
        return ranges(len(self.files), PART_FILES)

    def read(self, part: tuple[int, int]) -> Iterator[Chunk]:
        positions, rows, labels, keys = [], [], [], []
        problems = list(self.problems) if part[0] == 0 else []
        formats: Counter[tuple[str, str]] = Counter()
        for position in range(*part):
            path, label = self.files[position]
            try:
                row, key, kind = decoded(path, self.size, self.mode)
            except Exception as error:  # whatever a decoder raises at a damaged file
                problems.append(Problem("file", str(path), _reason(path, error)))
                continue
            positions.append(position)
            rows.append(row)
            labels.append(label)
            keys.append(key)
            formats[kind] += 1
        shape = (len(rows), 3 if self.mode == "RGB" else 1, self.size[1], self.size[0])
        yield Chunk(
            np.array(positions, np.int64),
            np.array(rows, np.float32).reshape(shape),
            np.array(labels, np.int64) if self.labelled else None,
            np.array(keys, np.uint64),
            {},
            problems,
            formats,
        )

    def name_of(self, position: int) -> str:
        path = self.files[position][0]
        return str(path.relative_to(self.folder))

    def place_of(self, position: int) -> Place | None:
        return Place(str(self.files[position][0]), 0)

    def finish(self, collected: Collected) -> Split:
        return split_of(self, collected, classes=self.classes if self.labelled else ())


def _reason(path: Path, error: Exception) -> str:
    if path.stat().st_size == 0 if path.exists() else False:
        return "the file is empty"
    return f"{type(error).__name__}: {str(error)[:120]}" if not isinstance(error, OSError) else str(error)[:160]
