"""docs/sample/: a page and plots as `report` makes them, from committed records."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.records.reading import Run
from reports import figures
from reports.figures import Plot, points, saving, speedups
from reports.formats import page
from tools.results import records
from tools.results.records import Headline

FOLDER = records.ROOT / "docs" / "sample"
PAGE = "report.html"
EXPLAINED = "explained.md"
KEPT = (".svg", "-dark.svg")
"""Of the files that a plot is saved as."""
ATTACKS = "torchattacks"
"""Whose attacks are drawn: the library with every kind of them."""
WIDTH = 720


def chosen(runs: Sequence[Run]) -> Mapping[str, Sequence[Run]]:
    """By a plot's name, the records that it is drawn from: those of the front page's machine, or of
    the first one that has any."""
    now, before = records.front(runs)
    sides = [now] if before is None or not records.beside(before, now) else [now, before]
    found = {
        "libraries": [side.file for side in sides],
        "attacks": _first(
            runs, now, lambda run: records.dissected(run) and _libraries(run) == {ATTACKS}
        ),
        "anatomy": _first(runs, now, records.dissected),
        "training": _first(runs, now, _by_steps),
    }
    return {name: runs for name, runs in found.items() if runs}


def of_page(runs: Sequence[Run]) -> list[Run]:
    """The records of the page: those of the front page's machine that are of images."""
    now, _ = records.front(runs)
    kind = now.records[0].case.kind
    return [
        run
        for run in runs
        if records.folder(run) == records.folder(now.run)
        and not any(run.own.values())
        and {record.case.kind for record in run.comparisons} <= {kind}
    ]


def _first(runs: Sequence[Run], now: Headline, wanted: Callable[[Run], bool]) -> list[Run]:
    there: dict[str, list[Run]] = {}
    for run in filter(wanted, runs):
        there.setdefault(records.folder(run), []).append(run)
    return there.get(records.folder(now.run)) or next(iter(there.values()), [])


def _libraries(run: Run) -> set[str]:
    return {record.case.library for record in run.comparisons}


def _by_steps(run: Run) -> bool:
    return (run.environment.suite or "").startswith("paper-training")


def files(runs: Sequence[Run]) -> dict[Path, str]:
    """Every file of the folder, by its path."""
    made = {FOLDER / PAGE: page.render(of_page(runs))}
    for name, found in chosen(runs).items():
        plot = _plot(name, found)
        if plot is not None:
            made |= {FOLDER / f"{name}{end}": text for end, text in drawn(plot).items()}
    return made


def pictures(group: Sequence[Run]) -> Iterator[str]:
    """The plots that are of some of these records, light and dark, for a page in docs/."""
    wanted = {run.path for run in group}
    for name, found in chosen(records.measured()).items():
        plot = _plot(name, found) if found[0].path in wanted else None
        if plot is not None:
            yield picture(name, plot.title)


def picture(name: str, told: str) -> str:
    """A plot of the folder, light or dark, for a page in docs/.

    Args:
        name: of its files.
        told: what it shows, for those who can't see it.
    """
    return (
        "<picture>\n"
        f'<source media="(prefers-color-scheme: dark)" srcset="sample/{name}-dark.svg">\n'
        f'<img src="sample/{name}.svg" width="{WIDTH}"'
        f' alt="{told}">\n'
        "</picture>"
    )


def _plot(name: str, runs: Sequence[Run]) -> Plot | None:
    """The first plot of these records whose name begins so; that of libraries as wide as a page."""
    if name == "libraries":
        return next(iter(speedups.libraries(points.collect(runs), wide=True)), None)
    return next((plot for plot in figures.plots(runs) if plot.name.startswith(name)), None)


def drawn(plot: Plot) -> dict[str, str]:
    """The text of those of a plot's files that are kept, by how their names end."""
    with tempfile.TemporaryDirectory() as folder:
        saving.save(plot, Path(folder))
        return {end: Path(folder, f"{plot.name}{end}").read_text(encoding="utf-8") for end in KEPT}
