"""What docs/truth.md says of the committed matrix: what each torch computes, and since when.

All files of its folder are one matrix for each kind of workload.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench import telling
from bench.kinds.registry import DEFAULT
from bench.records import reading
from bench.records.reading import Run
from reports.figures import Plot, heat
from reports.formats import markdown
from reports.reading import changes, matrix, naming
from reports.tables import matrix as tables
from tools.results import records, sample

FOLDER = records.RESULTS / "matrix"
NOTHING = "No matrix has been counted and committed yet."


def measured(folder: Path = FOLDER) -> list[Run]:
    """Every file of a folder that has cells, by name."""
    found = map(reading.read, sorted(folder.glob("*.jsonl")) if folder.is_dir() else [])
    return [run for run in found if run.cells]


def block(runs: Sequence[Run]) -> str:
    """What changes and with which version, as sentences, heat maps and tables.

    Args:
        runs: the committed files.
    """
    return "\n\n".join(_parts(runs)) or NOTHING


def files(runs: Sequence[Run]) -> dict[Path, str]:
    """The heat maps, light and dark, by their paths."""
    return {
        sample.FOLDER / f"{plot.name}{end}": text
        for plot in _plots(runs)
        for end, text in sample.drawn(plot).items()
    }


def _parts(runs: Sequence[Run]) -> Iterator[str]:
    for mine in _by_kind(runs):
        with naming.told_apart(mine):
            found = matrix.of(cell for run in mine for cell in run.cells)
            if found is None:
                continue
            yield "\n".join(f"- {_where(run)}" for run in mine)
            yield "\n".join(f"- {telling.markdown(text)}" for text in changes.told(found))
            yield from (sample.picture(plot.name, plot.title) for plot in _plots_of(mine))
            yield from map(markdown.draw, tables.drawn(found, brief=True, told=False))


def _by_kind(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """The files with the cells of one kind of workload, whose rows have names of their own."""
    for kind in dict.fromkeys(cell.case.kind for run in runs for cell in run.cells):
        cut = [replace(r, cells=tuple(c for c in r.cells if c.case.kind == kind)) for r in runs]
        yield [run for run in cut if run.cells]


def _plots(runs: Sequence[Run]) -> list[Plot]:
    return [plot for mine in _by_kind(runs) for plot in _plots_of(mine)]


def _plots_of(runs: Sequence[Run]) -> list[Plot]:
    """Those of the files of one kind as one; the name tells the kind, but of attacks on images."""
    cells = tuple(cell for run in runs for cell in run.cells)
    kind = cells[0].case.kind
    drawn = heat.matrices([replace(runs[0], cells=cells)])
    if kind == DEFAULT:
        return drawn
    return [replace(plot, name=f"{plot.name}-{kind}") for plot in drawn]


def _where(run: Run) -> str:
    """A file and its date; a count does not depend on the machine."""
    shown = records.shown(run.path)
    return f"[`{shown}`](../{shown}), counted on {run.environment.created[:10]}"
