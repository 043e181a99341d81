"""What is looked at before any timing: equality, validity, gradients, operations, memory."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from adapters import layers
from bench.cases import Findings
from bench.statistics.anatomy import Anatomy
from bench.statistics.diagnosis import DeviceUse
from bench.statistics.equality import Equality, graded
from bench.statistics.observed import Observed
from bench.variants import naming
from bench.worker import (
    device_use,
    dissecting,
    failures,
    flops,
    footprint,
    memory,
    passes,
    proof,
    readers,
    state,
)
from bench.worker.flops import FlopCount
from bench.worker.gradients import GradientTrace, traced
from bench.worker.workload import Workload

T = TypeVar("T")


@dataclass(frozen=True)
class Gate:
    """What comparing both variants' outputs found; the fields are those of `Checks`."""

    equality: Equality
    unequal: str | None
    warnings: list[str]
    unsuited: str | None = None


@dataclass(frozen=True)
class Checks:
    """What the checks found.

    Attributes:
        equality: of the two variants' outputs.
        gradients: the baseline's gradient `call`, the model's number of `parameters`, and for each
            variant how many had their gradient computed; of workloads that tell, also the number of
            backward `passes`, and for each variant how many computed any ("passes original"). None
            where that could not be seen.
        observed: of one run of each variant, whose gradients it computes, and why; None where that
            could not be seen.
        theory: the speedup the operations predict, and that it is from them; the ratio of the
            `bytes` that they read and write; of training also what counting `passes` predicts. None
            without a count.
        memory: peak bytes for each variant, with `unit`, `what` and their `ratio`; None where no
            account is kept.
        memory_parts: for each variant what its peak is made of, as in `records.MemoryParts`.
        operations: for each variant what was counted, as in `records.Operations`; None without a
            count.
        device_use: what one profiled run of the baseline did, on CUDA.
        warnings: for the user, each with what to do.
        anatomy: what the runs are made of, where that was asked.
        unequal: why the outputs differ, where they do.
        unsuited: why the trick is not for the attack, where the outputs differ by that.
        findings: what the kind's records hold beyond this.
    """

    equality: Equality
    warnings: list[str]
    gradients: dict[str, int | str] | None = None
    theory: dict[str, float | str] | None = None
    memory: dict[str, int | float | str] | None = None
    memory_parts: dict[str, dict[str, int | None]] | None = None
    operations: dict[str, dict[str, int]] | None = None
    device_use: DeviceUse | None = None
    anatomy: Anatomy | None = None
    unequal: str | None = None
    unsuited: str | None = None
    observed: dict[str, Observed] | None = None
    findings: Findings | None = None


def check(workload: Workload, *, explain: bool = False, operations: bool = True) -> Checks:
    """Run every check; the timed runs come later and apart.

    Args:
        workload: what to look at.
        explain: also dissect it.
        operations: count them, which imports much of torch; without, nothing is predicted.

    Raises:
        InvalidOutput: the attack's output has another shape than its images, or is no tensor.
        ReadsParameterGradients: the attack does, and does not run without them.
    """
    passed = gate(workload)
    warnings = list(passed.warnings)
    traces = or_warn("the gradients", lambda: _traces(workload), warnings)
    observed = {name: trace.observed for name, trace in (traces or {}).items()}
    warnings.extend(readers.doubts(observed, workload.comparison, passed.equality))
    counted = {}
    if operations and naming.must_agree(workload.comparison):  # else they are others than counted
        counted = or_warn("the operations", lambda: _counts(workload), warnings) or {}
    counts = {name: count for name, (count, _) in counted.items()}
    peaks = or_warn("the memory", lambda: footprint.peaks(workload), warnings) or {}
    warnings.extend(footprint.doubts(peaks))
    kept = None
    if peaks:
        kept = or_warn("what autograd keeps", lambda: footprint.kept(workload), warnings)
    warnings.extend(left_behind(workload))
    return Checks(
        equality=passed.equality,
        gradients=_gradients(traces, workload) if traces else None,
        theory=_theory(counts, workload),
        memory=footprint.compared(peaks, workload) if peaks else None,
        memory_parts=footprint.parts(peaks, kept) if peaks and kept else None,
        operations=_operations(counted),
        device_use=or_warn("the GPU's use", lambda: _profile(workload), warnings),
        warnings=warnings,
        anatomy=dissecting.dissect(
            workload,
            (traces or {}).get(workload.variants[0]),
            counts,
            lambda what, look: or_warn(what, look, warnings),
        )
        if explain
        else None,
        unequal=passed.unequal,
        unsuited=passed.unsuited,
        observed=observed or None,
        findings=workload.findings(again=False),
    )


def alone(workload: Workload) -> Checks:
    """The gate alone, where another process of the same case has looked at everything else.

    Raises:
        InvalidOutput, ReadsParameterGradients: as `check`.
    """
    passed = gate(workload)
    return Checks(
        equality=passed.equality,
        warnings=[*passed.warnings, *left_behind(workload)],
        unequal=passed.unequal,
        unsuited=passed.unsuited,
        findings=workload.findings(again=True),
    )


def preload() -> None:
    """Import what checks import when they first look, as `bench.worker.template` wants it."""
    flops.preload()
    importlib.import_module("torch.profiler")


def gate(workload: Workload) -> Gate:
    """Run both variants and compare what they make.

    Raises:
        InvalidOutput, ReadsParameterGradients: as `check`.
    """
    found, complaints = state.deterministically(
        workload.comparison.case.device, lambda: _compared(workload)
    )
    layer = layers.remark()
    said = [*workload.remarks(), *([] if layer is None else [layer])]
    return replace(found, warnings=[*said, *complaints, *found.warnings])


def _compared(workload: Workload) -> Gate:
    baseline, variant = workload.variants
    outputs = {baseline: workload.output(baseline)}
    outputs[variant] = readers.output(workload)
    doubts = workload.doubts(outputs[baseline])
    equality = workload.compare(outputs[baseline], outputs[variant])
    if equality.bitwise:
        return Gate(equality, None, doubts)
    # Tell an attack that can't repeat itself from a variant that changes it.
    again = workload.output(baseline)
    repeated = workload.compare(outputs[baseline], again)
    if not repeated.bitwise:
        return Gate(
            equality,
            f"it does not repeat itself from its seed: two runs of {baseline} differ"
            f" {workload.difference(outputs[baseline], again, repeated)}; {_to_repeat(workload)}",
            doubts,
        )
    if not naming.must_agree(workload.comparison):
        return Gate(graded(proof.told_apart(workload, outputs, equality)), None, doubts)
    told = (
        f"{variant} gives other {workload.makes} than {baseline}:"
        f" {workload.difference(outputs[baseline], outputs[variant], equality)}"
    )
    known = workload.explained(outputs[baseline], outputs[variant])
    if known is not None:
        return Gate(equality, known, doubts)
    judged = proof.judge(workload, outputs, equality) if workload.rounds else None
    if judged is not None and judged.doubt is None:
        return Gate(judged.equality, None, doubts)
    unsuited = readers.unsuited(workload)
    if judged is None:
        return Gate(equality, told, doubts, unsuited)
    return Gate(judged.equality, f"{told}; {judged.doubt}", doubts, unsuited)


def left_behind(workload: Workload) -> list[str]:
    """What its runs so far left behind, for the user."""
    return [] if workload.leftovers is None else workload.leftovers.warnings()


def _to_repeat(workload: Workload) -> str:
    """How a user makes it repeat itself: by what was seen to change, where something was."""
    left = workload.leftovers
    if left is not None and left.stuck:
        return f"it changes {', '.join(left.stuck)}, which can't be put back between runs"
    if (own := workload.to_repeat()) is not None:
        return own
    advice = "draw its random numbers from torch, numpy or random"
    if left is not None and left.changed:
        return (
            f"what was seen to change was put back ({', '.join(left.changed)}), so it is something"
            f" else: {advice}, and read no clock"
        )
    return advice


def or_warn(
    what: str,
    look: Callable[[], T],
    warnings: list[str],
    mend: str = "the times are not affected; please report it",
) -> T | None:
    """What a diagnosis finds. One that fails costs its own result, not the measurement.

    Args:
        what: is looked at, in words.
        look: looks.
        warnings: added to where it fails.
        mend: what the user is told then.
    """
    try:
        return look()
    except memory.Unseen as error:
        warnings.append(f"{what} could not be looked at: {error}")
        return None
    except Exception as error:
        if failures.status_of(error) == "out-of-memory":
            raise
        warnings.append(f"{what} could not be looked at ({failures.reason_of(error)}); {mend}")
        return None


def _traces(workload: Workload) -> dict[str, GradientTrace]:
    return {name: traced(workload, name) for name in workload.variants}


def _gradients(traces: Mapping[str, GradientTrace], workload: Workload) -> dict[str, int | str]:
    found: dict[str, int | str] = {
        "parameters": len(list(workload.model.parameters())),
        "call": traces[workload.variants[0]].call,
        **{name: len(trace.operations) for name, trace in traces.items()},
    }
    if workload.tells_passes:
        found["passes"] = sum(traces[workload.variants[0]].calls.values())
        found.update({f"passes {name}": trace.computing for name, trace in traces.items()})
    return found


def _counts(workload: Workload) -> dict[str, tuple[FlopCount, int]]:
    """Of a run of each variant, the operations and the images that went through the model."""
    found = {}
    for name in workload.variants:
        with (
            flops.counted() as count,
            passes.counted(workload.model, workload.dimensions) as made,
        ):
            workload.probe(name, lambda run: run())
        found[name] = count, made.forward_images - made.without_tensors
    return found


def _operations(counted: Mapping[str, tuple[FlopCount, int]]) -> dict[str, dict[str, int]] | None:
    found = {
        name: {
            "forward": count.forward,
            "backward": count.backward,
            "images": images,
            "moved": count.moved,
        }
        for name, (count, images) in counted.items()
        if count.forward is not None and count.backward is not None and count.moved is not None
    }
    return found or None


def _theory(counts: Mapping[str, FlopCount], workload: Workload) -> dict[str, float | str] | None:
    found: dict[str, float | str] = {}
    if counts:
        baseline, variant = (counts[name].total for name in workload.variants)
        if baseline and variant:
            found = {"speedup": baseline / variant, "basis": "flops"}
        baseline, variant = (counts[name].moved for name in workload.variants)
        if found and baseline and variant:
            found["bytes"] = baseline / variant
    predicted = workload.passes_predict
    if predicted is not None:
        found = {"speedup": predicted, "basis": "passes", **found, "passes": predicted}
    return found or None


def _profile(workload: Workload) -> DeviceUse | None:
    device = workload.comparison.case.device
    return workload.probe(workload.variants[0], lambda run: device_use.profiled(run, device))
