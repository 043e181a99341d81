"""Every plot of some records into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.records.reading import Run
from reports.figures import beside, saving
from reports.figures.every import plots


class NothingToDraw(Exception):
    """The records hold nothing that a figure could show."""


def draw(runs: Sequence[Run], folder: Path) -> list[Path]:
    """Draw every plot into a folder: light as SVG, PDF and PNG, dark as SVG and PNG.

    Args:
        runs: what was measured.
        folder: where the files go; made if it is not there.

    Returns:
        the files.

    Raises:
        NothingToDraw: no comparison ended with a speedup.
        OSError: the folder can't be written into.
    """
    with beside.begun(runs, folder) as other:
        found = plots(runs)
        if not found:
            raise NothingToDraw(
                "nothing to draw: no comparison in these records ended with a speedup; `report`"
                " tells why"
            )
        theirs = beside.share(found) if other else []
        files = {plot.name: saving.save(plot, folder) for plot in found if plot not in theirs}
        drawn = other is not None and other.done()
        for plot in theirs:
            files[plot.name] = saving.files(plot, folder) if drawn else saving.save(plot, folder)
    return [path for plot in found for path in files[plot.name]]
