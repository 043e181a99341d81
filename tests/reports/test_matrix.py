"""A matrix of cells as reports tell it: shares, what changes, why squares are empty."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.records.matrix import CellRecord
from bench.records.types import CountsRecord
from reports.formats import latex, markdown, page, tabular, terminal
from reports.reading import changes, joined, matrix, naming
from reports.reading.matrix import Matrix, State
from reports.tables import matrix as tables
from tests.records import write
from tests.reports.cells import SOME, cell, line, of, ratio


def made(*cells: CellRecord) -> Matrix:
    found = matrix.of(cells)
    assert found is not None
    return found


def said(*cells: CellRecord) -> list[str]:
    return changes.sentences(made(*cells))


def grid(found: Matrix, mode: str = "eager") -> dict[str, list[str]]:
    """What stands in the squares of one mode, by row."""
    return {
        row.label: [found.text(row.counted.get(torch)) for torch in found.torches]
        for row in found.of_mode(mode)
    }


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (State(132, 3, 44), "all"),
        (State(0, 3, 44), "none"),
        (State(0, 0, 44), "asks none"),
        (State(44, 3, 44), "0.33"),
        (State(1, 1, 152), "0.0066"),
        (State(9999, 1, 10000), "0.9999"),
        (State(264, 3, 44), "2"),
    ],
)
def test_a_square_says_its_share_and_all_only_of_all(state: State, text: str) -> None:
    assert state.text == text


def test_no_cell_makes_no_matrix() -> None:
    assert matrix.of([]) is None
    assert tables.of(of()) == []


def test_rows_are_in_the_order_of_versions_and_so_are_columns() -> None:
    found = made(
        *line((1, 1, 1, 1), library="foolbox==3.10.0"),
        *line((0, 0, 0, 0)),
        *line((1, 1, 1, 1), library="foolbox==3.9.0"),
    )
    assert found.torches == ("1.12.1", "1.13.1", "2.0.1", "2.10.0")
    assert list(grid(found)) == [
        "foolbox 3.9.0 pgd",
        "foolbox 3.10.0 pgd",
        "torchattacks 3.5.1 pgd",
    ]


def test_a_version_that_is_none_comes_last() -> None:
    assert made(cell("nightly"), cell("2.0.1"), cell("1.12.1")).torches[-1] == "nightly"


def test_a_library_that_was_asked_for_without_a_version_tells_which_was_there() -> None:
    there = [
        replace(cell(torch, library="foolbox"), installed={"foolbox": version})
        for torch, version in (("1.13.1", "3.3.4"), ("2.0.1", "3.3.4"))
    ]
    assert list(grid(made(*there))) == ["foolbox 3.3.4 pgd"]
    other = replace(cell("2.10.0", library="foolbox"), installed={"foolbox": "3.3.3"})
    assert list(grid(made(*there, other))) == ["foolbox 3.3.3 or 3.3.4 pgd"]


def test_a_version_that_was_asked_for_in_two_ways_is_two_rows() -> None:
    bare = replace(cell(library="torchattacks"), installed={"torchattacks": "3.5.1"})
    assert list(grid(made(cell(), bare))) == [
        "torchattacks 3.5.1 pgd",
        "torchattacks 3.5.1 pgd, asked for as torchattacks",
    ]


def test_compiled_code_is_a_mode_of_its_own_whichever_part_compiles() -> None:
    inductor = cell(compiled=True)
    assert isinstance(inductor.answer, CountsRecord)
    counts = inductor.answer.counts.values()
    captured = ("aot-eager", "aot-eager+semi-backward")
    answer = replace(
        inductor.answer,
        baseline=captured[0],
        variant=captured[1],
        counts=dict(zip(captured, counts, strict=True)),
    )
    found = made(cell(), replace(inductor, torch="2.10.0", answer=answer))
    assert found.modes == ["eager", "compiled"]
    assert grid(found, "compiled") == {"torchattacks 3.5.1 pgd": ["", "all"]}
    both = made(inductor, replace(inductor, answer=answer))
    assert len(grid(both, "compiled")) == 2, "two ways to compile are two rows"


def test_every_cell_is_a_number_a_blank_or_a_letter_with_its_reason() -> None:
    found = made(*SOME)
    assert grid(found)["foolbox 3.3.4 pgd"] == ["", "-c", "all*", "-a"]
    assert grid(found, "compiled")["torchattacks 3.5.1 pgd"] == ["-b", "-b", "all", "all"]
    told = list(tables.reasons(found))
    assert told == [
        "-a: failed: it fell <over> (2 cells, torch 2.10.0)",
        "-b: unsupported: this torch has no torch.compile; it came with 2.0"
        " (4 cells, torch 1.12.1 and 1.13.1)",
        "-c: timeout: it took more than 60 s (1 cell, torch 1.13.1)",
        "*: unequal: the outputs differ by 0.1 (1 cell, torch 2.0.1)",
    ]
    numberless = [c for c in SOME if c.answer.kind == "counts" and matrix.state(c) is None]
    told_of = {id(c) for one in found.reasons for c in one.cells}
    assert {id(c) for c in numberless} <= told_of


def test_a_reason_of_one_torch_alone_names_it() -> None:
    (one,) = made(*line((None, 1, 1, 1))).reasons
    assert one.text == "torch 1.12.1 has no torch.compile; it came with 2.0"


def test_what_torch_could_not_be_asked_is_no_zero() -> None:
    blind = cell()
    assert isinstance(blind.answer, CountsRecord)
    before = replace(blind.answer.counts["original"], calls=None, parameter_gradients=None)
    answer = replace(blind.answer, counts={**blind.answer.counts, "original": before})
    found = made(replace(blind, answer=answer))
    assert grid(found) == {"torchattacks 3.5.1 pgd": ["-a"]}
    assert found.reasons[0].status == "not counted"


def test_of_two_answers_the_one_that_is_ok_stands() -> None:
    failed = cell(share=None, status="failed", reason="x")
    assert grid(made(cell(share=0.5), failed)) == {"torchattacks 3.5.1 pgd": ["0.5"]}
    assert grid(made(failed, cell(share=0.5))) == {"torchattacks 3.5.1 pgd": ["0.5"]}


def test_since_names_the_first_version_at_which_a_row_changes() -> None:
    assert said(*line((1, 0, 0, 0), calls=3))[0] == (
        "torchattacks 3.5.1 pgd, eager: since torch 1.13.1 no parameter gradient is computed"
        " (torch 1.12.1: all 62 at each of 3 calls)."
    )
    assert said(*line((0, 0, 1 / 62, 1), calls=1))[0] == (
        "torchattacks 3.5.1 pgd, eager: since torch 2.0.1, 1 of 62 parameter gradients is computed"
        " (torch 1.12.1 to 1.13.1: none); since torch 2.10.0 all 62 parameter gradients are"
        " computed at its only call."
    )


def test_a_change_beside_versions_that_failed_is_told_as_between() -> None:
    assert said(*line((1, None, 0, 0)))[0] == (
        "torchattacks 3.5.1 pgd, eager: since a torch between 1.12.1 and 2.0.1 (1.13.1 could not be"
        " counted) no parameter gradient is computed (torch 1.12.1: all 62 at each of 5 calls)."
    )


def test_a_row_that_never_changes_says_with_which_torches() -> None:
    assert said(*line((1, 1, 1, 1)))[0] == (
        "torchattacks 3.5.1 pgd, eager: all 62 parameter gradients are computed at each of 5 calls"
        " with every torch from 1.12.1 to 2.10.0."
    )
    assert "with every torch that could be counted, from 1.12.1" in said(*line((1, None, 1, 1)))[0]
    assert "with every torch from 2.0.1 to 2.10.0" in said(*line((None, None, 1, 1)))[0]
    assert "with torch 2.10.0, the only one counted" in said(*line((None, None, None, 1)))[0]
    assert said(*line((0, 0, 0, 0), calls=0))[0].startswith(
        "torchattacks 3.5.1 pgd, eager: no gradient is asked for with every torch"
    )


def test_a_row_that_was_never_counted_points_to_its_reasons() -> None:
    assert said(*line((None, None, None, None))) == [
        "torchattacks 3.5.1 pgd, eager: counted with no torch; see -a."
    ]


def test_of_many_rows_it_is_told_how_many_compute_what() -> None:
    rows = [one for n in range(5) for one in line((1, 0, 0, 0.5), attack=f"a{n}")]
    asks = line((0, 0, 0, 0), attack="square", calls=0)
    told = changes.told(made(*rows, *asks))
    assert told[0] == (
        "Eager: of 6 cells with torch 1.12.1, 5 compute every parameter gradient, 1 asks for no"
        " gradient; of 6 cells with torch 2.10.0, 5 compute some, 1 asks for no gradient."
    )
    assert told[1:] == changes.sentences(made(*rows, *asks))
    few = made(*line((1, 0, 0, 0)))
    assert changes.told(few) == changes.sentences(few)


def test_rows_that_say_the_same_share_a_sentence() -> None:
    versions = ("3.3.0", "3.4.0", "3.5.1")
    rows = [
        one
        for version in versions
        for attack in ("pgd", "cw")
        for one in line((1, 0, 0, 0), library=f"torchattacks=={version}", attack=attack)
    ]
    first, *others = said(*rows, *line((1, 0, 0, 0), library="foolbox==3.3.4", calls=9))
    assert first.startswith("torchattacks 3.3.0 to 3.5.1 pgd and cw; foolbox 3.3.4 pgd, eager:")
    assert first.endswith("(torch 1.12.1: all 62 at each call for gradients).")
    assert others == ["Frozen, no parameter gradient is left in any of 28 cells."]


def test_versions_with_another_between_them_are_no_span() -> None:
    every = ["1", "2", "3", "4"]
    assert changes.spanned(["1", "2", "3"], every) == "1 to 3"
    assert changes.spanned(["1", "2", "4"], every) == "1, 2 and 4"
    assert changes.spanned(["2", "3"], every) == "2 and 3"
    assert changes.spanned(["2"], every) == "2"


def test_what_a_new_version_of_a_library_changes() -> None:
    old, new = (f"torchattacks=={version}" for version in ("3.4.0", "3.5.1"))
    told = said(*line((1, 1, 1, 1), library=old), *line((1, 0, 0, 0), library=new))
    assert (
        "torchattacks pgd, eager: since torchattacks 3.5.1 no parameter gradient is computed with"
        " torch 1.13.1 to 2.10.0 (3.4.0: all 62 at each of 5 calls)."
    ) in told
    failed = [replace(c, library="torchattacks==3.4.1") for c in line((None,) * 4)]
    told = said(*line((1,) * 4, library=old), *failed, *line((0,) * 4, library=new))
    assert any(
        "since a version of torchattacks between 3.4.0 and 3.5.1 (3.4.1 could not be counted)"
        in text
        for text in told
    )


def test_what_freezing_leaves_is_told() -> None:
    told = said(*line((1, 1, 1, 1)), *line((1, 1, 1, 1), attack="cw", frozen=62))
    assert told[-2:] == [
        "torchattacks 3.5.1 cw, eager: frozen, 62 of 310 parameter gradients are left with torch"
        " 1.12.1 to 2.10.0.",
        "In all others of 8 cells no parameter gradient is left.",
    ]


def test_ratios_stand_in_a_table_of_their_own() -> None:
    *_, times = tables.of(of(*SOME))
    assert times.title.startswith("Time of the original over that of semi-backward on resnet18")
    assert times.rows == (("torchattacks 3.5.1 pgd", "faster 1.50 (1.48 to 1.52)", "-a"),)
    assert any("inside one environment" in note for note in times.notes)
    alone = tables.of(of(ratio("2.0.1", 1.5)))
    assert [table.header for table in alone] == [("library, attack", "2.0.1")]


def test_compiled_is_explained_where_it_stands() -> None:
    assert not any("AOTAutograd" in note for table in tables.of(of(cell())) for note in table.notes)
    *_, last = tables.of(of(cell(), cell(compiled=True)))
    assert sum("AOTAutograd" in note for note in last.notes) == 1


def test_a_terminal_has_one_row_and_one_column_for_what_says_the_same() -> None:
    rows = [
        one
        for version in ("3.3.0", "3.4.0", "3.5.1")
        for one in line((1, 0, 0, 0), library=f"torchattacks=={version}")
    ]
    (table,) = tables.of(of(*rows), brief=True)
    assert table.header == ("library, attack", "1.12.1", "1.13.1 to 2.10.0")
    assert table.rows == (("torchattacks 3.3.0 to 3.5.1 pgd", "all", "none"),)
    (whole,) = tables.of(of(*rows))
    assert len(whole.rows) == 3
    assert len(whole.header) == 5
    drawn = "\n\n".join(terminal.tables(of(*SOME), 80))
    assert max(map(len, drawn.split("\n"))) <= 80
    assert "since torch 1.13.1" in drawn.replace("\n  ", " ")


def test_markdown_and_latex_have_every_row() -> None:
    for text in (markdown.report([of(*SOME)]), latex.report([of(*SOME)])):
        for told in ("3.10.0 pgd", "reference square", "asks none", "has no torch"):
            assert told in text
    assert r"all\*" in markdown.report([of(*SOME)])


def test_a_table_that_is_longer_than_a_page_of_paper_is_several() -> None:
    count = latex.ROWS + 2
    text = latex.report([of(*(cell(attack=f"attack{n}") for n in range(count)))])
    assert text.count(r"\begin{table}") == 2
    assert f"(rows {latex.ROWS + 1} to {count} of {count})" in text
    assert all(f"attack{n}" in text for n in range(count))
    assert text.count("every parameter gradient") == 1


def test_csv_and_json_have_a_row_a_cell() -> None:
    rows = list(csv.DictReader(io.StringIO(tabular.csv([of(*SOME)]))))
    assert len(rows) == len(SOME)
    assert {row["kind"] for row in rows} == {"cell"}
    half = next(row for row in rows if row["attack"] == "pgd-backward")
    assert (half["torch"], half["mode"], float(half["share"])) == ("1.12.1", "eager", 0.5)
    told = json.loads(tabular.json_text([of(*SOME)]))
    assert len(told["cells"]) == len(SOME)
    assert told["summary"] == changes.told(made(*SOME))
    times = [row for row in told["cells"] if row["answer"] == "comparison"]
    assert [row["speedup"] for row in times] == [1.5, None]
    assert times[0]["verdict"] == "faster"


def test_the_page_has_sentences_plots_and_tables(tmp_path: Path) -> None:
    path = write(tmp_path / "matrix.jsonl", SOME)
    text = page.render([of(*SOME, path=str(path))])
    for told in (
        "three libraries, four versions of PyTorch",
        f"{len(SOME)} cells",
        "since torch 1.13.1 no parameter gradient",
        "matrix-",
        "asks none",
    ):
        assert told in text
    assert "No case has been measured" not in text


def test_shards_of_a_matrix_are_one_run() -> None:
    some, others = of(*SOME[:9], path="a.jsonl"), of(*SOME[6:], path="b.jsonl")
    (found,) = joined.of([some, others])
    assert [c.key for c in found.cells] == [c.key for c in SOME]
    assert found.own == {}


def test_two_models_are_told_apart() -> None:
    cells = [*line((1, 1, 1, 1)), *line((0, 0, 0, 0), model="resnet50")]
    with naming.told_apart([of(*cells)]):
        assert list(grid(made(*cells))) == [
            "torchattacks 3.5.1 pgd on resnet18",
            "torchattacks 3.5.1 pgd on resnet50",
        ]
