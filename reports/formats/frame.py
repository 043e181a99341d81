"""Records as pandas frames, a row for each comparison or training: for CSV, JSON and the page."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import is_dataclass
from typing import Any

import pandas

from bench import telling
from bench.kinds import registry
from bench.records.reading import Run
from bench.records.types import ComparisonRecord, Environment
from bench.statistics.equality import Equality
from reports.formats import cell_rows
from reports.reading import (
    energy,
    joined,
    kind,
    memory,
    places,
    predicted,
    preparation,
    promises,
    published,
    reproduce,
)
from reports.reading.explanation import explain
from reports.reading.machines import Machines
from reports.reading.why import why

OPTIONAL = (
    *("predicted_by_bytes", "joules_original", "joules_variant", "energy_ratio"),
    *("prepared_original", "prepared_variant", "prepared_runs", "prepared_graphs"),
    *("pays_off_after", "graph_breaks", "recompilations"),
)
"""Columns that only records of some GPUs have anything for, or of variants that are prepared."""
ROWS = 5_000
"""Rows of a frame, where not all have to be in one: in some 50 MB."""


def comparisons(runs: Sequence[Run]) -> pandas.DataFrame:
    """A row for each comparison of some runs, however it ended.

    Columns: `run`, which tells the runs apart; those of the cases, of every kind (`input_shape`
    as "3×32×32"); `status`, `verdict`, `verdict_told` (in words: whether it holds beyond the
    process), `reason`, `why` (in words); `speedup`, `low`, `high` and
    what they stand on; how low and how high as the system gives memory (`as_given_low`, …);
    `seconds_original` and `seconds_variant` (medians); what the checks found; what making it ready
    took (`prepared_variant`, in seconds, …). What is called `_original` is of the `baseline`;
    the published speedup and ours over it; the environment; the slot (`host`, `gpu`, `gpu_uuid`,
    its index as `slot`, `others` beside it) and the `tries`; `command`, which repeats the row.
    Those of `OPTIONAL` are there where some row has them.
    """
    return _frame(list(_comparisons(runs)))


def lines() -> list[str]:
    """The lines of records that only one kind has, by their `kind`."""
    return [line for kind in registry.every() for line in kind.lines]


def own(runs: Sequence[Run], line: str) -> pandas.DataFrame:
    """A row for each line of a kind's own, as a training that was taken to its end."""
    return _frame(list(_own(runs, line)))


def cells(runs: Sequence[Run]) -> pandas.DataFrame:
    """A row for each cell of a matrix; the columns are those of `reports.formats.cell_rows`."""
    return _frame(list(cell_rows.of(runs)))


def everything(runs: Sequence[Run]) -> Iterator[pandas.DataFrame]:
    """The rows of all, `kind` first: "comparison", the line of a kind's own, or "cell"; so many at
    a time, every frame with the columns and the types that one of all rows would have."""
    batches = _batches(_everything(runs))
    first, second = next(batches, []), next(batches, None)
    if second is None:
        yield _frame(first)
        return
    del first, second
    types: dict[str, Any] = {}
    for rows in _batches(_everything(runs)):
        for name, kind_of in pandas.DataFrame(rows).convert_dtypes().items():
            types[str(name)] = _both(types.get(str(name)), kind_of)
    types = {name: found for name, found in types.items() if found or name not in OPTIONAL}
    typed = {name: found or "object" for name, found in types.items()}
    for rows in _batches(_everything(runs)):
        yield pandas.DataFrame(rows, columns=list(types)).astype(typed)


def _everything(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    for row in _comparisons(runs):
        yield {"kind": "comparison", **row}
    for line in lines():
        for row in _own(runs, line):
            yield {"kind": line, **row}
    for row in cell_rows.of(runs):
        yield {"kind": cell_rows.LINE, **row}


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(itertools.islice(rows, ROWS)):
        yield batch


def _both(before: str | None, column: pandas.Series[Any]) -> str | None:
    """The type of a column whose former rows have one and whose next rows another; None for rows
    without a value."""
    if column.isna().all():
        return before
    found = str(column.dtype)
    if before in (None, found):
        return found
    return "Float64" if {before, found} == {"Int64", "Float64"} else "object"


def _comparisons(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    for place in places.of(runs):
        machines = {id(run): Machines(run.environment) for run in place.journals}
        for run in place.runs:
            for record, journal in joined.comparisons(run):
                yield _comparison(record, journal, place.label, machines[id(journal)])


def _own(runs: Sequence[Run], line: str) -> Iterator[dict[str, Any]]:
    return (
        {
            "run": place.label,
            "file": journal.path.name,
            **{key: value for key, value in vars(record).items() if not _nested(key, value)},
            **kind.flat(record.case),
            **kind.of(record.case).rows(record),
        }
        for place in places.of(runs)
        for run in place.runs
        for record, journal in joined.own(run, line)
    )


def _nested(key: str, value: object) -> bool:
    return (
        key in ("case", "schema", "kind") or isinstance(value, list | dict) or is_dataclass(value)
    )


def _frame(rows: list[dict[str, Any]]) -> pandas.DataFrame:
    made = pandas.DataFrame(
        [{name: telling.encodable(value) for name, value in row.items()} for row in rows]
    )
    made = made.drop(columns=[n for n in OPTIONAL if n in made and made[n].isna().all()])
    typed: pandas.DataFrame = made.convert_dtypes()  # whole numbers stay whole beside missing ones
    return typed


def _comparison(
    record: ComparisonRecord, run: Run, label: str, machines: Machines
) -> dict[str, Any]:
    environment = run.environment
    found, given = record.speedup, record.as_given
    told = explain(record, environment)
    there = published.of(record, environment.suite)
    return {
        "run": label,
        "file": run.path.name,
        "case_id": record.case_id,
        **kind.flat(record.case),
        "baseline": record.baseline,
        "variant": record.variant,
        "status": record.status,
        "verdict": record.verdict,
        "verdict_told": record.verdict and promises.verdict(record),
        "reason": record.reason,
        "why": why(record, environment),
        "label": told and told.label,
        "speedup": found and found.estimate,
        "low": found and found.low,
        "high": found and found.high,
        "confidence": found and found.confidence,
        "processes": found and found.processes,
        "blocks": found and found.blocks,
        "interval_method": found and found.method,
        "as_given_low": given and min(given.speedups),
        "as_given_high": given and max(given.speedups),
        "as_given_processes": given and len(given.speedups),
        "stop_reason": record.stop_reason,
        "seconds_original": _median(record, record.baseline),
        "seconds_variant": _median(record, record.variant),
        "predicted": _number((record.theory or {}).get("speedup")),
        "predicted_by_passes": _number((record.theory or {}).get("passes")),
        "predicted_by_bytes": predicted.by_bytes(record),
        "joules_original": energy.per_run(record, record.baseline),
        "joules_variant": energy.per_run(record, record.variant),
        "energy_ratio": energy.ratio(record),
        "published": there and there.speedup,
        "over_published": found.estimate / there.speedup if found and there else None,
        **_preparation(record),
        **_checks(record),
        **kind.of(record.case).results(record),
        **_environment(environment),
        **_slot(record, machines, environment),
        "elapsed": record.elapsed,
        "warnings": "; ".join(record.warnings) or None,
        "command": reproduce.command(record, environment),
    }


def _preparation(record: ComparisonRecord) -> dict[str, Any]:
    made = record.preparation or {}
    before, found = made.get(record.baseline), preparation.of(record)
    return {
        "prepared_original": before and before.seconds,
        "prepared_variant": found and found.seconds,
        "prepared_runs": found and found.runs,
        "prepared_graphs": found and found.compilations,
        "pays_off_after": found and found.pays_off,
        "graph_breaks": (found and "; ".join(found.breaks)) or None,
        "recompilations": record.recompilations if made or record.recompilations else None,
    }


def _checks(record: ComparisonRecord) -> dict[str, Any]:
    equality, gradients, peak = record.equality, record.gradients or {}, record.memory or {}
    return {
        "level": equality and equality.level,
        "equal": equality and equality.equal,
        "bitwise": equality and equality.bitwise,
        "max_abs_diff": equality and equality.max_abs_diff,
        "first_step_error": equality and equality.first_step_error,
        "flipped_signs": equality and equality.flipped_signs,
        "differing": equality and equality.differing,
        "elements": equality and equality.elements,
        "success_original": _success(equality, record.baseline),
        "success_variant": _success(equality, record.variant),
        "success_differs": equality and equality.success and len(equality.success_differs),
        "rounding_layers": (equality and ", ".join(equality.layers)) or None,
        "gradient_call": gradients.get("call"),
        "parameters": gradients.get("parameters"),
        "gradients_original": gradients.get(record.baseline),
        "gradients_variant": gradients.get(record.variant),
        "peak_bytes_original": peak.get(record.baseline),
        "peak_bytes_variant": peak.get(record.variant),
        "page_faults_original": memory.per_run(record, record.baseline),
        "page_faults_variant": memory.per_run(record, record.variant),
        "bound": record.diagnosis and record.diagnosis.bound,
        "drift": record.diagnosis and record.diagnosis.drift,
    }


def _success(equality: Equality | None, variant: str) -> int | None:
    return None if equality is None or equality.success is None else equality.success[variant]


def _environment(environment: Environment) -> dict[str, Any]:
    return {
        "suite": environment.suite,
        "machine": places.machine(environment),
        "torch": environment.torch["version"],
        "python": environment.python,
        "threads": environment.threads,
        "memory_policy": environment.memory and environment.memory.policy,
        "memory_kept": environment.memory and environment.memory.kept,
        "workers": environment.workers,
        "seed": environment.seed,
        "created": environment.created,
    }


def _slot(record: ComparisonRecord, machines: Machines, environment: Environment) -> dict[str, Any]:
    found, model = record.slot, machines.model(record)
    usual = model in (environment.accelerator.get("name"), environment.processor)
    return {
        "machine": places.machine(environment) if usual else model,
        "host": found and found.host,
        "gpu": machines.gpu(record) or None,
        "gpu_uuid": found and found.gpu,
        "slot": found and found.index,
        "others": found and found.others,
        "tries": record.tries,
    }


def _median(record: ComparisonRecord, variant: str) -> float | None:
    samples = record.seconds.get(variant)
    return statistics.median(samples) if samples else None


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None
