"""Several Ray nodes on this machine, which are killed at will and never left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.run_setup import KEY, KEY_VARIABLE

QUIET = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
_STORE = 80 * 2**20


class RayCluster:
    """A head without processors for workers, and nodes of one processor each."""

    def __init__(self, nodes: int) -> None:
        from ray.cluster_utils import Cluster

        # Nodes have the environment in which they are begun, and workers that of their node.
        os.environ.update({**QUIET, KEY_VARIABLE: KEY})
        head = {"num_cpus": 0, "object_store_memory": _STORE, "include_dashboard": False}
        self._cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        self._nodes: list[Any] = []
        for _ in range(nodes):
            self.add_node()
        self._cluster.wait_for_nodes()

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def add_node(self) -> None:
        self._nodes.append(self._cluster.add_node(num_cpus=1, object_store_memory=_STORE))

    def kill_node_of(self, worker: int) -> bool:
        """The node on which the worker with this process id runs dies with all that is on it."""
        for node in self._nodes:
            if _parent(worker) in _raylets(node):
                self._nodes.remove(node)
                self._cluster.remove_node(node, allow_graceful=False)
                return True
        return False

    def close(self) -> None:
        with suppress(Exception):
            self._cluster.shutdown()


@contextmanager
def ray_cluster(nodes: int) -> Iterator[RayCluster]:
    cluster = RayCluster(nodes)
    try:
        yield cluster
    finally:
        cluster.close()


def _raylets(node: Any) -> set[int]:
    return {process.pid for name, process in node.live_processes() if name == "raylet"}


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return -1
