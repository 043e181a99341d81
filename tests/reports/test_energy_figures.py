"""Plots of energy attacks, from records made up for the purpose."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch

from bench.kinds.energy.findings import EnergyRecord, Step
from reports import figures
from reports.figures.plot import Plot
from reports.figures.style import DARK
from tests.reports import drawn
from tests.reports import energy_attacks as made
from tests.reports.energy_attacks import attacked, case, course, failed, reached, timed


def plots(*records: object) -> dict[str, Plot]:
    found = figures.plots([made.run(*records)])  # type: ignore[arg-type]
    return {plot.name: plot for plot in found if plot.name.startswith("energy")}


def test_recovery_against_error_has_a_line_a_method_through_its_alphas() -> None:
    some = [
        attacked(case(attack, alpha=alpha), seed, reached=reached([recovery + seed], error))
        for seed in range(2)
        for attack, alpha, recovery, error in (
            *(("ilfo", 100.0, 40.0, 0.2), ("ilfo", 1.0, 60.0, 0.8)),
            *(("gradmdm", 1.0, 90.0, 0.4), ("gradmdm", 100.0, 70.0, 0.1)),
        )
    ]
    plot = plots(*some)["energy-recovery-1-skipnet_hrl"]
    axes = plot.draw().axes[0]
    lines = [drawn.path(line) for line in axes.lines]
    assert lines == [[(0.8, 60.5), (0.2, 40.5)], [(0.4, 90.5), (0.1, 70.5)]]
    assert {text.get_text() for text in axes.texts} == {"1", "100"}
    assert axes.get_xscale() == "log"
    assert "gradmdm 90.5 ± 6.4 % at 0.40 (alpha = 1)" in plot.description
    assert "95 % intervals" in plot.description


def test_what_has_no_place_on_the_axes_is_counted() -> None:
    nothing = attacked(case("ilfo"), reached=reached([None]))
    same = attacked(case("power"), reached=reached(error=0.0))
    plot = plots(attacked(), nothing, same)["energy-recovery-1-skipnet_hrl"]
    assert "2 attacks with nothing to recover, or that left images as they were, are not" in (
        plot.description
    )
    assert "energy-recovery-1-skipnet_hrl" not in plots(nothing)


def test_a_network_has_its_own_plots() -> None:
    found = plots(attacked(), attacked(case(model="sact")))
    assert list(found) == ["energy-recovery-1-skipnet_hrl", "energy-recovery-2-sact"]


def test_two_places_have_plots_of_their_own() -> None:
    runs = [made.run(*made.against_ilfo(1), processor=name) for name in ("one", "another")]
    found = [plot for plot in figures.plots(runs) if plot.name.startswith("energy-recovery")]
    assert [plot.title.rpartition(": ")[2] for plot in found] == [
        f"skipnet_hrl, {name}, 2 cores" for name in ("one", "another")
    ]
    assert len(found[0].draw().axes[0].lines) == 2


def test_gates_are_drawn_where_they_are_on() -> None:
    ilfo = attacked(case("ilfo"), steps=[_on("10"), _on("01"), _on("10")])
    ours = attacked(steps=[_on("01"), _on("11")])
    plot = plots(ilfo, ours)["energy-gates-1-skipnet_hrl"]
    left, right = plot.draw().axes
    assert (left.get_title(loc="left"), right.get_title(loc="left")) == ("ilfo", "gradmdm")
    assert _boxes(left) == {(0, 1, 0), (2, 3, 0), (1, 2, 1)}
    assert _boxes(right) == {(1, 2, 0), (0, 2, 1)}
    assert "ilfo has 1 on at first and 1 in iteration 3; one of them goes off again 2 times" in (
        plot.description
    )
    assert "gradmdm has 1 on at first and 2 in iteration 2; one of them goes off again 0 times" in (
        plot.description
    )


def _on(gates: str) -> Step:
    return Step(10.0, 0.1, gates)


def _boxes(axes: Axes) -> set[tuple[int, int, int]]:
    """From and to which iteration which row is on."""
    (patch,) = [found for found in axes.patches if isinstance(found, PathPatch)]
    corners = numpy.asarray(patch.get_path().vertices)
    return {
        (int(box[:, 0].min()), int(box[:, 0].max()), round(float(box[:, 1].mean())))
        for box in (corners[at : at + 5] for at in range(0, len(corners), 5))
    }


def test_of_many_gates_some_are_drawn() -> None:
    many = attacked(steps=[_on("1" * 200), _on("0" * 200)])
    plot = plots(many)["energy-gates-1-skipnet_hrl"]
    assert "Which of 200 gates" in plot.description
    assert "64 of the gates are drawn" in plot.description
    assert len(_boxes(plot.draw().axes[0])) == 64


def test_angles_before_and_after_masking_are_means_over_networks() -> None:
    def masked(seed: int, before: float) -> EnergyRecord:
        steps = course([1.0], [0.1]) + course([1.0], [0.1], angle=before, masked_angle=80.0)
        return attacked(seed=seed, steps=steps)

    plot = plots(masked(0, 100.0), masked(1, 120.0))["energy-angles-1-skipnet_hrl"]
    axes = plot.draw().axes[0]
    _, before, after = (drawn.path(line) for line in axes.lines)
    assert (before[1], after[1]) == ((1.0, 110.0), (1.0, 80.0))
    assert "obtuse in 1 of 1 iteration and 110° on average; after, 80°" in plot.description


def test_without_angles_or_gates_there_is_no_plot_of_them() -> None:
    assert set(plots(attacked(steps=course([1.0, 2.0], [0.1, 0.2])))) == {
        "energy-recovery-1-skipnet_hrl"
    }


def test_the_time_of_a_step_has_a_row_a_comparison() -> None:
    bad = timed(case(model="avit"), status="failed", speedup=None, verdict=None)
    plot = plots(timed(case("ilfo"), 1.45), timed(ratio=1.6), bad)["energy-time"]
    axes = plot.draw().axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "ilfo, skipnet_hrl",
        "gradmdm, skipnet_hrl",
    ]
    assert [text.get_text() for text in axes.texts] == ["1.45×", "1.60×"]
    original, trick = (drawn.path(line) for line in axes.lines)
    assert [x for x, _ in original] == [0.2, 0.2]
    assert [x for x, _ in trick] == pytest.approx([0.2 / 1.45, 0.2 / 1.6])
    assert "1 failed" in plot.description


def test_failed_attacks_alone_have_no_plot() -> None:
    assert plots(failed()) == {}


def test_names_are_text_whatever_they_hold() -> None:
    odd = [replace(r, case=replace(r.case, model=drawn.HOSTILE)) for r in made.against_ilfo(1)]
    found = plots(*odd)
    assert {name.split("-")[1] for name in found} == {"time", "recovery", "gates", "angles"}
    for plot in found.values():
        assert "long long" in drawn.words(plot.draw(DARK))
