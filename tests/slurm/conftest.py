"""What tests on a real Slurm ask for: its commands, and jobs of toys (`make test-slurm`)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.places import DATA, ROOT
from tools.slurm_here import HERE

PATIENCE = 280.0
"""Seconds after which a job that is not where it should be never will be."""


@dataclass(frozen=True)
class Slurm:
    """A Slurm on this machine, with a node of 4 CPUs and 2 GPUs that are none.

    Attributes:
        folder: of a test, where its jobs run; a kind of workload, toys, is installed there.
    """

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Of whatever is started: Slurm's commands and our program find what they need in it."""
        paths = os.pathsep.join([str(ROOT), str(self.folder)])
        return {**os.environ, "PYTHONPATH": paths}

    def __call__(self, *words: object, code: int = 0) -> str:
        """What a command says, on stdout and stderr, that ends with this exit code."""
        done = subprocess.run(
            list(map(str, words)),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def bench(self, *words: object, code: int = 0) -> str:
        """What our program says, outside any job."""
        return self(sys.executable, "-m", "bench", *words, code=code)

    def allocated(self, *words: object, asking: Sequence[str] = (), code: int = 0) -> str:
        """What a command says inside an allocation, on the node's own machine.

        Args:
            words: of the command.
            asking: options of salloc, as "--gpus=2".
            code: its exit code.
        """
        return self("salloc", "--quiet", *asking, *words, code=code)

    def states(self, job: str) -> dict[str, str]:
        """The state of each task of an array that waits, runs or ends, by its number."""
        told = self("squeue", "--noheader", "--array", "--jobs", job, "--format=%i %T")
        return dict(re.findall(r"_(\d+) (\w+)", told))

    def until(self, there: Callable[[], bool], what: str) -> None:
        """Wait until something is there that jobs make; it looks four times a second."""
        last = time.monotonic() + PATIENCE
        while not there():
            assert time.monotonic() < last, f"{what}: {self('squeue')}\n{self.said()}"
            time.sleep(0.25)

    def said(self) -> str:
        """What jobs printed."""
        found = sorted([*self.folder.rglob("*.out"), *self.folder.rglob("*.err")])
        return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')}" for path in found)


@pytest.fixture
def slurm(tmp_path: Path) -> Slurm:
    """A real Slurm, which `make test-slurm` starts and ends."""
    assert HERE in os.environ, "these tests are run by: make test-slurm"
    shutil.copy(DATA / "toy_kind.py", tmp_path)
    facts = tmp_path / "toy_kind-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-kind\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[semibackward.kinds]\ntoy = toy_kind:Toy\n")
    return Slurm(tmp_path)
