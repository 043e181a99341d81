"""A matrix, from what was asked to its last cell. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from adapters.base import AdapterError
from bench.cases import Comparison
from bench.choosing import suites
from bench.errors import UsageError
from bench.kinds import registry
from bench.kinds.request import Request
from bench.matrix import asked
from bench.matrix.environments import Environments, Planned, room
from bench.matrix.filling import MODES, Block, Filling
from bench.matrix.filling import asked as comparisons_of
from bench.matrix.timing import Timing
from bench.records.matrix import CellKey
from bench.records.reading import Run
from bench.running import session
from bench.running.session import Session
from semibackward_bench.grammar import counted

SUITE = "matrix"
_COUNTED, _TIMED = "counts", "comparison"


def run(request: Request, words: list[str], path: Path) -> Run:
    """Fill the cells that are not filled yet; everything that is in the file then.

    Args:
        request: what was asked.
        words: of the command, for the record.
        path: of the records.

    Raises:
        BenchError: something in what was asked must be mended first.
        KeyboardInterrupt: the user stopped it; what was found is on disk.
    """
    more = request.more
    torches = asked.torches(more["torch"])
    versions = asked.libraries(more["versions"] or ())
    wheels: Path | None = more["find_wheels"]
    if wheels is not None and not wheels.is_dir():
        raise UsageError(f"--find-wheels {wheels}: there is no such folder")
    if more["time"] and more["keep"] is not None and more["keep"] < len(torches):
        raise UsageError(
            f"--time takes turns between {counted(len(torches), 'environment')}, so all of them"
            " must be there: leave --keep out"
        )
    try:
        environments = Environments(wheels, more["keep"])
    except AdapterError as error:
        raise UsageError(str(error)) from error
    if request.suite is None and not request.own and _fits(request):
        request = replace(request, suite=SUITE)
    with session.opened(request, words, path) as open_:
        open_.make_ready()
        cases = list(dict.fromkeys(one.case for one in open_.comparisons))
        crossed = asked.crossed(cases, versions)
        planned = _planned(torches, environments, open_)
        said = room(planned, more["keep"], environments.folder)
        if said is not None:
            open_.progress.note(said)
        modes = more["modes"] or list(MODES)
        blocks = [
            Block(one, library, tuple(c for case in mine for c in comparisons_of(case, modes)))
            for one in planned
            for library, mine in crossed.items()
        ]
        jobs = more["jobs"] or os.cpu_count() or 1
        counting = _waiting(blocks, _COUNTED, open_)
        Filling(open_, environments, jobs).run(counting)
        if more["time"]:
            Timing(open_, environments).run(_waiting(blocks, _TIMED, open_))
        return open_.journal.read()


def _fits(request: Request) -> bool:
    """Whether the suite of matrices is of the kind that was asked for."""
    meant = registry.meant(request)
    return all(registry.of(group) is meant for group in suites.load(SUITE).groups)


def _planned(torches: Sequence[str], environments: Environments, open_: Session) -> list[Planned]:
    found: dict[str, Planned] = {}
    for torch in torches:
        open_.progress.stage(f"looking for torch {torch}")
        planned = environments.plan(torch)
        found.setdefault(planned.torch, planned)
    return list(found.values())


def _waiting(blocks: Sequence[Block], kind: str, open_: Session) -> list[Block]:
    """What is still to be answered of all that was asked."""
    done = open_.journal.cells()
    waiting = []
    for block in blocks:
        mine = tuple(c for c in block.comparisons if _key(block, kind, c) not in done)
        if mine:
            waiting.append(replace(block, comparisons=mine))
    before = sum(len(block.comparisons) for block in blocks)
    left = sum(len(block.comparisons) for block in waiting)
    if left < before:
        open_.progress.note(f"{counted(before - left, 'cell')} already filled, not repeated")
    return waiting


def _key(block: Block, kind: str, comparison: Comparison) -> CellKey:
    return (block.planned.torch, str(block.library), kind, *comparison.key)
