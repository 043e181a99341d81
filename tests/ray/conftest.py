"""A real Ray cluster of several nodes on this machine (`make test-ray`)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = int(os.environ.get("CASES", "60"))
"""That are measured while slots are killed."""
SECONDS_BETWEEN_KILLS = 10.0
Run = Callable[..., "subprocess.Popen[str]"]


class Nodes:
    """The nodes of a cluster that have a core each; its head has none.

    Args:
        number: how many.
    """

    def __init__(self, number: int) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        from ray.cluster_utils import Cluster

        self.cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
        )
        self.nodes: list[Any] = []
        for _ in range(number):
            self.add()

    def add(self) -> None:
        """Another node."""
        self.nodes.append(self.cluster.add_node(num_cpus=1))

    def kill(self, chance: random.Random) -> None:
        """One of them goes, with everything on it, and tells nobody."""
        node = self.nodes.pop(chance.randrange(len(self.nodes)))
        self.cluster.remove_node(node, allow_graceful=False)

    def close(self) -> None:
        self.cluster.shutdown()


@pytest.fixture
def two_nodes() -> Iterator[Nodes]:
    """A cluster of two."""
    nodes = Nodes(2)
    yield nodes
    nodes.close()


@pytest.fixture
def begin(two_nodes: Nodes, tmp_path: Path) -> Run:
    """Starts the program with slots on the nodes, in a folder of the test's."""

    def start(*words: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bench", *map(str, words)]
        address = ["--engine", "ray", "--address", two_nodes.cluster.address]
        with (tmp_path / "said.txt").open("w", encoding="utf-8") as said:
            return subprocess.Popen(
                [*command, *address],
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                # A shell that runs tests in the background has them ignore Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    return start


def until(true: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"no {what} within {seconds:.0f} s"
        time.sleep(0.2)
