"""Files and folders: what kind they are, and the reader of it. Nothing is unpickled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from paramedic.config import nearest
from paramedic.sources.arrays import ArrayReader, as_array, label_codes
from paramedic.sources.image_column import ImageColumnReader, picture_column
from paramedic.sources.image_folder import SUFFIXES, ImageFolderReader, class_folders, pictures_in
from paramedic.sources.reader import CHUNK_ROWS, Reader, SourceError
from paramedic.sources.table import Batches, ColumnsReader, CsvReader, column_at

INPUTS = ("x", "inputs", "input", "data", "features", "images", "x_train", "train_x", "train_images")
TARGETS = ("y", "targets", "target", "labels", "label", "y_train", "train_y", "train_labels")
SPLIT_WORDS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev", "test", "testing"),
}
MOST_FILES = 10_000
PIECE = re.compile(r"-\d+-of-\d+\.")


def reader_of(
    path: Path,
    label: str | None,
    regression: bool | None,
    classes: tuple[str, ...] | None = None,
    pieces: list[Path] | None = None,
) -> Reader:
    """The reader of one split at ``path`` (in ``pieces``: Parquet or Arrow files); SourceError in one line where there is
    none."""
    if path.is_dir():
        return _folder_reader(path, label, regression, classes)
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        return CsvReader(path, label, regression)
    if suffix in (".parquet", ".pq"):
        return _columns_reader(path, _parquet(pieces or [path]), label, regression)
    if suffix in (".arrow", ".feather"):
        return _columns_reader(path, _arrow(pieces or [path]), label, regression)
    if suffix == ".npy":
        return _array_reader(path, label)
    if suffix in (".npz", ".pt", ".pth"):
        named = named_arrays(path)
        return _pair_reader(named, path, label)
    raise SourceError(
        f"{path}: no known kind of data (known: CSV, TSV, Parquet, Arrow, .npy, .npz, .pt, a folder of pictures)"
    )


def splits_at(path: Path) -> dict[str, list[Path]]:
    """Split folders or files below a folder by their names ("train", "val", ...): role -> path, or the files
    train-00000-of-00002, ... of a split in pieces; {} if there are none."""
    if not path.is_dir():
        return {}
    found: dict[str, list[Path]] = {}
    items = _items(path)
    names = {word for words in SPLIT_WORDS.values() for word in words}
    while len(items) == 1 and items[0].is_dir() and _stem(items[0]) not in names:  # "data", or a configuration's name
        items = _items(items[0])
    for role, words in SPLIT_WORDS.items():
        for word in words:
            named = [item for item in items if _stem(item) == word and _holds_data(item)]
            if named and role not in found:
                pieces = [item for item in named if item.suffix == named[0].suffix and PIECE.search(item.name)]
                found[role] = pieces or named[:1]
    return found if "train" in found else {}


def _items(path: Path) -> list[Path]:
    return sorted(item for item in path.iterdir() if not item.name.startswith((".", "README")))


def _stem(path: Path) -> str:
    return (path.name if path.is_dir() else path.name.split(".")[0].split("-")[0]).lower()


def _holds_data(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() in (".csv", ".tsv", ".parquet", ".npz", ".pt", ".arrow")


def named_arrays(path: Path) -> dict[str, Any]:
    """The arrays of an .npz or .pt file by name, without unpickling anything."""
    try:
        if path.suffix.lower() == ".npz":
            with np.load(path, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        import torch

        return _tensors(torch.load(path, map_location="cpu", weights_only=True), path)
    except SourceError:
        raise
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # a damaged file, or one that holds more than arrays
        if "Weights only load failed" in str(error) or "allow_pickle" in str(error):
            raise SourceError(
                f"cannot read {path} without unpickling it: it holds other objects than arrays; save the arrays alone"
            ) from error
        text = str(error).strip().split("\n")[0].split(". ")[0][:160]
        raise SourceError(f"cannot read {path}: it is damaged or of another kind ({text})") from error


def _tensors(value: Any, path: Path) -> dict[str, Any]:
    if isinstance(value, Tensor):
        return {"x": value}
    if isinstance(value, dict):
        found = {str(key): item for key, item in value.items() if isinstance(item, Tensor) and item.dim()}
    elif isinstance(value, list | tuple):
        tensors = [item for item in value if isinstance(item, Tensor) and item.dim()]
        names = ("x", "y") if len(tensors) == 2 else [f"[{k}]" for k in range(len(tensors))]
        found = dict(zip(names, tensors, strict=True))
    else:
        found = {}
    if not found:
        raise SourceError(f"{path} holds no tensors")
    return found


def _numpy(path: Path) -> Any:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        if "allow_pickle" in str(error) or "Python objects" in str(error):
            raise SourceError(
                f"cannot read {path} without unpickling it: it holds other objects than numbers; save the numbers alone"
            ) from error
        raise SourceError(f"cannot read {path}: it is damaged or of another kind ({str(error)[:160]})") from error


def _array_reader(path: Path, label: str | None) -> ArrayReader:
    """All of an array as inputs; where ``label`` is the number of a column, this one as targets."""
    values = _numpy(path)
    if label is None:
        return ArrayReader(values, None, path.name, path)
    width = values.shape[1] if values.ndim == 2 else 0
    column = column_at(label, [str(number) for number in range(width)])
    if column is None:
        columns = f"it has columns 0 to {width - 1}" if width else f"its shape is {' x '.join(map(str, values.shape))}"
        raise SourceError(f"--label {label}: {path} has no column of this number ({columns})")
    rest = np.delete(values, int(column), axis=1)
    return ArrayReader(rest, np.asarray(values[:, int(column)]), path.name, path)


def _pair_reader(named: dict[str, Any], path: Path, label: str | None) -> ArrayReader:
    inputs, target = pair_of(named, label, str(path))
    return ArrayReader(as_array(inputs), None if target is None else label_codes(as_array(target))[0], path.name, path)


def pair_of(named: dict[str, Any], label: str | None, name: str) -> tuple[Any, Any]:
    """Inputs and targets among named arrays: by their names, else the larger one and the one of its length."""
    by_lower = {key.lower(): key for key in named}
    if label is not None and label not in named:
        guess = nearest(label, list(named)) or f" (there are {', '.join(named)})"
        raise SourceError(f'{name} has no array "{label}"{guess}')
    target = label or next((by_lower[key] for key in TARGETS if key in by_lower), None)
    source = next((by_lower[key] for key in INPUTS if key in by_lower and by_lower[key] != target), None)
    rest = [key for key in named if key != target]
    if source is None and rest:
        source = max(rest, key=lambda key: int(np.prod(np.shape(named[key]))))
    if source is None:
        raise SourceError(f"{name} holds no inputs (arrays: {', '.join(named)})")
    if target is None:
        same = [key for key in rest if key != source and len(named[key]) == len(named[source])]
        target = same[0] if len(same) == 1 else None
    return named[source], None if target is None else named[target]


def _columns_reader(
    path: Path, batches: Batches, label: str | None, regression: bool | None
) -> Reader:
    first = next(batches.every(), None)
    column = picture_column(first.schema) if first is not None else None
    if column is not None:
        return ImageColumnReader(path, batches, column, label)
    return ColumnsReader(path, batches, label, regression)


def _folder_reader(path: Path, label: str | None, regression: bool | None, classes: tuple[str, ...] | None) -> Reader:
    arrow = sorted(path.glob("*.arrow"))
    if (path / "state.json").is_file() and arrow:
        return _columns_reader(path, _arrow(_listed(path) or arrow), label, regression)
    parquet = sorted([*path.glob("*.parquet"), *path.glob("data/*.parquet")])
    if parquet:
        return _columns_reader(path, _parquet(parquet), label, regression)
    has_pictures = any(pictures_in(item) for item in class_folders(path)) or any(
        item.suffix.lower() in SUFFIXES for item in path.iterdir()
    )
    if has_pictures and label is not None:
        raise SourceError(f"--label {label}: the labels of {path} are the names of its class folders")
    if has_pictures:
        return ImageFolderReader(path, classes)
    tables = sorted([*path.glob("*.csv"), *path.glob("*.tsv")])
    if len(tables) == 1:
        return CsvReader(tables[0], label, regression)
    if tables:
        names = ", ".join(item.name for item in tables[:3])
        raise SourceError(f"{path} holds {len(tables)} tables ({names}): name one, or --split train={tables[0].name} val=...")
    raise SourceError(f"{path} holds neither pictures in class folders nor one table nor Arrow or Parquet files")


def _listed(path: Path) -> list[Path]:
    """The files that a saved Hugging Face dataset names, in their order."""
    try:
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        return [path / Path(item["filename"]).name for item in state["_data_files"]][:MOST_FILES]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _needs_pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise SourceError("Parquet and Arrow files need pyarrow: pip install 'paramedic[data]'") from error
    return pyarrow


def _parquet(paths: list[Path]) -> Batches:
    """A part for each row group."""
    _needs_pyarrow()
    from pyarrow import ArrowInvalid, parquet

    parts: list[tuple[Any, int]] = []
    rows = 0
    for path in paths:
        try:
            known = parquet.ParquetFile(path).metadata
        except (OSError, ArrowInvalid) as error:
            raise SourceError(f"cannot read {path}: {str(error)[:160]}") from error
        for group in range(known.num_row_groups):
            parts.append(((path, group), rows))
            rows += known.row_group(group).num_rows
    return Batches(tuple(parts), _row_group)


def _row_group(part: tuple[Path, int]) -> Iterator[Any]:
    from pyarrow import ArrowInvalid, parquet

    path, group = part
    try:
        yield from parquet.ParquetFile(path).iter_batches(batch_size=CHUNK_ROWS, row_groups=[group])
    except (OSError, ArrowInvalid) as error:
        raise SourceError(f"cannot read {path}: {str(error)[:160]}") from error


def _arrow(paths: list[Path]) -> Batches:
    """One part: how many rows a file in the streaming format has is only known at its end."""
    _needs_pyarrow()
    return Batches(((tuple(paths), 0),), _arrow_batches)


def _arrow_batches(paths: tuple[Path, ...]) -> Iterator[Any]:
    """Arrow files in the streaming format of ``datasets``, or in the file format."""
    pyarrow = _needs_pyarrow()
    for path in paths:
        try:
            with pyarrow.memory_map(str(path)) as source:
                try:
                    yield from pyarrow.ipc.open_stream(source)
                except pyarrow.ArrowInvalid:
                    source.seek(0)
                    file = pyarrow.ipc.open_file(source)
                    yield from (file.get_batch(number) for number in range(file.num_record_batches))
        except (OSError, pyarrow.ArrowInvalid) as error:
            raise SourceError(f"cannot read {path}: {str(error)[:160]}") from error


