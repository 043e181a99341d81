"""Which engine a run has. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.choosing import selection
from bench.choosing.engines import LOCAL
from bench.errors import UsageError
from bench.kinds.request import Request, flag
from bench.records import provenance
from bench.running.engines.base import Engine
from bench.running.far import Agreed

_ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "worker_command": ("command",),
    "worker_python": ("command", "slurm", "ray"),
    "address": ("ray",),
}
"""Options that only some engines take."""


def of(request: Request, note: Callable[[str], None]) -> Engine:
    """The engine of a run; where none is named, what the other options are for.

    Args:
        request: what was asked.
        note: told what the user should know.

    Raises:
        BenchError: it can't be had, or was given what another takes.
    """
    name = request.engine or ("command" if request.worker_command else LOCAL)
    for option, takers in _ONLY_FOR.items():
        if getattr(request, option) and name not in takers:
            raise UsageError(
                f"{flag(option)} is for --engine {' or '.join(takers)}, and this is {name}"
            )
    fork = request.workers != "afresh"
    if name == LOCAL:
        from bench.running.engines.local import Local

        return Local(note, fork=fork)
    agreed = _agreed(request, fork)
    if name == "command":
        from bench.running.engines.command import Command

        if not request.worker_command:
            raise UsageError("--engine command needs --worker-command, as 'ssh node7'")
        return Command(request.worker_command, request.worker_python, agreed, note)
    if name == "slurm":
        from bench.running.engines.slurm import Slurm

        return Slurm(request.slots, request.worker_python, agreed, note)
    from bench.running.engines.ray import Ray

    return Ray(request.slots, request.address, agreed, note)


def _agreed(request: Request, fork: bool) -> Agreed:
    """What has to be the same at both ends."""
    suite = selection.choose_suite(request, "cpu")
    found = selection.comparisons(request, suite, "cpu", _nobody)
    files = provenance.files(request.own, provenance.named(request, found))
    return Agreed(
        files=files,
        folder=str(Path.cwd()),
        other_versions=request.allow_other_versions,
        fork=fork,
    )


def _nobody(*_: Any) -> None:
    """Nobody is told twice."""
