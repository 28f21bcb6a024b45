"""Tasks on a Ray cluster of two nodes on this machine, one of which dies; and one line for every mistake."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

import pytest

from paramedic.integrations import cluster
from paramedic.integrations.cluster import Cluster, ClusterError, check


@pytest.mark.slow
def test_a_node_that_dies_costs_a_retry(two_nodes: Any) -> None:
    check(two_nodes.address)

    def work(factor: int, item: int) -> tuple[int, int]:
        if item == 9:
            raise KeyError("of the task")
        time.sleep(0.3)
        return factor * item, os.getpid()

    with Cluster(two_nodes.address) as connected:
        assert connected.processors == 2
        results = connected.map(work, connected.share(3), range(8))
        found = [next(results), next(results)]
        two_nodes.remove_node(two_nodes.second, allow_graceful=False)
        found += list(results)
        assert [value for value, _ in found] == [0, 3, 6, 9, 12, 15, 18, 21]
        assert len({process for _, process in found}) > 1
        with pytest.raises(KeyError, match="of the task"):
            list(connected.map(work, 1, [9]))


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("nonsense", '"nonsense" is no address of a Ray cluster: write host:6379, ray://host:10001 or auto'),
        ("127.0.0.1:9", r"no Ray cluster at 127.0.0.1:9 \(Connection refused\)"),
    ],
)
def test_a_wrong_address_is_one_line(address: str, line: str) -> None:
    pytest.importorskip("ray")
    with pytest.raises(ClusterError, match=line):
        check(address)


def test_something_else_listens_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ClusterError, match=f"no Ray cluster answers at {address}"):
            check(address)


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ClusterError, match=r"pip install 'paramedic\[ray\]'"):
        check("auto")
