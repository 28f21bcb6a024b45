"""How often paramedic is right: on the programs of ``programs/``, and on faults put into healthy ones."""

from benchmarks.accuracy.scoring import Score, score

__all__ = ["Score", "score"]
