"""From what the worker processes found to one comparison's record. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.cases import Comparison
from bench.errors import Ended
from bench.records.memory import AsGiven
from bench.records.types import ComparisonRecord, Prepared, ProcessRecord
from bench.running.measuring import SoFar
from bench.statistics import diagnosis, energy, estimate, preparation
from bench.statistics.blocks import Block
from bench.statistics.conditions import Conditions
from bench.statistics.preparation import Preparation
from bench.statistics.stopping import StopRule


def complete(
    comparison: Comparison,
    parts: Sequence[ProcessRecord],
    rule: StopRule,
    seed: int,
    beside: Sequence[ProcessRecord] = (),
) -> ComparisonRecord:
    """The record of a comparison whose processes have all run.

    Args:
        comparison: what was asked.
        parts: of each process, in order.
        rule: what was asked of them.
        seed: of the run.
        beside: of the processes that had memory as the system gives it, where there were any.
    """
    blocks = [block for part in parts for block in part.blocks]
    conditions = [part.conditions for part in parts]
    settled = all(part.settled for part in parts)
    record = _record(comparison, parts[0].prepared, blocks, conditions, seed)
    interval = estimate.speedup(blocks)
    stretches = [stretch for part in parts for stretch in part.alone]
    use = parts[0].prepared.device_use
    found = diagnosis.diagnose(blocks, settled=settled, use=use, stretches=stretches)
    device = comparison.case.device
    return replace(
        record,
        status="ok",
        elapsed=round(sum(part.elapsed for part in (*parts, *beside)), 3),
        as_given=_as_given(comparison, beside),
        speedup=interval,
        verdict=estimate.verdict(interval),
        stop_reason=rule.of_case(interval, [part.stop_reason for part in parts]),
        alone=stretches,
        diagnosis=found,
        preparation=_paid_off(record),
        recompilations=sum(part.recompilations for part in parts),
        warmup_runs=parts[0].warmup_runs,
        warnings=[
            *record.warnings,
            *diagnosis.warnings(found, blocks, conditions, interval, device),
            *energy.warnings(record.energy, record.seconds),
        ],
    )


def _paid_off(record: ComparisonRecord) -> dict[str, Preparation] | None:
    """What preparation took, and after how many runs of the variant that is won back."""
    found = record.preparation
    if found is None or record.variant not in found:
        return found
    mine, before = found[record.variant], found.get(record.baseline)
    more = mine.seconds - (0.0 if before is None else before.seconds)
    after = preparation.pays_off(
        more, record.seconds[record.baseline], record.seconds[record.variant]
    )
    return {**found, record.variant: replace(mine, pays_off=after)}


def broken_off(
    comparison: Comparison,
    parts: Sequence[ProcessRecord],
    so_far: SoFar,
    ended: Ended,
    seed: int,
    elapsed: float,
) -> ComparisonRecord:
    """The record of a comparison that ended without a speedup; what was measured is kept.

    Args:
        comparison: what was asked.
        parts: of the processes that ran to their end.
        so_far: of the one that did not.
        ended: why.
        seed: of the run.
        elapsed: wall seconds of the process that did not.
    """
    blocks = [block for part in parts for block in part.blocks] + so_far.blocks
    # What the last process found says why it ended.
    prepared = so_far.prepared or (parts[0].prepared if parts else None)
    conditions = [part.conditions for part in parts]
    return replace(
        _record(comparison, prepared, blocks, conditions, seed),
        status=ended.status,
        reason=ended.reason,
        elapsed=round(elapsed + sum(part.elapsed for part in parts), 3),
        warmup_runs=so_far.warmup_runs,
    )


def _record(
    comparison: Comparison,
    prepared: Prepared | None,
    blocks: Sequence[Block],
    conditions: list[Conditions],
    seed: int,
) -> ComparisonRecord:
    ways = comparison.baseline, comparison.variant
    record = ComparisonRecord(
        case_id=comparison.case.id,
        case=comparison.case,
        baseline=comparison.baseline,
        variant=comparison.variant,
        status="failed",
        seed=seed,
        elapsed=0.0,
        seconds=_samples(blocks, ways, "seconds"),
        host_seconds=_where_told(blocks, ways, "host_seconds"),
        faults=_where_told(blocks, ways, "faults"),
        energy=energy.of(blocks, ways, None if prepared is None else prepared.energy_period),
        order=[block.order for block in blocks],
        processes=[block.process for block in blocks],
        repeated=[index for index, block in enumerate(blocks) if block.repeated],
        gpu=[block.gpu for block in blocks] if any(block.gpu for block in blocks) else None,
        conditions=conditions,
    )
    if prepared is None:
        return record
    return replace(
        record,
        case=replace(comparison.case, library_version=prepared.library_version),
        equality=prepared.equality,
        theory=prepared.theory,
        memory=prepared.memory,
        memory_parts=prepared.memory_parts,
        operations=prepared.operations,
        anatomy=prepared.anatomy,
        gradients=prepared.gradients,
        observed=prepared.observed,
        timer=prepared.timer,
        findings=prepared.findings,
        preparation=prepared.preparation,
        parts=_parts(blocks, prepared),
        warnings=list(prepared.warnings),
    )


def _parts(blocks: Sequence[Block], prepared: Prepared) -> list[int]:
    """The part that each block measured, of a case that has several."""
    divided = prepared.findings is not None and prepared.findings.parts is not None
    return [block.part for block in blocks] if divided else []


def _as_given(comparison: Comparison, beside: Sequence[ProcessRecord]) -> AsGiven | None:
    """From their calm blocks; the lowest and highest of the others tell of disturbances only."""
    calm = [[block for block in part.blocks if block.calm] for part in beside]
    calm = list(filter(None, calm))
    if not calm:
        return None
    blocks = [block for found in calm for block in found]
    ways = comparison.baseline, comparison.variant
    return AsGiven(
        speedups=[estimate.speedup(found).estimate for found in calm],
        seconds=_samples(blocks, ways, "seconds"),
        faults=_where_told(blocks, ways, "faults"),
        order=[block.order for block in blocks],
        processes=[block.process for block in blocks],
    )


def _samples(blocks: Sequence[Block], ways: tuple[str, str], what: str) -> dict[str, list[Any]]:
    return {
        name: [getattr(sample, what) for block in blocks for sample in block.of(letter)]
        for letter, name in zip("AB", ways, strict=True)
        if blocks
    }


def _where_told(
    blocks: Sequence[Block], ways: tuple[str, str], what: str
) -> dict[str, list[Any]] | None:
    """The same of what not every timer tells; None unless all samples have it."""
    told = all(getattr(sample, what) is not None for block in blocks for sample in block.samples)
    return _samples(blocks, ways, what) if blocks and told else None
