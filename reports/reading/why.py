"""One sentence on why a comparison came out as it did. Pure."""

from __future__ import annotations

from bench.cases import A_A
from bench.records.types import ComparisonRecord, Environment
from reports.reading import causes, kind, memory, promises, ways


def why(record: ComparisonRecord, environment: Environment) -> str | None:
    """Why there is no gain, no number, or more than there should be; None for a plain gain.

    Args:
        record: the comparison.
        environment: of its run.
    """
    if record.status != "ok":
        return f"{record.status}: {record.reason}"
    if record.variant == A_A:
        return _of_itself(record)
    if not ways.explained(record):
        return _unexplained(record)
    if (record.gradients or {}).get("call") == "none":
        return _of_no_gradient(record)
    vain = causes.no_effect(record)
    if vain is not None:
        return f"{_OUTCOMES[str(record.verdict)]}: {vain}"
    if nothing_to_save(record):
        outcome = _OUTCOMES[str(record.verdict)]
        eager = causes.by_asking(record) and _NOTHING in outcome
        if eager:
            outcome = outcome.replace(_NOTHING, f"{_NOTHING} {causes.EAGER}")
        return f"{outcome}: {_nothing_left(record, environment, eager=not eager)}"
    if record.verdict == "faster":
        return memory.above_ceiling(record, environment)
    if record.verdict == "inconclusive":
        return _inconclusive(record)
    return (
        f"{_OUTCOMES[str(record.verdict)]}: {kind.of(record.case).too_small(record)}, but their"
        f" share of the time is too small to show{_bound(record)}"
    )


_NOTHING = "nothing to gain"
_OUTCOMES = {
    "same": "gains nothing",
    "slower": f"loses, and had {_NOTHING}",
    "inconclusive": f"{_NOTHING}, whatever the interval leaves open",
    "None": "without a verdict",
    "faster": f"faster, though there is {_NOTHING}, so distrust it",
}


def _inconclusive(record: ComparisonRecord) -> str:
    few = record.speedup is None or record.speedup.low is None
    return (
        f"inconclusive: {'too few blocks' if few else 'the interval is too wide'} to tell;"
        " measure longer (--max-seconds), or on a quieter machine"
    )


def _unexplained(record: ComparisonRecord) -> str | None:
    """Of a variant that does more than freeze: what was counted, where it gained nothing."""
    if record.verdict == "faster":
        return None
    if record.verdict == "inconclusive":
        return _inconclusive(record)
    outcome = {"same": "gains nothing", "slower": "loses"}.get(str(record.verdict))
    seen = ways.gradients(record)
    return f"{outcome or 'without a verdict'}: why was not looked into{f'; {seen}' if seen else ''}"


def _of_itself(record: ComparisonRecord) -> str | None:
    if record.verdict not in ("faster", "slower"):
        return None
    return (
        f"{ways.the(record.baseline)} differs from itself, so this run's verdicts can't be trusted;"
        " repeat it on a quieter machine, with --processes 5"
    )


def _of_no_gradient(record: ComparisonRecord) -> str | None:
    """A black-box attack: what freezing or inference mode can spare is the graph of its queries."""
    if ways.infers(record) and record.verdict == "faster":
        return None
    if causes.never_calls(record):
        return (
            f"{promises.verdict(record)}: it asks for no gradient and never calls the model it is"
            " given, so there is nothing to spare"
        )
    spared = {
        True: "the graph that its queries record",
        False: "bookkeeping: its queries record no graph",
        None: "bookkeeping, or a graph that its queries record (nobody looked for one)",
    }[memory.records_graph(record, record.baseline)]
    advice = "" if ways.infers(record) else "; its variant is forward-only"
    return (
        f"{promises.verdict(record)}: it asks for no gradient, so all there is to spare is"
        f" {spared}{advice}"
    )


def _nothing_left(record: ComparisonRecord, environment: Environment, *, eager: bool) -> str:
    found = record.gradients or {}
    own = kind.of(record.case).nothing_left(record, environment)
    if own is not None:
        return own
    vain = record.observed and found.get(record.baseline) and not causes.skipped_by_torch(record)
    if vain or causes.shares(record):
        return f"{causes.are_computed(record)}, whose operations are next to nothing"
    return causes.nobody_asked(record, environment, eager=eager)


def nothing_to_save(record: ComparisonRecord) -> bool:
    """The operations are the same up to a part in a thousand, or no more gradients are computed."""
    found = record.gradients or {}
    theory = record.theory or {}
    if isinstance(theory.get("speedup"), float):
        return float(theory["speedup"]) < 1.001
    return found.get(record.baseline) == found.get(record.variant) and not causes.shares(record)


def _bound(record: ComparisonRecord) -> str:
    label = record.diagnosis and record.diagnosis.bound
    if label == "launch-bound":
        return ": it is launch-bound, the GPU waits for the host; try a larger batch"
    if label == "synchronisation-bound":
        return (
            ": it is synchronisation-bound, the host waits for the GPU in every step and the GPU"
            " then for the host; try a larger batch"
        )
    return ""
