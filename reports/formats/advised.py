"""What `advise` came to, for a terminal: a table, what it says, and the lines to paste. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench import layout, telling
from bench.advising import weighing
from bench.advising.climbing import Advice, round_up
from bench.cases import BASELINE, SEMI_BACKWARD
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.equality import Equality
from bench.variants import naming
from reports.formats import terminal
from reports.reading import kind, levels, numbers
from reports.reading.why import nothing_to_save, why
from reports.table import Table
from reports.tables import cells
from semibackward_bench.grammar import counted

_HEADER = ("variant", "time", "speedup", "level", "MB", "preparation")
_ONE_PROCESS = "*"
PASTE = "Paste this behind the lines that build `model`:"
TRAINED_LATER = (
    "Where the model is trained later on, leave that out, and run the attack inside `with"
    " semi_backward(model):` (`from semibackward import semi_backward`), which gives its parameters"
    " their flags back."
)


def parts(advice: Advice, run: Run, width: int) -> Iterator[str]:
    """The table, what to do, and the lines to paste, an empty line between them.

    Args:
        advice: what was found.
        run: the records of it.
        width: columns of the terminal.
    """
    if advice.rungs:
        yield terminal.draw(table(advice, width), width)
    yield layout.broken(telling.line(" ".join(_sentences(advice, run))), width)
    if advice.best is None:
        return
    own = kind.of(advice.best.case).pasted(advice.best)
    if own is not None:
        before, lines, behind = own
        yield layout.broken(before, width)
        yield telling.lines("\n".join(lines))
        yield layout.broken(behind, width)
        return
    yield PASTE
    yield "\n".join(advice.lines)
    if SEMI_BACKWARD in advice.best.variant.split(naming.JOINT):
        yield layout.broken(TRAINED_LATER, width)


def table(advice: Advice, width: int) -> Table:
    """A row for each variant, the original first; names have lines of their own where they take
    too much room.

    Args:
        advice: what was found.
        width: columns of the terminal.
    """
    timed = [record for record in advice.measured if _timed(record)]
    rows = {BASELINE: _original(timed[0])} if timed else dict[str, tuple[str, ...]]()
    rows |= {record.variant: _row(record) for record in timed}
    whole = list(rows.values())
    names = list(dict.fromkeys((*list(rows)[:1], *(rung.variant for rung in advice.rungs))))
    columns = list(zip(_HEADER, *whole, strict=True))[1:]
    taken = layout.table_width([0, *(layout.column_width(head, found) for head, *found in columns)])
    beside = [name for name in names if layout.width(name) <= width - taken]
    if layout.width(_HEADER[0]) > width - taken:
        beside = names  # the table is drawn in pieces, and lines of names would belong to none
    room = width - layout.table_width([layout.column_width(_HEADER[0], beside), 0])
    drawn, notes = list[tuple[str, ...]](), list[str]()
    for name in names:
        label = name if name in beside else ""
        drawn += [] if label else [(layout.cut(name, width),)]
        if name in rows:
            drawn.append((label, *rows[name][1:]))
            continue
        word, reason = _without_times(advice, name)
        fits = layout.width(f"{word}: {reason}") <= room
        drawn.append((label, telling.line(f"{word}: {reason if fits else 'see below'}")))
        notes += [] if fits else [f"{name}: {reason}"]
    for record in timed:
        said = levels.sentence(record)
        notes += [f"{record.variant}: {said}"] if said else []
    if any(_ONE_PROCESS in row[2] for row in whole):
        notes.append(f"{_ONE_PROCESS} in one process: a fresh one may lie outside")
    case = next((str(record.case) for record in advice.measured), "")
    return Table(case, _HEADER, tuple(drawn), tuple(notes))


def _original(record: ComparisonRecord) -> tuple[str, ...]:
    return (BASELINE, _time(record, BASELINE), "", "", _memory(record, BASELINE), "")


def _row(record: ComparisonRecord) -> tuple[str, ...]:
    found = record.speedup
    assert found is not None
    mark = _ONE_PROCESS if found.processes == 1 and found.low is not None else ""
    return (
        record.variant,
        _time(record, record.variant),
        numbers.with_interval(found) + mark,
        _level(record),
        _memory(record, record.variant),
        _preparation(record),
    )


def _level(record: ComparisonRecord) -> str:
    return "-" if record.equality is None else levels.word(record) or levels.IDENTICAL


def _timed(record: ComparisonRecord) -> bool:
    return record.status == "ok" and record.speedup is not None


def _without_times(advice: Advice, variant: str) -> tuple[str, str]:
    """How a variant ended that came to no time, and why."""
    rung = next(rung for rung in advice.rungs if rung.variant == variant)
    record = rung.record
    if record is None:
        return "not tried", rung.left_out
    if record.status == "timeout":
        return "given up", "no time was left; a larger --budget may do"
    return record.status, record.reason or "it does not say why"


def _time(record: ComparisonRecord, variant: str) -> str:
    return f"{cells.seconds(record, variant)} s"


def _memory(record: ComparisonRecord, variant: str) -> str:
    return "-" if record.memory is None else cells.megabytes(int(record.memory[variant]))


def _preparation(record: ComparisonRecord) -> str:
    found = (record.preparation or {}).get(record.variant)
    if found is None:
        return "none"
    after = "in vain" if found.pays_off is None else counted(found.pays_off, "run")
    return f"{numbers.significant(found.seconds, 2)} s, {after}"


def _sentences(advice: Advice, run: Run) -> Iterator[str]:
    best = advice.best
    if best is None:
        yield from _nothing(advice, run)
    else:
        yield f"{_told(best)}."
        if best.speedup is not None and best.speedup.processes == 1:
            yield (
                "There was no time for further processes, which may come to something else:"
                f" --budget {round_up(2 * advice.seconds)}."
            )
        yield from _readiness(best, advice)
    yield from _under_any(advice)


def _told(record: ComparisonRecord) -> str:
    """A variant with its speedup, where that was seen, and what becomes of the examples."""
    found = record.speedup
    assert found is not None
    assert record.equality is not None
    where = counted(found.processes, "process", "processes")
    return (
        f"{record.variant} is {numbers.with_interval(found)} times as fast, in {where},"
        f" {_examples(record.equality, kind.of(record.case).outputs.rpartition(' ')[2])}"
    )


def _examples(found: Equality, what: str) -> str:
    """What becomes of what a run makes, which is called so."""
    if found.level == "identical":
        return f"with the same {what}, bit for bit"
    if found.level == "rounding":
        return f"with the same {what} but for rounding"
    share = ""
    if found.elements and found.differing is not None:
        same = 100 * (found.elements - found.differing) / found.elements
        share = f": {numbers.significant(same)} % of the numbers are the same"
    if found.success is None:
        return f"with other {what}{share}"
    apart = len(found.success_differs)
    success = "both succeed with the same images"
    if apart:
        success = f"one of the two alone succeeds with {counted(apart, 'image')}"
    return f"with other {what}{share}{', and ' if share else ': '}{success}"


def _readiness(best: ComparisonRecord, advice: Advice) -> Iterator[str]:
    """What it takes to make it ready, and what to take for so few runs that it is not worth it."""
    found = (best.preparation or {}).get(best.variant)
    if found is None:
        return
    after = "are not won back by its median run"
    if found.pays_off is not None:
        after = f"are won back by {counted(found.pays_off, 'run')} of the attack"
    said = f"The {numbers.significant(found.seconds, 2)} s that making it ready took {after}"
    other = weighing.at_once(advice.measured, exact=advice.exact)
    if other is not None and weighing.gains(other, None):
        said += f"; for fewer runs take {other.variant} ({numbers.ratio(other.speedup)})"
    yield f"{said}."


def _nothing(advice: Advice, run: Run) -> Iterator[str]:
    timed = [r for r in advice.measured if weighing.allowed(r, exact=advice.exact)]
    open_ = [r for r in timed if weighing.gains(r, None) and r.verdict == "inconclusive"]
    if open_:
        best = max(open_, key=weighing.estimate)
        yield (
            f"No verdict yet: {_told(best)}, which may be noise; --budget"
            f" {round_up(2 * advice.seconds)} tells."
        )
    elif timed:
        yield f"Nothing is gained here: at best {_told(max(timed, key=weighing.estimate))}."
        known = (why(record, run.environment) for record in timed if _explained(record))
        yield from (f"{said.rstrip('.')}." for said in known if said)
    elif any(record.status == "ok" for record in advice.measured):
        yield f"Nothing that was tried makes the same {_made(advice)}."
    elif any(record.status == "timeout" for record in advice.measured):
        yield (
            f"Nothing could be measured in {advice.seconds:g} s: --budget"
            f" {round_up(2 * advice.seconds)}, a smaller --batch, or fewer steps."
        )
    else:
        yield "Nothing could be measured."


def _made(advice: Advice) -> str:
    """What a run makes, in a word."""
    return kind.of(advice.measured[0].case).outputs.rpartition(" ")[2]


def _explained(record: ComparisonRecord) -> bool:
    """Whether there is more to say of it than that its interval is wide."""
    known = record.verdict != "inconclusive" or nothing_to_save(record)
    return record.variant == SEMI_BACKWARD and known


def _under_any(advice: Advice) -> Iterator[str]:
    """What is faster and not the answer, since its examples are others."""
    if not advice.exact:
        return
    others: Sequence[ComparisonRecord] = [
        record
        for record in advice.measured
        if weighing.allowed(record, exact=False)
        and not weighing.allowed(record, exact=True)
        and weighing.gains(record, advice.best)
    ]
    if others:
        fastest = max(others, key=weighing.estimate)
        yield f"{_told(fastest)}: --any may take that."
