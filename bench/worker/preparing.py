"""Make a variant ready that compiles or captures something, and tell what that took.

Compiling happens on the first calls, so the attack is run until a run compiles nothing. What that
took is all of it, less as many runs as come after.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from adapters.base import AdapterError, UnsupportedSettings
from bench.cases import Comparison
from bench.statistics.preparation import Preparation
from bench.variants import torch_compile
from bench.worker import compilers, failures
from bench.worker.variants import Shaped
from bench.worker.workload import Workload
from semibackward_bench.grammar import counted

MOST_RUNS = 6
"""Of an attack that goes on compiling, after which it is given up."""
FOLDER = "SEMIBACKWARD_BENCH_COMPILED"
"""The variable that names a folder for compiled code, fresh in each run of the program, so that
what preparation takes does not depend on what was compiled some other day."""
_INDUCTORS = "TORCHINDUCTOR_CACHE_DIR"


class Watch:
    """Times how variants are made ready. Compiled code goes into a folder of the comparison's own.

    Args:
        comparison: what is built.
    """

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def timing(self, variant: str) -> Iterator[None]:
        """Building a variant, as far as that is to be counted."""
        started = time.perf_counter()
        yield
        self._seconds[variant] = time.perf_counter() - started

    def made_ready(self, workload: Workload, ways: Mapping[str, Shaped]) -> dict[str, Preparation]:
        """Run those variants that compile or capture something until nothing is compiled any more.

        Raises:
            UnsupportedSettings: it can't be compiled, or never comes to an end.
        """
        return {
            variant: self._of(workload, variant, way)
            for variant, way in ways.items()
            if not way.ready
        }

    def _of(self, workload: Workload, variant: str, way: Shaped) -> Preparation:
        spent, runs = self._seconds[variant], 0
        broken = compilers.graph_breaks()
        with _compiling_into(f"{self._comparison.case.id}-{variant}"), compilers.limited():
            while True:
                before, started = way.compilations, time.perf_counter()
                with _told(variant):
                    workload.run(variant, lambda run: run())
                took = time.perf_counter() - started
                if way.compilations == before and runs:
                    break
                spent, runs = spent + took, runs + 1
                if runs == MOST_RUNS:
                    raise UnsupportedSettings(
                        f"{variant}: each run of the attack compiles something anew"
                        f" ({counted(way.compilations, 'graph')} in {counted(runs, 'run')}): what"
                        " its forward pass depends on changes from call to call"
                    )
        return Preparation(
            seconds=max(0.0, spent - runs * took),
            runs=runs,
            compilations=way.compilations,
            breaks=list(compilers.graph_breaks() - broken),
        )


@contextlib.contextmanager
def _compiling_into(name: str) -> Iterator[None]:
    """The block in which inductor keeps what it compiles in a folder of that name."""
    base, before = os.environ.get(FOLDER), os.environ.get(_INDUCTORS)
    if base is None:
        yield
        return
    os.environ[_INDUCTORS] = str(Path(base, name))
    try:
        yield
    finally:
        if before is None:
            del os.environ[_INDUCTORS]
        else:
            os.environ[_INDUCTORS] = before


@contextlib.contextmanager
def _told(variant: str) -> Iterator[None]:
    """Errors of the compiler as what they are: the variant can't be had here."""
    try:
        yield
    except AdapterError:
        raise
    except Exception as error:
        said = torch_compile.complaint(error)
        if said is None or failures.status_of(error) == "out-of-memory":
            raise
        raise UnsupportedSettings(f"{variant}: torch.compile can't do it: {said}") from error
