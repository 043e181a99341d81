"""Plots of pruning, from records made up for the purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.kinds.pruning.findings import KeptLayer
from reports.figures import points
from reports.figures.plot import Plot
from reports.figures.style import DARK
from reports.kinds.pruning import figures
from tests.reports import drawn
from tests.reports.kinds.pruning import made
from tests.reports.kinds.pruning.made import case, layer, pipeline, pruned, scored, timed


def plots(*records: made.Record) -> dict[str, Plot]:
    run = made.run(*records)
    found = [*figures.of_runs([run]), *figures.of_points(points.collect([run]))]
    return {plot.name: plot for plot in found}


def test_accuracy_has_a_panel_for_each_attack_and_a_curve_for_each_criterion() -> None:
    plot = plots(*pipeline())["pruning-accuracy-1"]
    figure = plot.draw()
    clean, pgd = figure.axes
    assert [axes.get_title(loc="left") for axes in (clean, pgd)] == ["clean", "pgd"]
    # The dense network, its line, and four criteria.
    assert len(pgd.lines) == 6
    assert [text.get_text() for text in pgd.get_xticklabels()] == ["1", "10", "100"]
    assert pgd.get_xlim()[0] > pgd.get_xlim()[1]
    assert drawn.whiskers(clean) == 9
    assert "mad 85.0 % with 10 % left and 81.4 % with 1 % left" in plot.description
    assert "the mean over networks (Student's t)" in plot.description


def test_of_one_network_whiskers_are_of_its_images() -> None:
    plot = plots(*pipeline(seeds=1))["pruning-accuracy-1"]
    assert "the images of one network (Wilson 1927)" in plot.description


def test_a_network_with_nothing_left_is_told_of() -> None:
    empty = pruned(percent=0.99, layers=[KeptLayer("fc", 10, 0)])
    plot = plots(pruned(), empty)["pruning-accuracy-1"]
    plot.draw()
    assert "Networks of which nothing is left are not drawn." in plot.description
    assert plots(empty) == {}


def test_dense_networks_alone_have_no_figure() -> None:
    assert plots(pruned("dense")) == {}
    assert plots(pruned(judged=[])) == {}
    assert plots(pruned(status="failed"), scored(status="failed"), scored(layers=[])) == {}


def test_layers_stand_in_their_order_by_the_logarithm_of_their_means() -> None:
    found = plots(*(scored(seed=seed, means=(4e-4 + seed / 1e5, 1e-5, 2e-6)) for seed in range(3)))
    (axes,) = found["pruning-saliency-1"].draw().axes
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "conv1",
        "layer1.conv",
        "layer2.conv",
    ]
    assert axes.get_xscale() == "log"
    assert "conv1 4.10e-04 ± 2.5e-05" in found["pruning-saliency-1"].description


def test_means_that_are_not_all_above_0_stand_on_a_plain_axis() -> None:
    (axes,) = plots(scored(means=(1e-4, -1e-9, 0.0)))["pruning-saliency-1"].draw().axes
    assert axes.get_xscale() == "linear"


@pytest.mark.parametrize("means", [(1e-4, 2e-6), (0.0, 0.0), (1e-300, 1e-12), (-1.0, 2e9), (1.0,)])
def test_distributions_are_drawn_around_0(means: tuple[float, ...]) -> None:
    found = plots(scored(means=means))
    (axes,) = found["pruning-distribution-1"].draw().axes
    assert axes.get_xscale() == "symlog"
    assert "0" in [text.get_text() for text in axes.get_xticklabels()]
    assert found["pruning-saliency-1"].draw().axes


def test_of_many_layers_some_are_drawn() -> None:
    many = [layer(f"conv{number}", 10.0**-number) for number in range(1, 61)]
    plot = plots(scored(layers=many))["pruning-saliency-1"]
    assert "20 layers in between are not drawn." in plot.description


def test_stages_have_both_variants_beside_each_other() -> None:
    plot = plots(*made.stages())["pruning-stages-1"]
    (axes,) = plot.draw().axes
    assert [text.get_text() for text in axes.get_yticklabels()][:3] == [
        "attack, torchattacks", "masks", "factors",
    ]  # fmt: skip
    assert [round(bar.get_width(), 2) for bar in axes.patches[:2]] == [1.0, 0.71]  # type: ignore[attr-defined]
    assert "attack, torchattacks 1.00 → 0.714 s, 1.40×" in plot.description


def test_what_came_to_no_speedup_is_not_drawn_and_told() -> None:
    failed = timed(case("masks"), status="failed", speedup=None, verdict=None)
    assert plots(failed) == {}
    assert "1" in plots(failed, timed(case("attack")))["pruning-stages-1"].description


def test_each_network_has_its_figures_up_to_a_limit() -> None:
    some = [pruned(of=case(model=f"net{number}")) for number in range(8)]
    found = plots(*some)
    assert len(found) == 6
    assert all("2 other networks are not drawn." in plot.description for plot in found.values())


def test_hostile_names_are_drawn_as_text() -> None:
    of = case(model=drawn.HOSTILE)
    found = plots(
        scored(of, layers=[layer(drawn.HOSTILE, 1e-4), layer("b", 1e-5)]),
        pruned(of=of, percents={drawn.HOSTILE: 50}),
        timed(replace(case("attack"), model=drawn.HOSTILE)),
    )
    assert len(found) == 4
    for plot in found.values():
        assert "\u202e" not in drawn.words(plot.draw(DARK))
