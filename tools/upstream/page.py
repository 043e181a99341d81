"""docs/upstream/: a page of reports for each project, and a list of all. Pure but for reading."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import telling
from bench.records.duel import DuelRecord
from bench.records.reading import Run
from reports.formats import explained, markdown
from reports.reading import naming, places
from reports.tables import duels
from semibackward_bench.grammar import counted, form
from tools.upstream import commands, declared, records
from tools.upstream.declared import Change, Project
from tools.upstream.records import Measured

HEAD = """# Reports for other libraries

Each page here is a report on a released version of another library, ready to be sent: what it
computes that nobody reads, as `explain` measured it, the smallest change of ours as a diff, and its
duel, the released version against the changed one. **None has been sent yet**: this project has no
way to.

`make upstream` measures what has not been measured with the diff that is there
(`python -m tools.upstream torchattacks/cw --again` measures one of them again), and `make results`
writes these pages. The diffs are in
[`tools/upstream/projects/`](../../tools/upstream/projects), a folder for each project with a
`project.toml` that names what is measured; the records are in
[`results/upstream/`](../../results/upstream)."""
ASKED = """Every change asks for the gradient that is read and for no other, by `inputs=` of
`backward` (PyTorch 1.8 or newer) or by `torch.autograd.grad`. In eager mode autograd leaves the
others out since PyTorch 1.13; older ones compute most of them however one asks, and there freezing
the parameters is the mend. So it is with a compiled model: see
[explaining.md](../explaining.md#what-the-instruments-see)."""
COLUMNS = ("project", "change", "attack", "verdict", "a over b", "outputs")


@dataclass(frozen=True)
class Report:
    """A change, and what was measured of it, if anything was."""

    project: Project
    change: Change
    measured: Measured | None


def files(docs: Path, projects: Path, results: Path) -> dict[Path, str]:
    """The text of every page, by its path.

    Args:
        docs: the folder of pages.
        projects: where they are declared.
        results: where their records are.

    Raises:
        ProjectError: a project is not as it must be.
        RecordError: a record is of something else, or can't be read.
    """
    every = {
        project.name: [
            Report(project, change, records.read(results, project, change))
            for change in project.changes
        ]
        for project in declared.every(projects)
    }
    made = {docs / f"{name}.md": page(reports) for name, reports in every.items()}
    found = [report for reports in every.values() for report in reports]
    return {**made, docs / "README.md": index(found)}


def index(reports: Sequence[Report]) -> str:
    """The list of all reports."""
    lines = [_row(COLUMNS), _row(["---"] * len(COLUMNS))]
    lines += [_row(cells_) for report in reports for cells_ in _cells(report)]
    table = "\n".join(lines)
    return f"{HEAD}\n\n{table}\n\n{_summary(reports)}\n\n{ASKED}\n"


def _summary(reports: Sequence[Report]) -> str:
    found = [duel for report in reports if report.measured for duel in report.measured.duel.duels]
    faster = [duel for duel in found if duel.verdict == "faster" and _equal(duel)]
    ended = f"{counted(len(found), 'duel')}, {len(faster)} of which"
    return (
        f"{ended} {form(len(faster), 'ends', 'end')} `faster` with equal outputs. `a over b` is the"
        " time of the released version over that of the changed one, with its interval."
    )


def _row(cells_: Sequence[str]) -> str:
    return f"| {' | '.join(cells_)} |"


def _cells(report: Report) -> Iterator[list[str]]:
    project, change = report.project, report.change
    of_project = [f"[{project.name}]({project.name}.md)", f"`{change.name}`"]
    if report.measured is None:
        yield [*of_project, "-", "not measured", "-", "-"]
        return
    for duel in report.measured.duel.duels:
        yield [
            *of_project,
            telling.markdown_code(duel.case.attack),
            telling.markdown(duel.verdict or duel.status),
            _ratio(duel),
            "-" if duel.equality is None else str(duel.equality.level),
        ]


def _ratio(duel: DuelRecord) -> str:
    found = duel.speedup
    if found is None:
        return "-"
    if found.low is None or found.high is None:
        return f"{found.estimate:.2f}"
    return f"{found.estimate:.2f} ({found.low:.2f} to {found.high:.2f})"


def _equal(duel: DuelRecord) -> bool:
    return duel.equality is not None and duel.equality.equal


def page(reports: Sequence[Report]) -> str:
    """The reports on one project."""
    project = reports[0].project
    released = telling.markdown(f"{project.distribution} {project.version}")
    head = (
        f"# {released}\n\n<{project.home}>\n\nMade by `make upstream` and `make results`;"
        " [README.md](README.md) tells how. Not sent yet."
    )
    return "\n\n".join([head, *(part for report in reports for part in _parts(report))]) + "\n"


def _parts(report: Report) -> Iterator[str]:
    project, change = report.project, report.change
    yield f"## {telling.markdown(change.title)}"
    yield change.why
    if report.measured is not None:
        yield "### What it costs"
        yield from explained.paragraph_parts([report.measured.explain])
    yield "### The change"
    released = telling.markdown(f"{project.distribution} {project.version}")
    inside = telling.markdown(project.diff(change).name)
    name = f"tools/upstream/projects/{project.name}/{project.diff(change).name}"
    yield f"Against {project.version}, as [`{inside}`](../../{name}):"
    yield f"```diff\n{project.diff(change).read_text(encoding='utf-8').rstrip()}\n```"
    yield "### What it gains"
    if report.measured is None:
        asked = f"{project.name}/{change.name}"
        yield f"Not measured yet: `python -m tools.upstream {asked}` does."
    else:
        yield f"Here a is {released} as released, and b the same with the change."
        yield from _gains(report.measured)
    yield from _again(report)


def _gains(measured: Measured) -> Iterator[str]:
    run = measured.duel
    with naming.told_apart([run]):
        for duel in run.duels:
            yield _verdict(duel)
        yield from map(markdown.draw, duels.of(run))
    yield _where(run, measured)


def _verdict(duel: DuelRecord) -> str:
    """Whether the change does what it should, in a sentence that can't be missed."""
    who = telling.markdown_code(duel.case.attack)
    if duel.verdict != "faster":
        ended = telling.markdown(duel.verdict or duel.status)
        return f"**{who}: the duel does not show it faster ({ended}).**"
    if not _equal(duel):
        return f"**{who}: faster, and the outputs are not equal.**"
    assert duel.equality is not None
    how = ", bit for bit" if duel.equality.bitwise else f" ({duel.equality.level})"
    return f"**{who}: faster, with equal outputs{how}.**"


def _where(run: Run, measured: Measured) -> str:
    made, source = run.environment, measured.source
    machine = f"{places.machine(made)}, torch {made.torch['version']}, Python {made.python}"
    return (
        f"{telling.markdown(machine)}; {made.created[:10]}; the diff applied to"
        f" `{source.released}`, sha256 `{source.sha256}`."
    )


def _again(report: Report) -> Iterator[str]:
    project, change = report.project, report.change
    patched = f"./{project.home.rstrip('/').rpartition('/')[2]}"
    ours = f"tools/upstream/projects/{project.name}"
    here = f" in [`{ours}/`](../../{ours})" if change.functions or _own_models(change) else ""
    yield (
        f"To repeat it{here}, with Semi-backward Bench and {telling.markdown(project.released)}"
        " installed, beside a checkout of that version with the change applied:"
    )
    told = [commands.explain(project, change), commands.duel(project, change, patched)]
    yield "\n".join(f"    python -m bench {shlex.join(words)}" for words in told)
    if project.needs:
        yield f"It also needs {places.listed([f'`{need}`' for need in project.needs])}."


def _own_models(change: Change) -> bool:
    return any(".py:" in model for model in change.models)
