"""What the parts came to: how each went, and the tables of their records."""

from __future__ import annotations

from pathlib import Path

from bench import cli
from bench.errors import UsageError
from tools.bench_gpu.diary import NAME, Diary, Entry
from tools.bench_gpu.parts import PARTS, RECORDS

HOW = {
    "ended": "ended",
    "cut": "cut at its limit",
    "failed": "failed",
    "running": "cut off from outside",
}


def told(entry: Entry) -> str:
    """How a part went, in words."""
    how = HOW[entry.how]
    if entry.killed:
        how += ", killed since it did not end in order"
    if entry.how in ("ended", "failed") and entry.code:
        how += f" with exit code {entry.code}"
    left = "nothing left" if not entry.records else f"{entry.records} on disk"
    return f"{how} after {entry.seconds:.0f} s, {left}"


def draw(folder: Path) -> None:
    """Print how the parts went and the tables of what they measured; the tables go into the folder
    too.

    Raises:
        UsageError: nothing of this program is there.
    """
    entries = Diary(folder).entries
    if not entries:
        raise UsageError(f"{folder} has no {NAME}: nothing was run into it")
    width = max(len(part.name) for part in PARTS)
    print("\nHow each part went:")
    for part in PARTS:
        entry = entries.get(part.name)
        said = "not begun" if entry is None else told(entry)
        print(f"  {part.name:{width}}  {said}", flush=True)
    records = folder / RECORDS
    if records.is_file() and records.stat().st_size:
        print(flush=True)
        cli.main(["report", str(records)])
        cli.main(["report", str(records), "--out", str(folder)])
