"""Plots: there when their data are, complete, bounded, and not to be fooled by what records say."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from matplotlib.collections import PathCollection

from bench.cases import A_A
from bench.kinds.training.options import TrainingOptions
from bench.records.memory import MemoryParts
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.statistics.anatomy import Part
from bench.statistics.diagnosis import Diagnosis
from bench.statistics.estimate import Speedup
from reports import figures
from reports.figures import costs, points, predicted, samples, scaling, speedups, style
from reports.figures.plot import Plot
from reports.kinds.training import figures as training
from reports.reading import places
from tests.cases import text_case
from tests.records import ENVIRONMENT, FAILED, FREE, GAIN, run, step
from tests.reports.drawn import (
    ALONE,
    ANATOMY,
    BY_BATCH,
    COUNTED,
    bare,
    hollow,
    marks,
    measured,
    path,
    plots,
    upright,
    whiskers,
    words,
)


@pytest.mark.parametrize(
    ("comparisons", "names"),
    [
        ([], set()),
        ([FAILED], set()),
        ([bare(GAIN)], {"attacks"}),
        ([replace(bare(GAIN), variant=A_A)], set()),
        ([GAIN], ALONE),
        ([GAIN, measured(library="art")], ALONE | {"libraries"}),
        ([GAIN, measured(library="art", batch=2)], ALONE),
        (BY_BATCH, ALONE | {"batch"}),
        (COUNTED, ALONE | {"models"}),
        ([replace(record, operations=None) for record in COUNTED], ALONE),
        ([replace(GAIN, anatomy=ANATOMY)], ALONE | {"anatomy"}),
        ([step(1)], ALONE - {"attacks"}),
        (
            [step(1), step(7), FREE],
            (ALONE - {"attacks"}) | {"training-reference-pgd-backward-resnet18-64"},
        ),
    ],
)
def test_each_plot_is_there_when_its_data_are(
    comparisons: Sequence[ComparisonRecord], names: set[str]
) -> None:
    found = figures.plots([run(*comparisons)])
    assert {plot.name for plot in found} == names
    assert len(found) == len(names)
    assert all(plot.title and plot.description for plot in found)


def test_there_must_be_something_to_draw(tmp_path: Path) -> None:
    with pytest.raises(figures.NothingToDraw, match="no comparison in these records"):
        figures.draw([run(FAILED)], tmp_path / "new")


def test_the_files_and_that_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    runs = [run(bare(GAIN))]
    first, second = (figures.draw(runs, tmp_path / name) for name in ("a/b", "c"))
    assert {path.name for path in first} == {
        *("attacks.svg", "attacks.pdf", "attacks.png", "attacks-dark.svg", "attacks-dark.png"),
    }
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
    light, dark = ((tmp_path / "c" / f"attacks{kind}.svg").read_text() for kind in ("", "-dark"))
    assert figures.LIGHT.paper in light
    assert figures.DARK.paper in dark
    assert figures.LIGHT.ink not in dark


def test_captions_say_what_whiskers_are_of() -> None:
    alone = measured(1.5, speedup=Speedup(1.5, 1.4, 1.6, 0.95, 1, 12, ""))
    several = measured(1.4, library="art")
    assert "Whiskers: 95 % intervals." in plots(several)["attacks"].description
    said = plots(alone)["attacks"].description
    assert "Whiskers: intervals within this process; a fresh one may lie outside." in said
    both = plots(alone, several)["attacks"].description
    assert "Whiskers of 1 of 2: intervals within this process; a fresh one may lie outside." in both
    assert "95 %" not in said


def test_every_attack_has_its_mark_and_what_is_not_ok_is_counted() -> None:
    gains = [1.6, 1.2, 1.05, 1.5]
    some = [measured(gain, library=f"library{n}") for n, gain in enumerate(gains)]
    plot = plots(*some[:3], hollow(some[3]), FAILED)["attacks"]
    assert "1 without an interval" in plot.description
    assert "Not drawn, for want of a speedup: 1 failed." in plot.description
    assert "from 1.60 (library0 pgd) to 1.05 (library2 pgd)" in plot.description
    figure = plot.draw()
    (axes,) = figure.axes
    assert sorted(marks(axes), key=lambda mark: mark[1]) == [
        (1.6, 0.0),
        (1.5, 1.0),
        (1.2, 2.0),
        (1.05, 3.0),
    ]
    assert whiskers(axes) == 3
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == [f"library{n} pgd" for n in (0, 3, 1, 2)]
    assert style.CEILING in upright(axes)


def test_many_attacks_go_on_pages_and_very_many_are_their_extremes() -> None:
    def found(count: int) -> list[Plot]:
        many = (
            bare(measured(1 + n / 1000, library=f"l{n % 7}", attack=f"a{n}")) for n in range(count)
        )
        return speedups.attacks(points.collect([run(*many)]))

    pages = found(130)
    assert [plot.name for plot in pages] == ["attacks-1", "attacks-2", "attacks-3"]
    rows = [len(marks(plot.draw().axes[0])) for plot in pages[:1]]
    assert rows == [44]
    assert "1 to 44 of 130" in pages[0].title
    (one,) = found(speedups.ROWS * speedups.PAGES + 1)
    assert "241 in the middle are not drawn" in one.description
    figure = one.draw()
    assert len(marks(figure.axes[0])) == speedups.ROWS
    assert "241 more between" in words(figure)


def test_libraries_beside_each_other_and_runs_told_apart() -> None:
    here = [measured(gain, library=name) for gain, name in ((1.5, "foolbox"), (1.0, "art"))]
    there = [measured(gain, library=name) for gain, name in ((1.4, "foolbox"), (1.3, "art"))]
    runs = [run(*here), run(*there, torch={"version": "1.12.1+cu102"})]
    (plot,) = speedups.libraries(points.collect(runs))
    assert "foolbox (torch 2.13.0) 1.50, foolbox (torch 1.12.1+cu102) 1.40" in plot.description
    figure = plot.draw()
    (axes,) = figure.axes
    assert sorted(x for x, _ in marks(axes)) == [1.0, 1.3, 1.4, 1.5]
    assert whiskers(axes) == 4
    assert style.CEILING in upright(axes)
    assert "torch 1.12.1+cu102" in words(figure)


def test_runs_are_told_apart_as_in_tables() -> None:
    def told(*runs: Run) -> list[str]:
        return [point.run for point in points.collect(runs)]

    one, again = run(GAIN), run(GAIN, path="again.jsonl")
    assert told(one) == [""]
    assert told(one, run(measured(library="art"), path="y.jsonl")) == ["", ""], "parts of one"
    for several in ([one, again], [one, run(GAIN, torch={"version": "1.12.1+cu102"})], [one, one]):
        assert told(*several) == [place.label for place in places.of(several)]
        assert len(set(told(*several))) == 2, "never mixed"
    other = run(measured(library="art"), path="y.jsonl")
    kept = replace(other, environment=replace(ENVIRONMENT, variables={"A": "1"}))
    assert told(one, kept) == ["without", "A=1"], "made otherwise"


def test_speedup_and_seconds_against_batch_size() -> None:
    figure = plots(*BY_BATCH)["batch"].draw()
    above, below = figure.axes
    assert [x for x, _ in marks(above)] == [1.0, 4.0, 16.0]
    drawn = {line.get_linestyle(): [y for _, y in path(line)] for line in below.lines}
    assert drawn == {"-": [1.5] * 3, "--": [1.0] * 3}


def test_models_stand_at_the_operations_of_a_forward_pass_of_an_image() -> None:
    figure = plots(*COUNTED)["models"].draw()
    assert [x for x, _ in marks(figure.axes[0])] == [1200 / 12 / 1e9, 24000 / 12 / 1e9]
    assert {"small", "large"} <= set(words(figure).split("\n"))
    (dissected,) = points.collect([run(measured(batch=4, anatomy=ANATOMY))])
    assert scaling.operations(dissected) == 2400 / 6 / 4, "from the anatomy of older records"
    (neither,) = points.collect([run(GAIN)])
    assert scaling.operations(neither) is None


def test_names_of_models_keep_apart() -> None:
    moved = scaling._apart([0.1, 0.11, 0.5, 0.98, 0.99, 1.0], 0.05)
    gaps = [right - left for left, right in itertools.pairwise(moved)]
    assert min(gaps) > 0.049
    assert max(moved) <= 1.0
    assert moved[2] == 0.5


def test_training_lies_beside_the_theory() -> None:
    steps = [step(k, speedup=Speedup(1.3, 1.2, 1.4, 0.95, 1, 12, "")) for k in (1, 7, 20)]
    (plot,) = training.by_steps(points.collect([run(*steps, FREE)]))
    (axes,) = plot.draw().axes
    assert marks(axes) == [(1.0, 1.3), (7.0, 1.3), (20.0, 1.3)]
    (curve,) = (line for line in axes.lines if line.get_linestyle() == "--")
    ends = path(curve)[0], path(curve)[-1]
    for (k, drawn), record in zip(ends, (steps[0], steps[2]), strict=True):
        assert record.theory is not None
        assert k == pytest.approx(TrainingOptions.of(record.case).steps)
        assert drawn == pytest.approx(record.theory["passes"])
    assert "1.30 at K = 7, theory 1.41" in plot.description


def test_measured_against_predicted_and_what_was_not_counted_is_said() -> None:
    some = [measured(1.5), measured(1.2, library="art"), hollow(measured(1.1, library="adv"))]
    plot = plots(*some, bare(measured(library="uncounted")))["predicted"]
    assert "3 comparisons: 1 lies within 10 %" in plot.description
    assert "1 whose operations were not counted" in plot.description
    (axes,) = plot.draw().axes
    assert sorted(marks(axes)) == [(1.5, 1.1), (1.5, 1.2), (1.5, 1.5)]


def test_so_many_predictions_are_counted_in_cells() -> None:
    many = [measured(1 + n % 97 / 97, attack=f"a{n}") for n in range(predicted.MANY + 1)]
    (plot,) = predicted.predicted(points.collect([run(*many)]))
    (axes,) = plot.draw().axes
    (cells,) = (some for some in axes.collections if isinstance(some, PathCollection))
    assert marks(axes) == []
    assert 1 < len(cells.get_offsets()) <= predicted.CELLS**2  # type: ignore[arg-type]
    assert f"{predicted.MANY + 1} in all" in plot.description


def test_shares_of_time_add_up_and_what_can_not_be_divided_is_not() -> None:
    (point,) = points.collect([run(replace(GAIN, anatomy=ANATOMY))])
    assert costs.shares(point) == pytest.approx((0.3, 0.3, 0.3, 0.0, 0.1))
    for frozen, told in (
        (Part(1.0, 0.3, 0.7, 1, 1), pytest.approx((0.3, 0.0, 0.0, 0.6, 0.1))),
        (Part(None, None, None, 1, 1), pytest.approx((0.3, 0.0, 0.0, 0.6, 0.1))),
    ):
        noisy = replace(ANATOMY, parts={**ANATOMY.parts, "semi-backward": frozen})
        (point,) = points.collect([run(replace(GAIN, anatomy=noisy))])
        assert costs.shares(point) == told
    overlapping = {**ANATOMY.parts, "original": Part(0.8, 0.3, 0.6, 1, 1)}
    record = replace(GAIN, anatomy=replace(ANATOMY, parts=overlapping))
    (point,) = points.collect([run(record)])
    assert costs.shares(point) is None


def test_of_text_forward_only_leaves_both_gradients_out() -> None:
    parts = {**ANATOMY.parts, "forward-only": Part(0.4, 0.3, 0.0, 1, 0)}
    record = measured(case=text_case(), anatomy=replace(ANATOMY, parts=parts))
    (point,) = points.collect([run(replace(record, variant="forward-only"))])
    assert costs.shares(point) == pytest.approx((0.3, 0.0, 0.0, 0.6, 0.1))


def test_the_anatomy_of_many_attacks_is_of_groups() -> None:
    many = [measured(anatomy=ANATOMY, attack=f"a{n}") for n in range(costs.BARS + 1)]
    (plot,) = costs.time(points.collect([run(*many)]))
    (axes,) = plot.draw().axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        f"foolbox, loss.backward() ({costs.BARS + 1})"
    ]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([30, 30, 30, 10])  # type: ignore[attr-defined]


def test_groups_tell_their_run_where_another_run_has_the_same() -> None:
    many = [measured(anatomy=ANATOMY, attack=f"a{n}") for n in range(costs.BARS)]
    other = measured(anatomy=ANATOMY, library="art")
    (plot,) = costs.time(
        points.collect([run(*many), run(*many[:9], other, torch={"version": "1.12.1"})])
    )
    (axes,) = plot.draw().axes
    assert {label.get_text() for label in axes.get_yticklabels()} == {
        f"foolbox, loss.backward() ({costs.BARS}), torch 2.13.0",
        "foolbox, loss.backward() (9), torch 1.12.1",
        "art, loss.backward() (1)",
    }


def test_memory_is_stacked_where_its_parts_add_up() -> None:
    assert costs._stack(2000, MemoryParts(0, 900, 800, 300)) == [0, 900, 800, 300, 0]
    assert costs._stack(1000, MemoryParts(0, 900, 800, 300)) == [0, 0, 0, 0, 1000]
    assert costs._stack(1000, None) == [0, 0, 0, 0, 1000]
    many = [measured(attack=f"a{n}") for n in range(costs.PAIRS + 5)]
    plot = plots(*many, FAILED)["memory"]
    assert "20 are drawn, evenly spread over that order, 5 are not." in plot.description
    assert "1 comparison without an account" in plot.description
    (axes,) = plot.draw().axes
    assert len(axes.get_yticks()) == costs.PAIRS


def test_samples_in_time_with_what_is_odd_about_them() -> None:
    count = len(GAIN.order)
    record = replace(
        GAIN,
        processes=[index // 10 for index in range(count)],
        repeated=[3],
        diagnosis=Diagnosis(drift=0.1, outliers=[5, 7]),
    )
    plot = plots(record)["samples"]
    assert f"{count} blocks, drift +11 %, 2 outliers, 1 repeated" in plot.description
    figure = plot.draw()
    (axes,) = figure.axes
    at_top = [place for place in marks(axes) if place[1] == 0.96]
    assert [x for x, _ in at_top] == [5, 7, 3]
    seconds = [y for _, y in marks(axes) if y != 0.96]
    assert sorted(seconds) == [1.0] * 2 * count + [1.5] * 2 * count
    assert len(axes.patches) == 1, "the second of three processes is shaded"
    for said in ("outlier, counted", "run again, not counted", "every other process"):
        assert said in words(figure)


def test_samples_of_text_are_held_against_their_sentence() -> None:
    record = replace(
        GAIN,
        order=["ABBA"] * 4,
        processes=[0] * 4,
        parts=[0, 1, 0, 1],
        seconds={"original": [1.0, 1, 9, 9, 1, 1, 9, 9], "semi-backward": [0.5, 0.5, 3, 3] * 2},
    )
    found = samples.series(record)
    assert found.relative
    assert found.baseline == [(1, 1)] * 4
    assert found.variant == [(0.5, 0.5), (1 / 3, 1 / 3)] * 2
