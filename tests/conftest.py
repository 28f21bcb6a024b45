"""Shared by all tests: one thread per process (the tests run in parallel), and a Ray cluster for those that need one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def two_nodes() -> Iterator[Any]:
    """A cluster of two nodes with one processor each on this machine; ``second`` is the one that may be killed."""
    utilities = pytest.importorskip("ray.cluster_utils")
    options = {"num_cpus": 1, "object_store_memory": 80 << 20}
    nodes = utilities.Cluster(initialize_head=True, head_node_args={**options, "include_dashboard": False})
    try:
        nodes.second = nodes.add_node(**options)
        yield nodes
    finally:
        nodes.shutdown()
