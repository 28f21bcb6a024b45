"""A run's record as TensorBoard event files, in a folder of its own below the program's: a run beside it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from paramedic.integrations.loggers import Histogram, Record, Target


def write(record: Record, target: Target) -> str:
    """Scalars, histograms and the report as text; says where."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    folder = Path(target.where) / "paramedic" / record.name
    writer = EventFileWriter(str(folder))
    try:
        for name, points in record.curves.items():
            for step, number in points:
                value = Summary.Value(tag=f"paramedic {name}", simple_value=number)
                writer.add_event(_event(Event, Summary(value=[value]), step))
        for histogram in record.histograms:
            value = Summary.Value(tag=f"paramedic {histogram.name}", histo=_histogram(histogram))
            writer.add_event(_event(Event, Summary(value=[value]), histogram.step))
        for value in _texts(record):
            writer.add_event(_event(Event, Summary(value=[value]), 0))
    finally:
        writer.close()
    return f"TensorBoard: tensorboard --logdir {target.where}"


def _event(make: Any, summary: Any, step: int) -> Any:
    return make(summary=summary, step=step, wall_time=0.001 * step)


def _histogram(item: Histogram) -> Any:
    from tensorboard.compat.proto.summary_pb2 import HistogramProto

    total = sum(item.counts)
    return HistogramProto(
        min=item.low,
        max=item.high,
        num=total,
        sum=item.mean * total,
        sum_squares=(item.std**2 + item.mean**2) * total if math.isfinite(item.std) else 0.0,
        bucket_limit=item.edges[1:],
        bucket=[float(count) for count in item.counts],
    )


def _texts(record: Record) -> list[Any]:
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    tensor = TensorProto(
        dtype="DT_STRING",
        string_val=[record.text.encode("utf-8")],
        tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
    )
    return [Summary.Value(tag="paramedic findings/text_summary", metadata=metadata, tensor=tensor)]
