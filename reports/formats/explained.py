"""Where the time of attacks goes: a table with a line a case, or a paragraph for a bug report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench import program, telling
from bench.records.reading import Run
from bench.records.types import ComparisonRecord, Environment
from bench.statistics.anatomy import Anatomy, Split
from reports.formats import markdown
from reports.reading import (
    kind,
    levels,
    machines,
    memory,
    models,
    naming,
    promises,
    reproduce,
    shaping,
    ways,
)
from reports.reading.explanation import Explanation, explain
from reports.reading.words import spelt
from reports.table import Table
from reports.tables import cells, labelled, modes
from semibackward_bench.grammar import counted, form

escape, code, prose = telling.markdown, telling.markdown_code, telling.markdown_prose

_BEFORE = (
    "case",
    "variant",
    "label",
    "gradient call",
    "passes forward",
    "backward",
    "forward %",
    "output gradients %",
    "parameter gradients %",
    "overhead %",
    "ceiling: operations",
    "time",
    "measured",
)
_AFTER = ("over ceiling", "verdict")
"""The heads of the columns before that of intervals, and after it."""


def report(runs: Sequence[Run]) -> str:
    """The dissected comparisons of some runs in one table, and where each was made."""
    with naming.told_apart(runs):
        return _report(runs)


def explained(runs: Sequence[Run]) -> list[tuple[ComparisonRecord, Explanation | None]]:
    """The comparisons of some runs, each with what it means."""
    return [
        (record, explain(record, run.environment)) for run in runs for record in run.comparisons
    ]


def _report(runs: Sequence[Run]) -> str:
    found = explained(runs)
    measured = [(record, run.environment) for run in runs for record in run.comparisons]
    if not found:
        return "No case has been measured."
    said = summaries([record for record, _ in found])
    return "\n\n".join(
        [
            *map(prose, said),
            markdown.draw(labelled.of(found, machines.apart(measured))),
            markdown.draw(table(found)),
            *map(markdown.draw, modes.of([record for record, _ in found])),
            *(markdown.where(run.environment) for run in runs),
        ]
    )


def summaries(records: Sequence[ComparisonRecord]) -> list[str]:
    """What kinds say of their own comparisons."""
    found = [
        told.summary([record for record in records if record.case.kind == name])
        for name, told in kind.every().items()
    ]
    return [said for said in found if said]


def table(found: Sequence[tuple[ComparisonRecord, Explanation | None]]) -> Table:
    """A line for each comparison; what was not dissected, or not ok, has its reason below."""
    name = naming.of([record.case for record, _ in found])
    baseline = ways.the(ways.baseline_of(record for record, _ in found))
    intervals = cells.interval_names(record.speedup for record, _ in found)
    warnings = cells.by_whom(
        (f"{name(record.case)}, {ways.recorded(record)}", text)
        for record, _ in found
        for text in record.warnings
    )
    of_one: dict[str, list[str]] = {}
    for text, whose in warnings.items():
        if len(whose) == 1:
            of_one.setdefault(whose[0], []).append(text)
    notes = []
    for record, told in found:
        where = f"{name(record.case)}, {ways.recorded(record)}"
        notes.append(f"{where}: {_said(record, told)}.")
        notes += (f"{where}: {text}." for text in of_one.get(where, ()))
    notes += (f"{'; '.join(whose)}: {text}." for text, whose in warnings.items() if len(whose) > 1)
    return Table(
        f"where the time goes, passes {_passed(found)} and shares of {baseline}'s"
        f" time{name.common}",
        (*_BEFORE, cells.interval_head(intervals), *_AFTER),
        tuple((name(record.case), *_cells(record, told, intervals)) for record, told in found),
        (*notes, _LEGEND.replace("per image", _passed(found), 1)),
    )


def _passed(found: Sequence[tuple[ComparisonRecord, Explanation | None]]) -> str:
    """What passes are told for."""
    each = dict.fromkeys(kind.of(record.case).each for record, _ in found)
    return "per " + " or ".join(one.partition(" ")[2] for one in each)


def _said(record: ComparisonRecord, told: Explanation | None) -> str:
    if told is not None:
        return f"{told.label}: {told.sentence}"
    if record.status != "ok":
        return f"{record.status}: {record.reason}"
    if not ways.explained(record):
        return shaping.seen(record)
    return f"not dissected; `{program.command('explain')}` does"


_LEGEND = (
    "passes are per image, of text per run, which is cut short to be looked into; overhead is what"
    " is outside the model and autograd; the ceilings are what leaving the parameter gradients out"
    " can gain by count of operations, and by the time they take in instrumented runs (Amdahl);"
    " measured and its interval come from the timed runs"
)


def _cells(
    record: ComparisonRecord, told: Explanation | None, intervals: Sequence[str]
) -> tuple[str, ...]:
    found, speedup = record.anatomy, record.speedup
    interval = "-" if speedup is None or speedup.low is None else cells.interval(record, intervals)
    if told is None or found is None or speedup is None:
        unknown = ["-"] * (len(_BEFORE) + len(_AFTER) - 2)
        if speedup is not None and not ways.explained(record):
            measured = (cells.speedup(record), interval, "-", promises.verdict(record))
            unknown = [*unknown[: -len(measured)], *measured]
        return (ways.recorded(record), record.status, *unknown)
    return (
        ways.recorded(record),
        told.label,
        str((record.gradients or {}).get("call", "-")),
        _number(found.forwards, ".3g"),
        _number(found.backwards, ".3g"),
        *_shares(record, told.split),
        _number(told.by_operations, ".3f"),
        _number(told.by_time, ".2f"),
        cells.speedup(record),
        interval,
        _number(told.achieved, ".2f"),
        promises.verdict(record),
    )


def _shares(record: ComparisonRecord, split: Split | None) -> tuple[str, ...]:
    if split is None:
        return ("-",) * 4
    apart = not _leaves_all_out(record)
    return (
        _percent(split.forward),
        _percent(split.output_gradients if apart else None),
        _percent(split.parameter_gradients if apart else None),
        _percent(split.overhead),
    )


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"


def _percent(share: float | None) -> str:
    return _number(None if share is None else 100 * share, ".0f")


def paragraphs(runs: Sequence[Run]) -> str:
    """For each comparison a paragraph that a library's maintainer can act on."""
    return "\n\n".join(paragraph_parts(runs))


def paragraph_parts(runs: Sequence[Run]) -> Iterator[str]:
    """The same in parts, an empty line between them."""
    with naming.told_apart(runs):
        yield from _paragraphs(runs)


def _paragraphs(runs: Sequence[Run]) -> Iterator[str]:
    for record, environment in ((r, run.environment) for run in runs for r in run.comparisons):
        told = explain(record, environment)
        if told is None:
            way = [] if ways.usual(record) else [ways.called(record)]
            who = ", ".join([str(record.case), *models.apart(record.case), *way])
            seen = record.status == "ok" and not ways.explained(record)
            reason = prose(shaping.seen(record) if seen else record.reason or "not dissected")
            yield f"**{escape(who)}**: {record.status}: {reason}."
        else:
            assert record.anatomy is not None  # it was explained
            yield _paragraph(record, record.anatomy, told, environment)
            yield from map(markdown.draw, modes.of([record]))
        if record.warnings:
            said = dict.fromkeys(text.rstrip(".") for text in record.warnings)
            yield "\n".join(f"- {escape(text)}." for text in said)
    if not any(run.comparisons for run in runs):
        yield "No case has been measured."


def _paragraph(
    record: ComparisonRecord, found: Anatomy, told: Explanation, environment: Environment
) -> str:
    case = record.case
    told_of = kind.of(case)
    size = [told_of.size(case), case.dtype, case.device, *models.apart(case)]
    where = f"{models.on(case)} ({', '.join(size)})".strip()
    version = f" {case.library_version}" if case.library_version else ""
    proved = levels.sentence(record)
    lines = [
        f"**{escape(f'{case.library}{version}')} {code(case.attack)}: {told.label}**",
        "",
        f"One run {escape(where)}{_passes(record, found)}.{_by_operation(record, found)}",
        _time(record, told.split),
        f"{prose(told.sentence[0].upper() + told.sentence[1:])}. The {told_of.outputs}"
        f" are {levels.are(record)}{f': {prose(proved)}' if proved else ''}.",
        _memory(record, told),
        _mend(record, told),
        "",
        f"{escape(_versions(environment))}; reproduce with:",
        "",
        f"    {reproduce.line(record, environment)}",
    ]
    return "\n".join(line for number, line in enumerate(lines) if line or number in (1, 7, 9))


def _passes(record: ComparisonRecord, found: Anatomy) -> str:
    made = "forward and backward passes that could not be counted"
    if found.forwards is not None and found.backwards is not None:
        passes = kind.of(record.case).passes
        backward = f"{found.backwards:.3g} backward {form(found.backwards, 'pass', 'passes')}"
        made = f"{found.forwards:.3g} forward and {backward}{passes}"
    return f" does {made}{_asked(found)}"


def _time(record: ComparisonRecord, split: Split | None) -> str:
    if split is None:
        return ""
    return (
        f"Of its time {_percent(split.forward)} % goes into forward passes,"
        f" {_backward(record, split)} and {_percent(split.overhead)} % into everything else."
    )


def _backward(record: ComparisonRecord, split: Split) -> str:
    output, parameter = split.output_gradients, split.parameter_gradients
    if _leaves_all_out(record) or parameter is None:
        return f"{_percent(split.backward)} % into backward passes"
    return (
        f"{_percent(output)} % into output gradients, {_percent(parameter)} % into parameter"
        " gradients"
    )


def _leaves_all_out(record: ComparisonRecord) -> bool:
    """Whether output gradients go with the parameter gradients, and can't be told from them."""
    return ways.infers(record) and kind.of(record.case).forward_only_spares


def _asked(found: Anatomy) -> str:
    if found.calls is None:
        return ""
    if not found.calls:
        return " and asks for no gradient"
    calls = " and ".join(f"{number} × {code(spelt(call))}" for call, number in found.calls.items())
    return f", gradients asked for by {calls}"


def _by_operation(record: ComparisonRecord, found: Anatomy) -> str:
    if not found.parameters:
        return ""
    told = ", ".join(f"{code(name)} {number}" for name, number in found.parameters.items())
    masks = found.parts[record.baseline].masks
    both = sum(number for mask, number in masks.items() if "weight" in mask)
    asking = counted(
        both, "call of `convolution_backward` asks", "calls of `convolution_backward` ask"
    )
    weight = f"; {asking} for the gradient of the weight" if both else ""
    functions = ", ".join(map(escape, found.own_functions or ()))
    own = f"; custom functions: {functions}" if functions else ""
    total = (record.gradients or {}).get("parameters")
    computed = sum(found.parameters.values())
    return (
        f" The {form(computed, 'gradient', 'gradients')} of {computed} of"
        f" {counted(total, 'parameter')} {form(computed, 'is', 'are')} computed and not used"
        f" ({told}{weight}{own})."
    )


def _memory(record: ComparisonRecord, told: Explanation) -> str:
    if record.memory is None:
        return ""
    before, after = (int(record.memory[name]) / 1e6 for name in (record.baseline, record.variant))
    ratio = memory.less(before, after)
    parts = (
        ""
        if told.by_memory is None or round(told.by_memory, 2) == 1
        else f" (.grad buffers and what is kept for them make {told.by_memory:.2f})"
    )
    return f"Peak memory: {before:.3g} MB, {after:.3g} MB {escape(record.variant)}{ratio}{parts}."


def _mend(record: ComparisonRecord, told: Explanation) -> str:
    found = record.anatomy
    if told.label not in ("benefits", "mixed") or found is None or not found.computing:
        return ""
    return f"Mend: {prose(kind.of(record.case).mend(record))}"


def _versions(environment: Environment) -> str:
    device = environment.accelerator.get("name") or environment.processor
    return f"torch {environment.torch['version']}, Python {environment.python}, {device}"
