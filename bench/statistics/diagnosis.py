"""What the samples say of the measurement itself. Pure; each warning ends with what to do."""

from __future__ import annotations

import math
import statistics as standard
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy

from bench.statistics import alone, carry_over, doubts, levels, spoiling
from bench.statistics.alone import Alone, Stretch
from bench.statistics.blocks import Block
from bench.statistics.carry_over import CarryOver
from bench.statistics.estimate import Speedup, t_quantile
from bench.statistics.levels import Level

if TYPE_CHECKING:
    from bench.statistics.conditions import Conditions

Bound = Literal["launch-bound", "synchronisation-bound", "compute-bound"]

SLOT_EFFECT = 0.02
DRIFT = 0.2
AUTOCORRELATION = 0.3
OUTLIER = 5.0
"""Distance from the median, in robust standard deviations, from which a block is an outlier."""
MANY_OUTLIERS = 0.1
OTHERS = 0.25
"""Cores kept busy by other programs from which they are worth a warning."""
FEW_BLOCKS = 8
"""With fewer, a diagnosis is guesswork."""
FULL = 0.9
"""Share of the time from which the device counts as busy all along, or the host as never ahead."""
WAITS = 0.1
"""Share of its time that the host must wait for the device to count as held up by it."""
_MAD = 1.4826


@dataclass(frozen=True)
class DeviceUse:
    """What one profiled run of the baseline did on a GPU.

    Attributes:
        busy: seconds in which at least one kernel or copy was running.
        waiting: share of the call's wall time that the host spent waiting for the device.
        launches: kernels and copies.
    """

    busy: float
    waiting: float
    launches: int


@dataclass(frozen=True)
class Diagnosis:
    """What the samples say of the measurement itself.

    Attributes:
        slot_effect: log of the time of the first run of each pair over the second's, on average:
            what a run leaves behind for the next. Mirrored blocks cancel it. None with too few.
        slot_half_width: of its 95 % interval.
        drift: log of the times in the last third over those in the first, averaged over processes.
        autocorrelation: at lag 1, of whether a block's log ratio lies above or below the median.
        outliers: indices of blocks whose ratio lies far from its process's median; they count.
        settled: whether every process's warm-up ended because its blocks agreed.
        host_share: on a GPU, host time over device time of the baseline.
        bound: on a GPU, what limits the baseline's speed; None where no profile shows it.
        device_use: on a GPU, what a profiled run of the baseline did.
        carry_over: how much longer runs take after the other variant than after their own, and
            what that does to the speedup. None with too few blocks, and in older records.
        level: the stretch of the run whose speedup stands out most; None likewise.
        alone: the ratio of the variants where each ran alone for a while; None without.
    """

    slot_effect: float | None = None
    slot_half_width: float | None = None
    drift: float | None = None
    autocorrelation: float | None = None
    outliers: list[int] = field(default_factory=list)
    settled: bool = True
    host_share: float | None = None
    bound: Bound | None = None
    device_use: DeviceUse | None = None
    carry_over: CarryOver | None = None
    level: Level | None = None
    alone: Alone | None = None


def diagnose(
    blocks: Sequence[Block],
    *,
    settled: bool = True,
    use: DeviceUse | None = None,
    stretches: Sequence[Stretch] = (),
) -> Diagnosis:
    """Look at the samples.

    Args:
        blocks: of all processes, in the order they were run.
        settled: whether warm-up ended because blocks agreed.
        use: what a profiled run did on the GPU, if there was one.
        stretches: of either variant alone, of all processes.
    """
    host_share = _host_share(blocks)
    common = {
        "settled": settled,
        "host_share": host_share,
        "device_use": use,
        "alone": alone.alone(stretches),
    }
    counted = [block for block in blocks if not block.repeated]
    label = _bound(counted, host_share, use)
    if len(counted) < FEW_BLOCKS:
        return Diagnosis(**common, bound=label)  # type: ignore[arg-type]
    slots = numpy.array([slot_effect(block) for block in counted])
    half = t_quantile(len(slots) - 1, 0.95) * float(slots.std(ddof=1)) / math.sqrt(len(slots))
    return Diagnosis(
        slot_effect=float(slots.mean()),
        slot_half_width=half,
        drift=standard.fmean(_of_each_process(counted, _drift)),
        autocorrelation=standard.fmean(_of_each_process(counted, _autocorrelation)),
        outliers=_outliers(blocks),
        bound=label,
        carry_over=carry_over.carry_over(blocks),
        level=levels.farthest(blocks),
        **common,  # type: ignore[arg-type]
    )


def slot_effect(block: Block) -> float:
    """log(first / second) over the block's two pairs; ABBA and BAAB cancel the variants."""
    first, second, third, fourth = (math.log(sample.seconds) for sample in block.samples)
    return ((first - second) + (third - fourth)) / 2


def bound(device: float, host: float, use: DeviceUse | None) -> Bound | None:
    """What limits a run on a GPU; None where no profile shows it.

    The device is the limit if it is busy all along, or if the host is done long before it. Else the
    device waits for the host: because the host has too many kernels to launch, or because it waits
    for results in between.

    Args:
        device: seconds by CUDA events.
        host: seconds until the call returned.
        use: of a profiled run; None where there was none, or it showed nothing.
    """
    if use is None:
        return None
    if host < FULL * device or use.busy >= FULL * device:
        return "compute-bound"
    if use.waiting >= WAITS:
        return "synchronisation-bound"
    return "launch-bound"


def warnings(
    found: Diagnosis,
    blocks: Sequence[Block],
    seen: Sequence[Conditions],
    interval: Speedup | None = None,
    device: str = "cpu",
) -> list[str]:
    """What the user should know, and do. Figures are in the record.

    Args:
        found: what was diagnosed.
        blocks: of all processes.
        seen: conditions of each process.
        interval: the speedup that the samples came to, if they did.
        device: torch's name of what they ran on.
    """
    said: list[str] = []
    if interval is not None:
        said += doubts.of_what_was_seen(interval, found.carry_over, found.level, found.alone)
        said += doubts.of_what_was_not(interval, blocks, device)
    uneven = interval is not None and found.level is not None and found.level.outside(interval)
    effect = found.slot_effect or 0.0
    if abs(effect) > max(SLOT_EFFECT, found.slot_half_width or 0.0):
        said.append(
            "a run's time depends on whether it comes first or second; mirrored blocks cancel that"
            " in the ratio, but take absolute times from runs of one variant alone"
        )
    if found.drift is not None and abs(found.drift) > DRIFT:
        said.append(
            "times drifted while measuring; neighbouring blocks cancel that in the ratio, but"
            " repeat the run on a cool, idle machine before you quote absolute times"
        )
    alike = (found.autocorrelation or 0.0) > max(AUTOCORRELATION, 2 / math.sqrt(len(blocks) or 1))
    if alike and not uneven:
        said.append(
            "neighbouring blocks resemble each other, so the interval was widened; several"
            " processes tell more: --processes 5"
        )
    if len(found.outliers) > MANY_OUTLIERS * len(blocks):
        said.append(
            "many blocks are outliers (all are kept); a quieter machine, or more --max-seconds,"
            " narrows the interval"
        )
    if not found.settled:
        said.append(
            "blocks still differed when warm-up ended; give it more time with --max-seconds, or a"
            " quieter machine"
        )
    if any((conditions.others or 0.0) > OTHERS for conditions in seen):
        said.append(
            "other programs were using the processor meanwhile; stop them, or measure longer"
            " (--max-seconds)"
        )
    return said + spoiling.warnings(blocks)


def _bound(
    blocks: Sequence[Block], host_share: float | None, use: DeviceUse | None
) -> Bound | None:
    if host_share is None:
        return None
    device = standard.median(s.seconds for block in blocks for s in block.of("A"))
    return bound(device, host_share * device, use)


def _host_share(blocks: Sequence[Block]) -> float | None:
    shares = [
        sample.host_seconds / sample.seconds
        for block in blocks
        if not block.repeated
        for sample in block.of("A")
        if sample.host_seconds is not None
    ]
    return standard.median(shares) if shares else None


def _of_each_process(blocks: Sequence[Block], look: Callable[[list[Block]], float]) -> list[float]:
    groups: dict[int, list[Block]] = {}
    for block in blocks:
        groups.setdefault(block.process, []).append(block)
    return [look(group) for group in groups.values()]


def _drift(blocks: list[Block]) -> float:
    """Each block is held against those of its own part, since parts differ in length."""
    levels: dict[int, list[float]] = {}
    for block in blocks:
        levels.setdefault(block.part, []).append(_level(block))
    logs = [_level(block) - standard.median(levels[block.part]) for block in blocks]
    third = max(1, len(logs) // 3)
    return standard.median(logs[-third:]) - standard.median(logs[:third])


def _level(block: Block) -> float:
    return standard.fmean(math.log(sample.seconds) for sample in block.samples)


def _autocorrelation(blocks: list[Block]) -> float:
    ratios = numpy.array([block.log_ratio for block in blocks])
    around = numpy.sign(ratios - numpy.median(ratios))
    total = float(around @ around)
    return float(around[:-1] @ around[1:]) / total if total else 0.0


def _outliers(blocks: Sequence[Block]) -> list[int]:
    """Indices into `blocks`; each process is held against its own median."""
    groups: dict[int, list[int]] = {}
    for index, block in enumerate(blocks):
        if not block.repeated:
            groups.setdefault(block.process, []).append(index)
    found: list[int] = []
    for indices in groups.values():
        ratios = numpy.array([blocks[index].log_ratio for index in indices])
        away = numpy.abs(ratios - numpy.median(ratios))
        scale = _MAD * float(numpy.median(away))
        found += [
            i for i, far in zip(indices, away, strict=True) if scale and far > OUTLIER * scale
        ]
    return sorted(found)
