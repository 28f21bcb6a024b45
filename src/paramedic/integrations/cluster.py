"""Tasks on a Ray cluster (extra ``[ray]``): connected to in one place, repeated where a worker is lost.

The package goes to the workers as it is here, so they need what it imports, and not paramedic itself. Nothing is
connected to inside the observed program: Ray takes over signals and threads of its process.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

RETRIES = 3  # of a task whose worker or node is lost: a lost node may be the second and third home of a task as well
REACH_SECONDS = 5.0  # for a connection to the address
CONNECT_SECONDS = 60.0  # for a cluster that is reached to take us in; on a busy machine it took 3 to 12
RESULT_SECONDS = 900.0  # without a result the cluster is given up: its processors are taken by others, or are gone
_CONNECT = "import sys; from paramedic.integrations import cluster; cluster.Cluster(sys.argv[1]).close()"


class ClusterError(Exception):
    """Ray is missing, the address is wrong, or the cluster gives no results; one line."""


def check(address: str) -> None:
    """ClusterError unless the cluster takes us in. Connects in a process of its own: Ray waits minutes for a wrong
    address, and may abort the process that asked."""
    if importlib.util.find_spec("ray") is None:
        raise ClusterError("--ray needs Ray, which is not installed: pip install 'paramedic[ray]'")
    _reach(address)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _CONNECT, address], capture_output=True, text=True, timeout=CONNECT_SECONDS,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ClusterError(f"no Ray cluster answers at {address} (waited {CONNECT_SECONDS:.0f} s)") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        why = lines[-1].rpartition("ClusterError: ")[2] if lines else f"exit code {done.returncode}"
        raise ClusterError(why if address in why else f"cannot use the Ray cluster at {address}: {why}")


def _reach(address: str) -> None:
    """A port that nobody listens to is said at once."""
    if address in ("auto", "local"):
        return
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.hostname is None or port is None:
        raise ClusterError(f'"{address}" is no address of a Ray cluster: write host:6379, ray://host:10001 or auto')
    try:
        socket.create_connection((parts.hostname, port), REACH_SECONDS).close()
    except OSError as error:
        raise ClusterError(f"no Ray cluster at {address} ({error.strerror or error})") from None


class Cluster:
    """A connection to a Ray cluster; ClusterError if there is none. ``close`` leaves the cluster as it was."""

    def __init__(self, address: str) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise ClusterError(f"Ray cannot be imported ({error}): pip install 'paramedic[ray]'") from error
        self._ray = ray
        self.address = address
        package = str(Path(__file__).resolve().parent.parent)
        try:
            ray.init(
                address=address, runtime_env={"py_modules": [package]}, log_to_driver=False, logging_level=logging.ERROR,
                configure_logging=False,
            )  # fmt: skip
        except Exception as error:
            why = str(error).strip().splitlines() or [type(error).__name__]
            raise ClusterError(f"cannot use the Ray cluster at {address}: {why[0]}") from error

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._ray.shutdown()

    @property
    def processors(self) -> int:
        """Of all nodes that are there now."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def share(self, value: Any) -> Any:
        """A handle for ``map``: the value is sent to each node once, however many tasks use it."""
        return self._ray.put(value)

    def send_module(self, name: str) -> None:
        """Objects of this module are sent with its code, unless it is installed: the nodes do not have it."""
        module = sys.modules.get(name)
        path = getattr(module, "__file__", None)
        if module is not None and path is not None and name != "__main__" and "site-packages" not in Path(path).parts:
            if not name.startswith("paramedic.") and not Path(path).is_relative_to(sys.base_prefix):
                self._ray.cloudpickle.register_pickle_by_value(module)

    def map(
        self, function: Callable[[Any, Any], Any], shared: Any, items: Iterable[Any], ahead: int | None = None
    ) -> Iterator[Any]:
        """``function(shared, item)`` of each item, in order, one processor each.

        shared: a value, or the handle of one. ahead: how many are computed at a time, by default as many as there are
        processors; items are drawn when there is a place. A task is repeated where its worker is lost, so it must not
        matter how often it runs. Its own exception is raised here in its turn; ClusterError if the cluster cannot
        finish it. What is still computed when the caller stops asking runs to its end, and nobody gets it: to cancel a
        task that is just ending can abort this process (Ray 2.60: "Tried to complete task that was not pending").
        """
        from ray.exceptions import RayError, RayTaskError

        task = self._ray.remote(num_cpus=1, max_retries=RETRIES)(function)
        places = ahead or self.processors
        waiting: deque[Any] = deque()
        source = iter(items)
        try:
            while True:
                while len(waiting) < places and (item := next(source, _END)) is not _END:
                    waiting.append(task.remote(shared, item))
                if not waiting:
                    return
                yield self._ray.get(waiting[0], timeout=RESULT_SECONDS)
                waiting.popleft()
        except RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from None
        except RayError as error:
            why = str(error).strip().splitlines() or [""]
            raise ClusterError(f"the Ray cluster at {self.address} lost a task: {type(error).__name__}: {why[0]}") from error


_END = object()
