"""A matrix's cells as rows for programs. Pure; `reports.formats.frame` makes frames of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.records.matrix import CellRecord
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from reports.reading import kind, matrix, places, ways

LINE = "cell"
"""The `kind` of their lines."""


def of(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """A row for each cell of some runs, however it ended.

    Columns: `run`; `file`; `torch` and `library_asked`, as asked, and what was `installed`;
    those of the case; `mode`, "eager" or "compiled"; `answer`, "counts" or "comparison"; `status`
    and `reason`. Of what was counted: the `calls` for gradients, the `parameters` of the model, how
    many parameter gradients all calls computed (`gradients_original`, of the baseline, and
    `gradients_variant`), and of the former their `share` of calls times parameters. Of what was
    timed: `speedup`, `low`, `high` and `verdict`, inside its own environment.
    """
    for place in places.of(runs):
        for run in place.runs:
            for cell in run.cells:
                yield {"run": place.label, "file": run.path.name, **_row(cell)}


def _row(cell: CellRecord) -> dict[str, Any]:
    answer, state = cell.answer, matrix.state(cell)
    found = answer.speedup if isinstance(answer, ComparisonRecord) else None
    return {
        "torch": cell.torch,
        "library_asked": cell.library or None,
        "python": cell.installed.get("python"),
        "installed": "; ".join(f"{name} {told}" for name, told in cell.installed.items()) or None,
        "case_id": cell.case_id,
        **kind.flat(cell.case),
        "mode": ways.mode(answer.baseline),
        "baseline": answer.baseline,
        "variant": answer.variant,
        "answer": answer.kind,
        "status": cell.status,
        "reason": cell.reason,
        "calls": state and state.calls,
        "parameters": state and state.parameters,
        "gradients_original": state and state.computed,
        "gradients_variant": matrix.left(cell),
        "share": state and state.share,
        "speedup": found and found.estimate,
        "low": found and found.low,
        "high": found and found.high,
        "verdict": answer.verdict if isinstance(answer, ComparisonRecord) else None,
    }
