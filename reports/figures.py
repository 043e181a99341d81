"""From records to plots, by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.cases import SEMI_BACKWARD
from bench.record_types import ComparisonRecord
from bench.records import Run
from reports.markdown import machine

COLUMN_INCHES = (4.6, 3.4)
BLUE, GREY = "#0072b2", "#555555"
"""Told apart by colour-blind people, and by their lightness on paper."""


class NothingToDraw(Exception):
    """The records hold nothing that a figure could show."""


def draw(runs: Sequence[Run], folder: Path) -> list[Path]:
    """Draw every figure that the records have something for, each as SVG and PNG.

    Args:
        runs: what was measured.
        folder: where the files go.

    Returns:
        the files.

    Raises:
        NothingToDraw: there is nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number, run in enumerate(runs):
        groups: dict[tuple[str, str, str, str], list[ComparisonRecord]] = {}
        for record in run.comparisons:
            case = record.case
            if case.training == "pgd" and record.variant == SEMI_BACKWARD and record.speedup:
                key = (case.library, case.attack, case.model, str(case.batch))
                groups.setdefault(key, []).append(record)
        for key, records in groups.items():
            if len({r.case.steps for r in records}) > 1:
                parts = ("training", *key, *([str(number)] if number else []))
                name = "".join(c if c.isalnum() or c in "-_" else "_" for c in "-".join(parts))
                found += _training(records, run, folder / name)
    if not found:
        raise NothingToDraw(
            "nothing to draw: figures are of pgd training with several --steps; measure"
            " `--suite paper-training-small`"
        )
    return found


def _training(records: Sequence[ComparisonRecord], run: Run, path: Path) -> list[Path]:
    """Speedup of training against K with intervals, beside the theory: Bu 2022, figure 2."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, NullLocator

    figure = Figure(figsize=COLUMN_INCHES, layout="constrained")
    axes = figure.add_subplot()
    predicted = sorted((r.case.steps, r.theory["passes"]) for r in records if r.theory)
    theory = "theory: (3K + 3) / (2K + 3)"
    axes.plot(*zip(*predicted, strict=True), color=GREY, linestyle="--", label=theory)
    axes.axhline(1.0, color=GREY, linewidth=0.6)
    points = sorted(
        (r.case.steps, r.speedup) for r in records if r.case.steps and r.speedup is not None
    )
    measured = [
        (k, s.estimate, s.estimate - s.low, s.high - s.estimate)
        for k, s in points
        if s.low is not None and s.high is not None
    ]
    steps, estimates, below, above = zip(*measured, strict=True)
    axes.errorbar(
        steps,
        estimates,
        yerr=[below, above],
        fmt="o",
        markersize=4,
        capsize=3,
        color=BLUE,
        label="measured, 95 % interval",
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted({k for k, _ in points})))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(0.9, max(steps) * 1.1)
    axes.set_xlabel("attack steps in a training step, K")
    axes.set_ylabel("speedup of training")
    case = records[0].case
    axes.set_title(
        f"K-PGD training with {case.library}'s {case.attack}, {case.model}, batch {case.batch}\n"
        f"{machine(run.environment)}",
        fontsize=8,
    )
    axes.legend(fontsize=8, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    files = [path.with_suffix(suffix) for suffix in (".svg", ".png")]
    with rc_context({"svg.hashsalt": path.stem}):  # the same records give the same file
        figure.savefig(files[0], metadata={"Date": None})
        figure.savefig(files[1], dpi=200)
    return files
