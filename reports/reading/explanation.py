"""What a dissected comparison means: one label, one plain sentence. Pure.

The label follows from what the instrumented runs saw, never from the measured speedup, so that the
two can be held against each other; only `loses` is the measurement's own word, and only where
another process would say it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.records.types import ComparisonRecord, Environment
from bench.statistics import anatomy
from bench.statistics.anatomy import Anatomy, Split
from bench.statistics.equality import OUTPUTS
from reports.reading import causes, kind, levels, memory, numbers, promises, shares, ways
from reports.reading.words import spelt
from semibackward_bench.grammar import counted, form

Label = Literal[
    "benefits", "already optimal", "mixed", "gradient-free", "no effect", "loses", "not seen"
]

WORTH_IT = 1.08
"""The ceiling by time from which freezing is advised: below, noise and small print eat it."""
OFF = (0.9, 1.1)
"""Measured over the ceiling by operations: outside, the sentence says why."""
TO_SPEAK_OF = 0.03
"""A share of the time, or a difference of shares, that explains something."""


@dataclass(frozen=True)
class Explanation:
    """What to tell of one comparison.

    Attributes:
        label: what freezing is worth.
        sentence: why, and what to do.
        split: the shares of the original's time; None where it can't be divided.
        by_operations: the ceiling that the operations set; None where they could not be counted.
        by_time: the ceiling that the time of the parameter gradients sets; None where that is not
            known.
        by_memory: how much smaller the peak would be without `.grad` buffers and what is kept for
            parameter gradients only; None where no account is kept.
        achieved: the measured speedup over the ceiling by operations.
    """

    label: Label
    sentence: str
    split: Split | None
    by_operations: float | None
    by_time: float | None
    by_memory: float | None
    achieved: float | None


def explain(record: ComparisonRecord, environment: Environment) -> Explanation | None:
    """Explain a comparison; None where it was not dissected, has no speedup to explain, or is of a
    variant that does more than freeze."""
    found = record.anatomy if ways.explained(record) else None
    if found is None or record.status != "ok" or record.speedup is None:
        return None
    names = record.baseline, record.variant
    split = shares.of(record)
    by_time = anatomy.ceiling_by_time(split)
    # Inference mode leaves no operation out; what it spares is bookkeeping.
    told = kind.of(record.case)
    free = ways.infers(record) and not told.forward_only_spares
    by_operations = None if free else anatomy.ceiling_by_operations(found, *names)
    achieved = None if by_operations is None else record.speedup.estimate / by_operations
    label = _label(record, found, by_operations if by_time is None else by_time)
    sentence = _SENTENCES[label](record, found, environment)
    for more in (told.reason(record, found), shares.unknown(record)):
        if more is not None:
            sentence += f"; {more}"
    if achieved is not None and not OFF[0] <= achieved <= OFF[1]:
        assert by_operations is not None  # else there is nothing to be off
        sentence += (
            f"; measured over the ceiling by operations is {achieved:.2f}:"
            f" {_why_off(record, environment, found, split, by_operations)}"
        )
    memory = _by_memory(record)
    return Explanation(label, sentence, split, by_operations, by_time, memory, achieved)


def _label(record: ComparisonRecord, found: Anatomy, ceiling: float | None) -> Label:
    untouched = not found.calls and causes.never_calls(record)
    if record.verdict == "slower" and not promises.only_here(record) and not untouched:
        return "loses"
    if found.calls is None or found.computing is None:
        return "not seen"
    if not found.calls:
        return "gradient-free"
    if causes.no_effect(record) is not None:
        return "no effect"
    wasting = causes.wasting(record, found.computing)
    if not wasting:
        return "already optimal"
    all_compute = wasting == sum(found.calls.values())
    return "benefits" if all_compute and (ceiling or 1.0) >= WORTH_IT else "mixed"


def _benefits(record: ComparisonRecord, found: Anatomy, _: Environment) -> str:
    if ways.infers(record):
        return f"answer queries without a gradient: {_measured(record)}"
    return (
        f"freeze the parameters: {_measured(record)}; {_each(found)} also computes"
        f" {causes.computed(record)}{_cost(record)}{_left(record)}"
    )


def _already_optimal(record: ComparisonRecord, found: Anatomy, environment: Environment) -> str:
    by_itself = " by itself" if causes.skipped_by_torch(record) else ""
    cause = None if by_itself else causes.none_computed(record)
    because = "" if cause is None else f" {cause};"
    eager = f" {causes.EAGER}" if causes.by_asking(record) else ""
    more = "".join(f"; {told}" for told in (causes.compiled(record), _kept(record, found)) if told)
    return (
        f"nothing to gain{eager}:{because} for its {_calls(found)} torch"
        f" {environment.torch['version']} computes {causes.computed(record)}{by_itself}{more};"
        f" measured {_interval(record)}"
    )


def _kept(record: ComparisonRecord, found: Anatomy) -> str | None:
    """What freezing spares of what is saved, where no gradient is computed; None for little."""
    saved = found.saved or {}
    before, after = (
        sum(saved.get(name, {}).values()) for name in (record.baseline, record.variant)
    )
    if before - after <= TO_SPEAK_OF * before:
        return None
    return (
        f"freezing spares memory all the same: a call of the model keeps {after / 1e6:.3g} MB for"
        f" its backward pass in place of {before / 1e6:.3g} MB"
    )


def _no_effect(record: ComparisonRecord, found: Anatomy, _: Environment) -> str:
    return f"{causes.no_effect(record)}; measured {_interval(record)}"


def _mixed(record: ComparisonRecord, found: Anatomy, _: Environment) -> str:
    total = sum((found.calls or {}).values())
    wasting = causes.wasting(record, found.computing or 0)
    which = (
        f"{_each(found)} computes"
        if wasting == total
        else f"{wasting} of its {_calls(found)} {form(wasting, 'computes', 'compute')}"
    )
    what = causes.computed(record) if causes.shares(record) else "parameter gradients"
    compiled = causes.compiled(record)
    if compiled is not None:
        what += f" {causes.EAGER}; {compiled}"
    return (
        f"freeze the parameters, it costs nothing: {_measured(record)}; {which}"
        f" {what}{_cost(record)}{_left(record)}"
    )


def _cost(record: ComparisonRecord) -> str:
    told = shares.of_parameter_gradients(record)
    return "" if told is None else f", {told}"


def _left(record: ComparisonRecord) -> str:
    more = causes.more(record)
    return "" if more is None else f"; {more}"


def _gradient_free(record: ComparisonRecord, found: Anatomy, _: Environment) -> str:
    if causes.never_calls(record):
        return (
            "it asks for no gradient and never calls the model it is given, so there is nothing to"
            f" spare; {_measured(record)} {record.variant}"
        )
    advice = "" if ways.infers(record) else "; run it forward-only, under inference_mode"
    spared = (
        ": its queries record a graph for a backward pass that never comes, the variant's none"
        if memory.graph_spared(record)
        else ""
    )
    return f"it asks for no gradient, {_measured(record)} {record.variant}{spared}{advice}"


def _not_seen(record: ComparisonRecord, found: Anatomy, _: Environment) -> str:
    return f"{_measured(record)} {record.variant}; what gradients it computes could not be seen"


def _loses(record: ComparisonRecord, found: Anatomy, _: Environment) -> str:
    before, after = found.parts[record.baseline], found.parts[record.variant]
    slower = [
        f"its {name} takes {new / old:.2f} times as long"
        for name, old, new in (
            ("forward pass", before.forward, after.forward),
            ("backward pass", before.backward, after.backward),
        )
        if old and new is not None and new / old > 1 + TO_SPEAK_OF
    ]
    why = " and ".join(slower)
    if slower:
        why += ": a slower kernel does this shape or layout when fewer gradients are asked for"
    else:
        why = "no part of the instrumented runs is slower, so measure again on a quieter machine"
    return f"leave it as it is: {_measured(record)} {record.variant}; {why}"


_SENTENCES = {
    "benefits": _benefits,
    "already optimal": _already_optimal,
    "mixed": _mixed,
    "gradient-free": _gradient_free,
    "no effect": _no_effect,
    "loses": _loses,
    "not seen": _not_seen,
}


def _why_off(
    record: ComparisonRecord,
    environment: Environment,
    found: Anatomy,
    split: Split | None,
    ceiling: float,
) -> str:
    """What makes the measured speedup miss the ceiling that the operations set."""
    assert record.speedup is not None
    below = record.speedup.estimate < ceiling
    before, after = found.parts[record.baseline], found.parts[record.variant]
    expected = 1 - 1 / ceiling
    spared = "backward passes" if ways.infers(record) else "parameter gradients"
    reasons = []
    faults = None if below else memory.above_ceiling(record, environment)
    if faults is not None:
        reasons.append(f"it is {faults}")
    bound = record.diagnosis and record.diagnosis.bound
    if below and bound and bound != "compute-bound":
        reasons.append(f"it is {bound}: the GPU waits for the host")
    if below and split is not None and split.overhead > 0.1:
        reasons.append(
            f"{100 * split.overhead:.0f} % of the time is outside the model and autograd"
        )
    seen = None if split is None else split.parameter_gradients
    if below and seen is not None and seen < expected - TO_SPEAK_OF and not reasons:
        reasons.append(
            f"{spared} take {100 * seen:.0f} % of the time for {100 * expected:.0f} % of"
            " the operations: the other layers are bound by memory, or by the start of each kernel"
        )
    if not below and seen is not None and seen > expected + TO_SPEAK_OF:
        reasons.append(
            f"{spared} take {100 * seen:.0f} % of the time for {100 * expected:.0f} % of"
            f" the operations: {_writing(record)}"
        )
    forward = after.forward / before.forward if before.forward and after.forward else 1
    explains = forward > 1 + TO_SPEAK_OF if below else forward < 1 - TO_SPEAK_OF
    if explains:
        reasons.append(f"the forward pass takes {forward:.2f} times as long")
    found_low, found_high = record.speedup.low, record.speedup.high
    if not reasons and found_low is not None and found_high is not None:
        wide = found_high / found_low > 1.1
        return "the interval is wide: measure longer" if wide else "no part of the runs shows why"
    return "; ".join(reasons) or "too few blocks to say"


def _writing(record: ComparisonRecord) -> str:
    parts = record.memory_parts and record.memory_parts[record.baseline]
    if not parts or not parts.gradients:
        return "they run slower than the others"
    return (
        f"{parts.gradients / 1e6:.3g} MB of .grad buffers are allocated, written and accumulated"
        " as well"
    )


def _by_memory(record: ComparisonRecord) -> float | None:
    if record.memory_parts is None or record.memory is None:
        return None
    before = record.memory_parts[record.baseline]
    after = record.memory_parts[record.variant]
    peak = int(record.memory[record.baseline])
    spared = before.gradients + max(0, before.saved - after.saved)
    return peak / (peak - spared) if peak > spared else None


def _measured(record: ComparisonRecord) -> str:
    level = levels.word(record)
    by = f" (outputs {OUTPUTS[level]})" if level else ""
    return f"measured {_interval(record)} as fast{by}"


def _interval(record: ComparisonRecord) -> str:
    found = record.speedup
    assert found is not None
    if found.low is None:
        return f"{numbers.ratio(found)} (too few blocks to tell) times"
    return f"{numbers.with_interval(found, named=True)} times"


def _each(found: Anatomy) -> str:
    """Its gradient calls one by one, for a verb in the singular."""
    if sum((found.calls or {}).values()) == 1:
        return f"its {_calls(found).removeprefix('1 ')}"
    return f"each of its {_calls(found)}"


def _calls(found: Anatomy) -> str:
    calls = found.calls or {}
    total = sum(calls.values())
    names = " and ".join(
        f"{number if len(calls) > 1 else ''} {spelt(call)}".strip()
        for call, number in calls.items()
    )
    return f"{counted(total, 'gradient call')} ({names})"
