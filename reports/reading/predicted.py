"""What counted operations predict, and what that leaves out on a GPU. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bench.records.types import ComparisonRecord
from reports.reading import ways

BY_FLOPS = "predicted by FLOPs"
BY_BYTES = "predicted by bytes"


def by_flops(record: ComparisonRecord) -> float | None:
    """The speedup that their arithmetic predicts; None without a count."""
    return _of(record, "speedup")


def by_bytes(record: ComparisonRecord) -> float | None:
    """The speedup that their reading and writing predicts, on CUDA: there it is memory, as often as
    arithmetic, that a kernel waits for."""
    return _of(record, "bytes") if _on_cuda(record) else None


def cell(value: float | None) -> str:
    """As "1.50"."""
    return "-" if value is None else f"{value:.2f}"


def notes(records: Iterable[ComparisonRecord]) -> list[str]:
    """That arithmetic is not all that freezing leaves out, where tables of a GPU tell what
    arithmetic predicts."""
    told = [
        record
        for record in records
        if ways.freezes(record) and _on_cuda(record) and by_flops(record) is not None
    ]
    if not told:
        return []
    beside = " By bytes: what each operation reads and writes at least once."
    return [
        "By FLOPs: arithmetic alone. Freezing also leaves out the reductions of batch norm, and the"
        " writing and reading of gradients, so a speedup above it is no error."
        + (beside if any(by_bytes(record) is not None for record in told) else "")
    ]


def _of(record: ComparisonRecord, what: str) -> float | None:
    if ways.infers(record):
        return None  # it leaves no operation out
    value = (record.theory or {}).get(what)
    return value if isinstance(value, float) else None


def _on_cuda(record: ComparisonRecord) -> bool:
    return record.case.device.startswith("cuda")
