"""Plots of attacks by Monte-Carlo gradients, from records made up for the purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.axes import Axes

from reports import figures
from reports.figures.plot import Plot
from reports.figures.style import DARK
from reports.kinds.sampling import calibration, measures
from tests.reports import drawn
from tests.reports import sampled as made
from tests.reports.sampled import agent, case, failed, judged, playing, robust, timed

ADV = "resnet20_adversarial"


def plots(*records: made.Record) -> dict[str, Plot]:
    found = figures.plots([made.run(*records)])
    return {plot.name: plot for plot in found if plot.name.startswith("sampling")}


def lines(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    """The named curves."""
    return {
        str(line.get_label()): drawn.path(line)
        for line in axes.lines
        if not str(line.get_label()).startswith("_")
    }


def test_sap_stands_beside_the_dense_network_by_percent_by_samples_and_iterated() -> None:
    found = plots(
        robust(case("dense"), (90, 60)),
        robust(case("sap-50", samples=10), (70, 50)),
        robust(case(samples=1), (84, 80)),
        robust(case(samples=10), (84, 70)),
        robust(case(gradient="dense"), (84, 65)),
        robust(case("dense", "iterative"), (90, 60)),
        robust(case(attack="iterative", samples=10), (84, 82)),
    )
    assert list(found) == ["sampling-sap-1", "sampling-calibration-1"]
    percent, count, iterative = found["sampling-sap-1"].draw().axes
    assert percent.get_title(loc="left") == "SAP, FGSM, N = 10"
    # λ = 0 and 1 stand in the first and the second place.
    assert lines(percent) == {
        "dense": [(0, 90), (1, 60)],
        "SAP-50": [(0, 70), (1, 50)],
        "SAP-100": [(0, 84), (1, 70)],
    }
    assert list(lines(count)) == ["dense", "N = 1", "N = 10", "dense gradient"]
    assert list(lines(iterative)) == ["dense", "SAP-100"]
    assert [text.get_text() for text in percent.get_xticklabels()] == ["0", "1"]


def test_published_numbers_are_hollow_marks() -> None:
    plot = plots(robust(case("dense"), (90, 60)), robust())["sampling-sap-1"]
    axes = plot.draw().axes[0]
    assert (0.0, 89.8) in drawn.marks(axes)
    assert (1.0, 66.3) in drawn.marks(axes)
    assert "Hollow marks: published" in plot.description


def test_several_networks_have_whiskers() -> None:
    some = [robust(accuracies=(80 + seed,), seed=seed) for seed in range(3)]
    plot = plots(*some)["sampling-sap-1"]
    assert "SAP-100 81.0 ± 2.5 at λ = 0" in plot.description
    assert "Whiskers: 95 % intervals" in plot.description
    assert drawn.whiskers(plot.draw().axes[0]) == 1


def test_dropout_has_a_panel_post_hoc_and_two_of_trained_networks() -> None:
    ten = "resnet20_dropout_10"
    found = plots(
        robust(case("dense")),
        robust(case("dropout-0.1", samples=10)),
        robust(case("dropout-0.1", model=ten, samples=10)),
        robust(case("dense", model=ten)),
    )
    panels = found["sampling-dropout-1"].draw().axes
    assert [list(lines(axes)) for axes in panels] == [
        ["dense", "dropout-0.1"],
        ["dense", "trained with dropout-0.1, used"],
        ["dense", "trained with dropout-0.1"],
    ]


def test_adversarial_training_stands_beside_sap() -> None:
    four = [
        robust(case("sap-100", model=ADV, samples=10)),
        robust(case("dense", model=ADV)),
        robust(case("sap-100", samples=10)),
        robust(case("dense")),
    ]
    (axes,) = plots(*four)["sampling-adversarial-1"].draw().axes
    assert list(lines(axes)) == ["dense", "SAP-100", "ADV", "ADV + SAP-100"]


def test_every_other_defence_has_a_panel() -> None:
    specs = ("rsa-0.1", "rnw-0.1", "rnw-0.01", "swp-100")
    some = [robust(case(spec, samples=10)) for spec in specs]
    found = plots(robust(case("dense")), *some)
    titles = [axes.get_title(loc="left") for axes in found["sampling-rivals-1"].draw().axes]
    assert titles == ["RNW, N = 10", "SWP, N = 10", "RSA, N = 10"]
    assert "RNW-0.01" in found["sampling-rivals-1"].description


def test_of_many_curves_some_are_drawn() -> None:
    some = [robust(case(f"sap-{percent}")) for percent in range(10, 100, 10)]
    plot = plots(*some)["sampling-sap-1"]
    assert len(lines(plot.draw().axes[0])) == 6
    assert "3 curves in between are not drawn." in plot.description


def test_independent_decisions_are_labelled_so() -> None:
    found = plots(robust(case("sap-100-fast")), timed(case("sap-100-fast")))
    assert len(found) == 3
    for plot in found.values():
        assert "SAP-100 (independent decisions)" in plot.description
    assert "SAP-100 (independent decisions)" in " ".join(
        drawn.words(found["sampling-sap-1"].draw()).split()
    )


def test_calibration_has_a_panel_for_each_strength() -> None:
    found = plots(robust(case("dense"), (90, 60)), robust(accuracies=(80, 70), error=0.05))
    plot = found["sampling-calibration-1"]
    panels = plot.draw().axes
    assert [axes.get_title(loc="left") for axes in panels] == ["λ = 0", "λ = 1"]
    diagonal, dense, sap = (drawn.path(line) for line in panels[0].lines)
    assert diagonal == [(0, 0), (100, 100)]
    # One image in the last bin, and all the others in that around 75 %.
    assert dense == [(75.0, pytest.approx(100 * 179 / 199)), (95.0, 100.0)]
    assert len(sap) == 2
    assert "SAP-100 5.0 % at λ = 0, 5.0 % at λ = 1" in plot.description


def test_bins_of_several_networks_are_pooled_by_their_images() -> None:
    some = [robust(judged=judged({0: p}, images=n), seed=n) for p, n in ((100, 1), (0, 3))]
    (each,) = measures.evaluated(made.run(*some))
    (bin_,) = calibration.pooled(each, 0.0)
    assert (bin_.images, bin_.confidence, bin_.accuracy) == (4, 0.75, 0.25)


def test_without_bins_there_is_no_plot_of_calibration() -> None:
    without = [replace(one, bins=[]) for one in judged((80, 70))]
    assert list(plots(robust(judged=without))) == ["sampling-sap-1"]


def test_rewards_stand_against_strengths() -> None:
    plot = plots(agent(), agent(playing("dense")))["sampling-agents-1"]
    (axes,) = plot.draw().axes
    assert lines(axes) == {"dense": [(0, 11), (1, 5)], "SAP-100, N = 1": [(0, 11), (1, 5)]}
    assert axes.get_ylabel() == "reward"


def test_seconds_of_a_gradient_stand_against_samples() -> None:
    bad = timed(case(samples=1000), status="failed", speedup=None, verdict=None)
    some = [timed(case(samples=samples), 1.25) for samples in (100, 1)]
    plot = plots(*some, bad, timed(case("dense", "noise")))["sampling-time"]
    axes = plot.draw().axes[0]
    original, trick = (drawn.path(line) for line in axes.lines)
    assert original == [(1, 0.01), (100, 1.0)]
    assert trick == [(1, 0.008), (100, 0.8)]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert "1 failed" in plot.description


def test_networks_that_failed_have_no_plot() -> None:
    assert plots(failed()) == {}


def test_two_places_have_plots_of_their_own() -> None:
    runs = [made.run(robust(), timed(), processor=name) for name in ("one", "another")]
    found = [plot for plot in figures.plots(runs) if plot.name.startswith("sampling-sap")]
    assert [plot.title.rpartition("; ")[2] for plot in found] == [
        f"{name}, 2 cores" for name in ("one", "another")
    ]


def test_names_are_text_whatever_they_hold() -> None:
    odd = case(model=f"x.py:{drawn.HOSTILE}", samples=10)
    acting = agent(playing(environment=drawn.HOSTILE))
    found = plots(robust(odd), timed(odd), timed(case()), acting)
    assert len(found) == 4
    for plot in found.values():
        assert "long long" in drawn.words(plot.draw(DARK))
