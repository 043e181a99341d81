"""A speedup whose outputs differ by rounding is told with that word, wherever it is told."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.records import reading
from bench.records.types import ComparisonRecord
from bench.running import progress
from bench.statistics.equality import Equality
from bench.statistics.estimate import Speedup
from reports.figures import points
from reports.formats import latex, markdown, page, tabular
from reports.reading import averages, levels, summary
from reports.tables import side_by_side
from tests.cases import changed
from tests.records import ENVIRONMENT, GAIN, run, write
from tests.reports.tables import rows_of, tables_of

ROUNDED = Equality(
    equal=True,
    bitwise=False,
    max_abs_diff=0.031,
    level="rounding",
    first_step_error=3.1e-8,
    rounding=1e-3,
    flipped_signs=12,
    differing=762,
    elements=49152,
    success={"original": 14, "semi-backward": 15},
    success_differs=[3],
    layers={f"layer{number}.bn": "BatchNorm2d" for number in range(20)},
)


def at(estimate: float) -> Speedup:
    return Speedup(estimate, estimate / 1.02, estimate * 1.02, 0.95, 5, 30, "")


def case(library: str, estimate: float, equality: Equality | None = None) -> ComparisonRecord:
    asked = changed(GAIN.case, library=library)
    found = replace(GAIN, case=asked, case_id=asked.id, speedup=at(estimate))
    return found if equality is None else replace(found, equality=equality)


RUN = run(case("foolbox", 1.5), case("art", 1.6), case("deeprobust", 1.4, ROUNDED))
BOTH = replace(RUN, comparisons=(*RUN.comparisons, case("cleverhans", 1.2, ROUNDED)))


def test_the_level_stands_beside_the_speedup_in_a_table() -> None:
    found = rows_of(tables_of(RUN)[0])
    assert found["speedup"][:3] == ("1.50", "1.60", "1.40, rounding")
    assert found["adversarial examples"][:3] == ("identical", "identical", "rounding, up to 0.031")


def test_the_proof_is_told_once_for_each_case() -> None:
    (said,) = (note for note in tables_of(RUN)[0].notes if "by rounding" in note)
    assert said == (
        "deeprobust: outputs differ by rounding: they are bit for bit the same with the parameters"
        " of 20 BatchNorm2d layers (layer0.bn, layer1.bn, layer2.bn, ...) frozen in both variants"
        " too; the first gradients that differ do so by 3.1e-08 of their norm (12 signs flip); 762"
        " of 49152 numbers differ in the end, by up to 0.031; images that the attack"
        " succeeds with: 14 and 15, 1 of them by one variant alone."
    )


def test_no_mean_mixes_levels() -> None:
    first, second = averages.of(BOTH.comparisons)
    assert (first.level, first.count, second.level, second.count) == ("", 2, "rounding", 2)
    assert first.geometric.estimate == pytest.approx((1.5 * 1.6) ** 0.5)
    assert second.geometric.estimate == pytest.approx((1.4 * 1.2) ** 0.5)
    (table,) = tables_of(BOTH)
    assert table.header[-4:] == (
        *("geometric mean", "arithmetic mean"),
        *("geometric mean, rounding", "arithmetic mean, rounding"),
    )
    assert rows_of(table)["speedup"][-4:] == ("1.55", "1.55", "1.30", "1.30")
    assert any("No mean mixes outputs that are identical" in note for note in table.notes)


def test_the_summary_tells_levels_apart() -> None:
    gains, _, trust = summary.of([BOTH])
    assert "made 4 of 4 cases faster, 2 of them 1.55 " in gains
    assert "and 2 of them (with outputs that differ by rounding) 1.30 " in gains
    assert "bit for bit the same in 2 of 4 comparisons and differed by rounding" in trust


def test_a_summary_of_one_level_names_it() -> None:
    gains, _, _ = summary.of([run(case("art", 1.4, ROUNDED))])
    assert "made 1 of 1 case faster, (with outputs that differ by rounding) 1.40 (" in gains


def test_every_format_tells_it(tmp_path: Path) -> None:
    assert "1.40, rounding" in markdown.report([RUN])
    assert "1.40, rounding" in latex.report([RUN])
    assert "1.40 (1.37 to 1.43), rounding" in page.render(
        [reading.read(write(tmp_path / "x.jsonl", RUN.comparisons))]
    )
    row = list(csv.DictReader(io.StringIO(tabular.csv([RUN]))))[2]
    assert (row["level"], row["first_step_error"]) == ("rounding", "3.1e-08")
    assert (row["differing"], row["elements"], row["flipped_signs"]) == ("762", "49152", "12")
    assert (row["success_original"], row["success_variant"]) == ("14", "15")
    told = json.loads(tabular.json_text([BOTH]))
    assert [each["level"] for each in told["averages"]] == ["identical", "rounding"]
    assert [each["level"] for each in told["comparisons"]] == [
        *("identical", "identical", "rounding", "rounding")
    ]


def test_plots_tell_it_as_a_facet() -> None:
    found = points.collect([RUN])
    assert [point.facet("level") for point in found] == ["", "", "rounding"]
    assert "rounding" in points.names(found)[2]


def test_while_cases_run_the_line_tells_it() -> None:
    assert progress.outcome(RUN.comparisons[2]).endswith("(outputs differ by rounding)")
    assert "rounding" not in progress.outcome(RUN.comparisons[0])


def test_side_by_side_means_are_of_one_level_each() -> None:
    other = replace(BOTH, environment=replace(ENVIRONMENT, processor="another"))
    (table,) = side_by_side.of([BOTH, other])
    means = [row for row in table.rows if row[0].startswith("geometric mean")]
    assert len(means) == 2
    assert "rounding" not in means[0][1]
    assert all(cell.endswith(", rounding") for cell in means[1][1:3])


def test_an_older_record_tells_its_level_by_its_two_flags(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", [GAIN])
    lines = path.read_text().splitlines()
    line = json.loads(lines[1])
    for equal, bitwise, level in (
        *((True, True, "identical"), (True, False, "rounding")),
        *((False, False, "different"),),
    ):
        line["equality"] = {"equal": equal, "bitwise": bitwise, "max_abs_diff": 1e-7}
        path.write_text(f"{lines[0]}\n{json.dumps(line)}\n")
        (found,) = reading.read(path).comparisons
        assert found.equality is not None
        assert found.equality.level == level
        assert levels.sentence(found) is None, "nobody proved anything"


def test_a_record_keeps_what_was_found(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", RUN.comparisons)
    assert reading.read(path).comparisons[2].equality == ROUNDED
    assert json.loads(path.read_text().splitlines()[3])["equality"]["level"] == "rounding"
