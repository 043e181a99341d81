"""What docs/truth.md says of the committed matrix: what each torch computes, and since when.

All files of its folder are one matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench import telling
from bench.records import reading
from bench.records.reading import Run
from reports.figures import Plot, heat
from reports.formats import markdown
from reports.reading import changes, matrix, naming, places
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
    with naming.told_apart(runs):
        found = matrix.of(cell for run in runs for cell in run.cells)
        if found is None:
            return
        yield "\n".join(f"- {_where(run)}" for run in runs)
        yield "\n".join(f"- {telling.markdown(text)}" for text in changes.told(found))
        yield from (sample.picture(plot.name, plot.title) for plot in _plots(runs))
        yield from map(markdown.draw, tables.drawn(found, brief=True, told=False))


def _plots(runs: Sequence[Run]) -> list[Plot]:
    """Those of all files as one."""
    cells = tuple(cell for run in runs for cell in run.cells)
    return heat.matrices([replace(runs[0], cells=cells)]) if runs else []


def _where(run: Run) -> str:
    made, shown = run.environment, records.shown(run.path)
    return f"[`{shown}`](../{shown}), {made.created[:10]}, on {places.machine(made)}"
