"""Variants that are made of several parts: what is told of them is what was measured."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cases import A_A, Comparison
from bench.records import reading
from bench.records.reading import Run
from bench.records.types import ComparisonRecord
from bench.running import progress
from bench.statistics.equality import Equality
from reports.figures import points, speedups
from reports.formats import explained, latex, markdown, page, tabular, terminal
from reports.reading import (
    advice,
    averages,
    briefly,
    levels,
    preparation,
    reproduce,
    shares,
    summary,
    ways,
)
from reports.reading.explanation import explain
from reports.reading.why import why
from reports.tables import contents, counts, side_by_side
from tests.cases import text_case
from tests.records import ENVIRONMENT, run, write
from tests.records import counts as counted
from tests.reports.composed import (
    AGREEING,
    AGREES,
    BOTH,
    CHANNELS,
    COMPILED,
    EVERY,
    FASTEST,
    FROZEN,
    OTHER,
    OVER,
    SLOWER,
    TOOK,
    UNSUPPORTED,
    composed,
)
from tests.reports.drawn import ANATOMY
from tests.reports.tables import rows_of, tables_of

HOSTILE = "<script>alert(1)</script> | `x` \\input{y}"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All of them, as they are read from a file."""
    return reading.read(write(tmp_path_factory.mktemp("composed") / "x.jsonl", EVERY))


@pytest.fixture(scope="module")
def html(found: Run) -> str:
    return page.render([found])


def named(run: Run) -> dict[str, dict[str, tuple[str, ...]]]:
    """Its tables by what is held against what."""
    return {table.title.rpartition(": ")[2]: rows_of(table) for table in tables_of(run)}


def test_levels_are_told_from_what_the_record_holds_alone() -> None:
    assert levels.sentence(AGREEING) == (
        "outputs agree: 99.4 % of the numbers are the same, the others differ by up to 0.0081;"
        " every image keeps its success"
    )
    assert levels.sentence(FASTEST) == (
        "outputs differ by more than rounding: 98.7 % of the numbers are the same, the others"
        " differ by up to 0.047; 2 of 4 images are attacked with another success"
    )
    bare = Equality(equal=False, bitwise=False, max_abs_diff=None, level="other")
    assert levels.sentence(replace(FASTEST, equality=bare)) == (
        "outputs differ by more than rounding"
    )


def test_a_share_is_never_all_of_what_differs() -> None:
    one = replace(AGREES, differing=1, elements=10**6)
    assert levels.spelt(one) == "agreeing, 99.9 % the same, up to 0.0081"


def test_each_level_stands_beside_its_speedup_in_every_format(found: Run, html: str) -> None:
    for told in (
        *("1.100, rounding", "2.400, agreeing", "4.200, other"),
        *("agreeing, 99.4 % the same, up to 0.0081", "other, 98.7 % the same, up to 0.047"),
    ):
        assert told in markdown.report([found])
        assert told.replace("%", r"\%") in latex.report([found])
        assert told in html
    assert "4.200 (4.158 to 4.242), other" in html
    short = "\n".join(terminal.short(found, 120))
    assert all(told in short for told in ("1.100, rounding", "2.400, agreeing", "4.200, other"))
    assert "agreeing: every image keeps its success, and 99 % of the numbers" in short
    assert "2.400, agreeing" in "\n".join(terminal.everything(found, 120, {}))
    assert "2.400, agreeing" in explained.report([found])
    assert progress.outcome(FASTEST).endswith("(outputs differ by more than rounding)")


def test_while_cases_run_a_variant_is_named_with_its_baseline() -> None:
    case = OVER.case
    assert progress.titled(Comparison(case, BOTH, "compiled")) == f"{case}: {BOTH} over compiled"
    assert progress.titled(Comparison(case, "semi-backward")) == str(case)


def test_no_mean_mixes_levels() -> None:
    several = [
        composed("bf16", estimate, equality, library=library)
        for library, estimate, equality in (
            *(("foolbox", 2.0, AGREES), ("art", 3.0, AGREES)),
            *(("cleverhans", 4.0, OTHER), ("deeprobust", 9.0, OTHER)),
        )
    ]
    means = averages.of(several)
    assert [(mean.level, round(mean.geometric.estimate, 2)) for mean in means] == [
        *(("agreeing", 2.45), ("other", 6.0))
    ]
    (table,) = tables_of(run(*several))
    assert rows_of(table)["speedup"][-4:] == ("2.449", "2.500", "6.000", "6.500")
    assert table.header[-2:] == ("geometric mean, other", "arithmetic mean, other")
    assert any("No mean mixes levels of equality." in note for note in table.notes)
    (plot,) = speedups.attacks(points.collect([run(*several)]))
    assert "the median of all 4 is 2.50 (agreeing), 6.50 (other)" in plot.description


def test_means_are_of_one_baseline(found: Run) -> None:
    means = json.loads(tabular.json_text([found]))["averages"]
    of_both = [(m["baseline"], m["count"]) for m in means if m["variant"] == BOTH]
    assert of_both == [("original", 1), ("compiled", 1)]


def test_a_baseline_is_called_by_its_name(found: Run, html: str) -> None:
    tables = named(found)
    assert {
        *("semi-backward against original", f"{BOTH} against original"),
        *(f"{BOTH} against compiled", "graphed against original"),
    } <= tables.keys()
    over = tables[f"{BOTH} against compiled"]
    assert over["compiled (s)"] == ("1.510",)
    assert "original (s)" not in over
    assert f"{BOTH} over compiled" in html
    assert "time of the baseline over the variant" in html
    alone = page.render([run_of(OVER, found)])
    assert "Speedup: time of compiled over the variant" in alone
    assert "original" not in "\n".join(terminal.short(run(OVER), 100))
    assert reproduce.command(OVER, ENVIRONMENT).endswith(f"--variants {BOTH} --baseline compiled")


def run_of(record: ComparisonRecord, found: Run) -> Run:
    return replace(found, comparisons=(record,))


def test_a_baseline_against_itself_is_called_by_its_name() -> None:
    record = composed(A_A, 1.2, baseline="compiled")
    assert ways.called(record) == "compiled again"
    assert str(why(record, ENVIRONMENT)).startswith("compiled differs from itself")
    assert "`--processes 5`: compiled differs from itself in 1 case" in advice.of(run(record))


def test_freezing_inside_compiled_code_is_explained_and_nothing_else_is() -> None:
    assert [ways.freezes(record) for record in (FROZEN, OVER, COMPILED, SLOWER)] == [
        *(True, True, False, False)
    ]
    assert briefly.forms(OVER)[0] == "62 of 62 computed in vain"
    assert briefly.forms(SLOWER)[0] == "prepared in 38 s, never paid off"
    assert briefly.forms(AGREEING)[0] == "gradients: 62 → 62"
    assert why(SLOWER, ENVIRONMENT) == (
        "loses: why was not looked into; of 62 parameter gradients the original computes 62 and"
        " compiled 62"
    )
    assert why(COMPILED, ENVIRONMENT) is None
    dissected = replace(COMPILED, anatomy=ANATOMY)
    assert explain(dissected, ENVIRONMENT) is None
    assert shares.of(dissected) is None
    said = explained.report([run(dissected)])
    assert f"{BOTH}: faster, and why was not looked into: 1.750" in said
    assert "not dissected" not in said


def test_what_to_do_is_the_fastest_at_each_level_and_its_lines(found: Run) -> None:
    said = advice.of(found)
    assert said.startswith("Put the attack into `with semi_backward(model):`: 1.280 ")
    assert f"`{BOTH}` makes it 1.750 (1.732 to 1.768) times as fast, with the same" in said
    assert (
        "`bf16+channels-last` makes it 2.400 (2.376 to 2.424) times as fast, with outputs that"
        in said
    )
    assert f"over `compiled`, frozen parameters (`{BOTH}`) make it 1.630 " in said
    assert "leave out `compiled`: 0.670 " in said
    assert "`channels-last` makes" not in said, "what is the same bit for bit is faster"
    assert "`graphed` came to no speedup (unsupported)" in said
    lines = dict(advice.code(found))
    assert lines[BOTH] == [
        *("model.requires_grad_(False)", "model.forward = torch.compile(model.forward)")
    ]
    assert f"{BOTH}, once the model is built:\n    model.requires_grad_(False)\n" in "\n".join(
        terminal.short(found, 80)
    )


def test_what_gains_nothing_alone_is_not_said_to_where_another_variant_gains() -> None:
    nothing = composed(
        "semi-backward",
        1.0,
        gradients={"call": "autograd.grad", "parameters": 62, "original": 0, "semi-backward": 0},
    )
    assert advice.of(run(nothing)).startswith("Leave the code as it is")
    said = advice.of(run(nothing, COMPILED))
    assert said.startswith(f"`{BOTH}` makes it 1.750")
    assert "leave" not in said.lower()


def test_variants_that_gain_nothing_are_to_be_left_out() -> None:
    same, wide = composed("bf16", 1.0), composed("tf32", 1.01, verdict="inconclusive")
    assert advice.of(run(SLOWER, same, wide)) == (
        "Leave out `compiled`: 0.670 (0.663 to 0.677) times as fast; leave out `bf16`: no gain"
        " shows; measure `tf32` longer (`--max-seconds`), or on a quieter machine: no verdict yet."
    )
    assert advice.code(run(SLOWER, same, wide)) == []


def test_the_summary_tells_each_way_at_its_level(found: Run) -> None:
    gains, _, others, trust = summary.of([found])
    assert gains.startswith("Frozen parameters made 1 of 1 case faster, 1.280 ")
    assert f"{BOTH} over compiled was 1.630 (1.613 to 1.647) times as fast in 1 case" in others
    assert (
        "4.200 (4.158 to 4.242) times as fast in 1 case, with outputs that differ by more" in others
    )
    assert trust.startswith(
        "The outputs were bit for bit the same in 4 of 7 comparisons, differed by no more than"
        " rounding in 1, agreed in 1, differed by more in 1 (1 unsupported"
    )
    assert summary.of([run(COMPILED)])[0].startswith("Compiled+semi-backward was 1.750")


def test_preparation_is_told_where_there_was_some(found: Run, html: str) -> None:
    tables = named(found)
    assert tables[f"{BOTH} against original"]["prepared"] == ("41 s, paid off after 120 runs",)
    assert tables[f"{BOTH} against compiled"]["prepared"] == ("41 s, paid off at once",)
    assert tables["compiled against original"]["prepared"] == ("38 s, never paid off",)
    assert "prepared" not in tables["semi-backward against original"]
    assert list(preparation.sentences(SLOWER)) == [
        "compiled was prepared in 38 s (4 graphs in 2 runs), which never paid off",
        "compiled is compiled in several pieces, 4 graphs in all: a call of print; data-dependent"
        " <b>branch</b>",
    ]
    assert "2 graphs were compiled while it was timed" in html
    assert "TORCH_LOGS=recompiles" in html
    rows = {
        (row["variant"], row["baseline"]): row
        for row in csv.DictReader(io.StringIO(tabular.csv([found])))
    }
    both = rows[BOTH, "original"]
    assert (both["prepared_variant"], both["pays_off_after"]) == ("41.3", "120")
    assert float(rows[BOTH, "compiled"]["prepared_original"]) == 38
    assert rows["compiled", "original"]["graph_breaks"].startswith("a call of print; ")
    assert rows["bf16+compiled+semi-backward", "original"]["recompilations"] == "2"
    assert "prepared_variant" not in tabular.csv([run(FROZEN)])
    assert ">prepared<" not in page.render([run_of(FROZEN, found)])


def test_preparation_that_was_never_timed_is_not_said_to_be_lost() -> None:
    ended = replace(UNSUPPORTED, preparation={"graphed": replace(TOOK, pays_off=None)})
    assert preparation.cell(ended) == "41 s"
    assert "paid" not in "".join(preparation.sentences(ended))


def test_what_is_unsupported_is_one_row_with_its_reason(found: Run) -> None:
    drawn = "\n".join(terminal.short(found, 120)).split("\n")
    rows = [line for line in drawn if line.startswith("graphed")]
    assert [row.split(maxsplit=1)[1] for row in rows] == [
        "unsupported: graphed: it is for cuda, and this is cpu"
    ]
    assert "prepared" not in named(found)["graphed against original"]


def test_files_side_by_side_hold_like_against_like() -> None:
    base = run(COMPILED, OVER)
    other = replace(base, environment=replace(ENVIRONMENT, processor="another"))
    assert [table.title.rpartition(" on ")[0] for table in side_by_side.of([base, other])] == [
        f"side by side: {BOTH} against original",
        f"side by side: {BOTH} against compiled",
    ]


def test_counts_of_two_baselines_are_two_tables() -> None:
    record = counted()
    same = record.counts["original"]
    made = {"compiled": same, "semi-backward": same}
    of_compiled = replace(record, baseline="compiled", counts=made)
    titles = [t.title for t in counts.of(replace(run(), counts=(record, of_compiled)))]
    assert [title.rpartition(": ")[2] for title in titles] == [
        *("original → semi-backward", "compiled → semi-backward")
    ]


def test_a_plot_calls_variants_by_all_their_parts() -> None:
    names = points.names(points.collect([run(FROZEN, COMPILED, OVER, FASTEST)]))
    assert names == [
        "semi-backward",
        BOTH,
        f"{BOTH} over compiled",
        "other outputs, bf16+compiled+semi-backward",
    ]


def test_whatever_a_compiler_says_is_shown_and_does_nothing(tmp_path: Path) -> None:
    record = replace(
        SLOWER, preparation={"compiled": replace(TOOK, breaks=[HOSTILE])}, warnings=[HOSTILE]
    )
    measured = reading.read(write(tmp_path / "x.jsonl", [record]))
    assert "<script>alert" not in re.sub(r"<script>\s*\(", "", page.render([measured]))
    assert "<script>" not in markdown.report([measured])
    assert r"\input{y}" not in latex.report([measured])
    assert "alert(1)" in page.render([measured])


def test_a_variant_that_nobody_knows_is_told_without_lines() -> None:
    strange = composed("someone's+semi-backward", 1.5)
    assert ways.lines(strange.variant, "cpu") == []
    assert "`someone's+semi-backward` makes it 1.500" in advice.of(run(strange))
    assert CHANNELS.variant not in advice.of(run(strange))


def test_another_baseline_has_tables_of_its_own_whatever_the_kind() -> None:
    case = text_case()
    forward = composed("forward-only", 1.2, baseline="semi-backward", verdict="same")
    record = replace(forward, case=case, case_id=case.id)
    (table,) = contents.of_run(run(record), {})
    assert table.title.endswith(": forward-only against semi-backward")
    assert rows_of(table)["speedup"] == ("1.200",)
