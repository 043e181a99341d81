"""The memory of runs, as records have it: peaks of both variants, and what they are made of."""

from __future__ import annotations

from collections.abc import Mapping

from bench.worker import memory
from bench.worker.memory import Kept, Peak
from bench.worker.workload import Workload


def peaks(workload: Workload) -> dict[str, Peak]:
    """Of a run of each variant; empty where no account is kept."""
    device = workload.comparison.case.device
    found = {
        name: workload.probe(name, lambda run: memory.peak(run, device))
        for name in workload.variants
    }
    return {name: peak for name, peak in found.items() if peak is not None}


def kept(workload: Workload) -> dict[str, Kept]:
    """Of a run of each variant, what autograd keeps."""
    return {
        name: workload.probe(name, lambda run: memory.kept(run, workload.model, workload.kept))
        for name in workload.variants
    }


def doubts(peaks: Mapping[str, Peak]) -> list[str]:
    """Both variants' runs start with the same tensors alive, or the user is told."""
    if len({peak.before for peak in peaks.values()}) <= 1:
        return []
    told = " and ".join(f"{name} with {peak.before}" for name, peak in peaks.items())
    return [
        f"the variants' runs start with different amounts of memory in use ({told} bytes); see what"
        " the attack keeps from run to run"
    ]


def compared(peaks: Mapping[str, Peak], workload: Workload) -> dict[str, int | float | str]:
    """What records hold as `memory`: peak bytes of each variant, and their ratio."""
    baseline, variant = workload.variants
    allocated = {name: peak.allocated for name, peak in peaks.items()}
    ratio = allocated[baseline] / allocated[variant] if allocated[variant] else 1.0
    what = peaks[baseline].what
    return {**allocated, "unit": "bytes", "what": what, "ratio": round(ratio, 4)}


def parts(peaks: Mapping[str, Peak], held: Mapping[str, Kept]) -> dict[str, dict[str, int | None]]:
    """What each variant's peak is made of, as in `records.MemoryParts`."""
    found: dict[str, dict[str, int | None]] = {}
    for name, peak in peaks.items():
        saved, gradients = held[name].saved, held[name].gradients
        found[name] = {
            "before": peak.before,
            "saved": saved,
            "gradients": gradients,
            # Never below 0: the two are seen in separate runs, which may differ a little.
            "rest": max(0, peak.allocated - peak.before - saved - gradients),
            "reserved": peak.reserved,
        }
    return found
