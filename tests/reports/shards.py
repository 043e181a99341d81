"""Files of one run of several slots, made up: shards on machines with GPUs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.records.reading import Run
from bench.records.slot import Slot, SlotFacts
from bench.records.types import ComparisonRecord
from tests.cases import changed
from tests.records import ENVIRONMENT, GAIN

A100, H200 = "NVIDIA A100", "NVIDIA H200"
LIBRARIES = ("advertorch", "art", "cleverhans", "deeprobust", "foolbox", "torchattacks")


def slot(host: str = "node1", index: int = 0, others: int = 0) -> Slot:
    """One of a machine's GPUs."""
    return Slot(host, index, f"GPU-{host}-{index}", others)


def facts(of: Slot, gpu: str = A100, **changes: Any) -> SlotFacts:
    """What its run knows of it."""
    accelerator: dict[str, str | int] = {"name": gpu} if gpu else {}
    return replace(SlotFacts(of, "slurm", "a processor", accelerator=accelerator), **changes)


def case(number: int = 0, at: Slot | None = None, **changes: Any) -> ComparisonRecord:
    """One of many comparisons that differ in the library, and then in the batch."""
    batch = 1 + number // len(LIBRARIES)
    asked = changed(GAIN.case, library=LIBRARIES[number % len(LIBRARIES)], batch=batch)
    asked = replace(asked, device="cuda" if at is not None and at.gpu else "cpu")
    return replace(replace(GAIN, case=asked, case_id=asked.id, slot=at), **changes)


def shard(
    number: int, of: int, records: Sequence[ComparisonRecord], *there: SlotFacts, **changes: Any
) -> Run:
    """A shard's journal."""
    command = ["python", "-m", "bench", "run", "--suite", "all-attacks", "--shard"]
    name = f"shard-{number}-of-{of}.jsonl"
    environment = replace(
        ENVIRONMENT,
        created=f"2026-01-01T00:{number:02}:00+00:00",
        command=[*command, f"{number}/{of}", "--out", name],
        device="cuda" if there and there[0].accelerator else "cpu",
        accelerator=dict(there[0].accelerator) if there else {},
        slots=list(there),
    )
    return Run(Path(name), replace(environment, **changes), tuple(records))
