"""Cells of a matrix, made up: of every status, in both modes, of several versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.cases import Status
from bench.records.matrix import CellRecord
from bench.records.reading import Run
from bench.records.types import CountsRecord
from tests.cases import image_case
from tests.records import COUNTS, ENVIRONMENT, WASTEFUL, timed

TORCHES = ("1.12.1", "1.13.1", "2.0.1", "2.10.0")
"""The older first, which is not the order of their texts."""
PARAMETERS = 62
NO_COMPILE = "torch {} has no torch.compile; it came with 2.0"


def cell(
    torch: str = "2.0.1",
    share: float | None = 1.0,
    library: str = "torchattacks==3.5.1",
    attack: str = "pgd",
    *,
    calls: int = 5,
    frozen: int = 0,
    compiled: bool = False,
    status: Status = "ok",
    reason: str | None = None,
    **case: Any,
) -> CellRecord:
    """One that was counted.

    Args:
        torch, library: as of the cell.
        share: of the parameter gradients that could be computed; None where nothing was counted.
        attack, case: of its case.
        calls: for gradients.
        frozen: what freezing leaves.
        compiled: whether the baseline is.
        status, reason: how it ended.
    """
    made = image_case(library.partition("==")[0] or "reference", attack, **case)
    number = 0 if share is None else round(share * calls * PARAMETERS)
    baseline, variant = ways(compiled=compiled)
    before = replace(
        WASTEFUL, calls={"backward": calls} if calls else {}, parameter_gradients=number
    )
    answer = CountsRecord(
        made.id,
        made,
        baseline,
        variant,
        status,
        0,
        reason,
        parameters=None if share is None else PARAMETERS,
        counts={}
        if share is None
        else {baseline: before, variant: replace(COUNTS, parameter_gradients=frozen)},
    )
    installed = {} if share is None else {"python": "3.11.7", "torch": torch}
    return CellRecord(torch=torch, library=library, answer=answer, installed=installed)


def ways(*, compiled: bool = False) -> tuple[str, str]:
    """A baseline and its variant."""
    return ("compiled", "compiled+semi-backward") if compiled else ("original", "semi-backward")


def line(
    shares: Sequence[float | None], torches: Sequence[str] = TORCHES, **more: Any
) -> list[CellRecord]:
    """A row: a share with each torch; None where it could not be counted."""
    return [
        cell(torch, share, **more)
        if share is not None
        else cell(torch, None, status="unsupported", reason=NO_COMPILE.format(torch), **more)
        for torch, share in zip(torches, shares, strict=True)
    ]


def ratio(
    torch: str, found: float, library: str = "torchattacks==3.5.1", **more: Any
) -> CellRecord:
    """A cell that was timed."""
    case = image_case(library.partition("==")[0] or "reference", "pgd")
    answer = timed(case, found, **{"verdict": "faster", **more})
    return CellRecord(torch=torch, library=library, answer=answer)


def of(*cells: CellRecord, path: str = "matrix.jsonl") -> Run:
    """A file of cells as it is read."""
    return Run(Path(path), ENVIRONMENT, (), cells=cells)


SOME = [
    *line((1, 0, 0, 0), library="torchattacks==3.5.1", attack="cw"),
    *line((1, 1, 1, 1), library="torchattacks==3.5.1"),
    *line((1, 1, 1, 1), library="torchattacks==3.10.0"),
    *line((None, None, 1, 1), library="torchattacks==3.5.1", compiled=True),
    *line((0.5, 0.5, 0.5, 1 / 62), library="", attack="pgd-backward"),
    *line((0, 0, 0, 0), library="", attack="square", calls=0),
    *line((None, None, 0, 0), library="", attack="square", calls=0, compiled=True),
    cell("2.0.1", 1, "foolbox==3.3.4", status="unequal", reason="the outputs differ by 0.1"),
    cell("2.10.0", None, "foolbox==3.3.4", status="failed", reason="it fell <over>"),
    cell("1.13.1", None, "foolbox==3.3.4", status="timeout", reason="it took more than 60 s"),
    ratio("2.0.1", 1.5),
    ratio("2.10.0", 1.4, status="failed", speedup=None, verdict=None, reason="it fell <over>"),
]
"""Of every kind."""
