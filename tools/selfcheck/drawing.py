"""The errors of a self-check as a plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from tools.selfcheck.analysis import Row
from tools.selfcheck.running import ENGINE, LOADS, true_ratio

_TITLES = {"idle": "no other load", "loaded": "another program on one core, on and off"}


def draw(rows: Sequence[Row], path: Path) -> None:
    """One point a comparison: how far from the truth, by tool and condition."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    tools = list(dict.fromkeys(row.tool for row in rows))
    figure, axes = pyplot.subplots(
        len(LOADS), 1, figsize=(8, 1.2 + 0.5 * len(tools) * len(LOADS)), sharex=True
    )
    slowdown = math.log(true_ratio("slowed"))
    for axis, load in zip(axes, LOADS, strict=True):
        for row in (row for row in rows if row.load == load):
            place = tools.index(row.tool)
            colour = "C0" if row.tool == ENGINE else "0.35"
            errors = [100 * error for error in row.errors]
            more = [100 * (log - slowdown) for log in row.slowed]
            axis.plot(errors, [place - 0.12] * len(errors), "o", color=colour, alpha=0.75)
            axis.plot(more, [place + 0.12] * len(more), "o", color=colour, mfc="none")
        axis.axvspan(100 * slowdown / 2, -100 * slowdown / 2, color="C2", alpha=0.15, lw=0)
        axis.axvline(0, color="0.7", lw=0.8, zorder=0)
        axis.set_yticks(range(len(tools)), tools)
        axis.set_ylim(len(tools) - 0.5, -0.5)
        axis.set_title(_TITLES[load], fontsize=10, loc="left")
        axis.set_xscale("symlog", linthresh=2)
    ticks = [-100, -30, -10, -3, -1, 0, 1, 3, 10, 30, 100]
    axes[-1].set_xticks(ticks, [str(tick) for tick in ticks])
    axes[-1].minorticks_off()
    axes[-1].set_xlabel(
        "error of the ratio (%, log ratio); filled: equal programs, hollow: the second does 3 %"
        " more\ngreen: less than half of that 3 %",
        fontsize=9,
    )
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
