"""Why a comparison came out as it did, in the few words that a cell of a terminal has. Pure.

It is what `reports.reading.why` says in a sentence: only what the run was seen to have.
"""

from __future__ import annotations

from bench.cases import A_A
from bench.records.types import ComparisonRecord
from reports.reading import causes, kind, memory, preparation, ways
from reports.reading.why import nothing_to_save


def forms(record: ComparisonRecord) -> tuple[str, ...]:
    """The same thing in ever fewer words, of which a cell takes the first that fits; nothing where
    nobody saw why."""
    if record.status != "ok":
        return (f"{record.status}: {record.reason}" if record.reason else record.status,)
    if record.variant == A_A:
        who = ways.the(record.baseline)
        if record.verdict in ("faster", "slower"):
            return (f"{who} differs from itself", "differs from itself")
        return (f"{who} against itself", "against itself")
    if not ways.explained(record):
        return _unexplained(record)
    if asks_for_none(record):
        return _of_no_gradient(record)
    if told := causes.no_effect_briefly(record):
        return told
    if nothing_to_save(record):
        return _nothing_left(record)
    if record.verdict == "faster":
        return kind.of(record.case).in_vain_briefly(record)
    return _little(record)


def _unexplained(record: ComparisonRecord) -> tuple[str, ...]:
    """Of a variant that does more than freeze: what was prepared, or counted, and no cause."""
    if record.verdict == "inconclusive":
        return _little(record)
    found = record.gradients or {}
    told = f"{found.get(record.baseline)} → {found.get(record.variant)}"
    counts = () if ways.gradients(record) is None else (f"gradients: {told}", told)
    return preparation.forms(record) or counts


def asks_for_none(record: ComparisonRecord) -> bool:
    """Whether it was seen to ask for no gradient at all."""
    return (record.gradients or {}).get("call") == "none"


def _of_no_gradient(record: ComparisonRecord) -> tuple[str, ...]:
    if causes.never_calls(record):
        return ("never calls the model",)
    if memory.records_graph(record, record.baseline):
        return ("asks for no gradient, records a graph", "records a graph")
    return ("asks for no gradient", "no gradient asked", "no gradient")


def _nothing_left(record: ComparisonRecord) -> tuple[str, ...]:
    found = record.gradients or {}
    own = kind.of(record.case).nothing_left_briefly(record)
    if own:
        return own
    told = f"{found.get(record.baseline)} of {found.get('parameters')}"
    if found.get(record.baseline) or causes.shares(record):
        return (f"{told} computed, at next to no cost", f"{told}, no cost")
    if causes.freezes_itself(record) is not None:
        return ("freezes the model itself", "freezes it itself")
    call = str(found.get("call", ""))
    # loss.backward() asks for all of them: that none was computed has another cause.
    if call in ("", "backward") or (record.observed and not causes.skipped_by_torch(record)):
        return (f"{told} computed",) if found else ()
    return (
        f"asks {call}, which computes none {causes.EAGER}",
        f"asks {call}, {causes.EAGER}",
        f"asks {call}",
        call,
    )


def _little(record: ComparisonRecord) -> tuple[str, ...]:
    """There is something to spare, and the times do not show it."""
    bound = record.diagnosis and record.diagnosis.bound
    limited = bound if bound in ("launch-bound", "synchronisation-bound") else None
    if record.verdict == "inconclusive":
        few = record.speedup is None or record.speedup.low is None
        return ("too few blocks to tell", "too few blocks") if few else ("interval too wide",)
    if record.verdict == "slower":
        return ("slower when frozen",) if ways.freezes(record) else ("slower",)
    if limited:
        return (f"{limited}, too little to show", limited)
    return ("too little of the time to show", "too little to show")
