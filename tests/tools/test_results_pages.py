"""What README and docs show of the committed records: current to the letter, none by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.records.reading import RecordError, Run
from bench.records.types import ComparisonRecord
from bench.variants import naming
from tests.places import ROOT
from tools.results import blocks, documents, evidence, front, page, records, sample
from tools.results.blocks import BlockError

RUNS = records.measured()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WHOLE = ("results.md",)
"""Pages that a program writes from their first line to their last."""
README_WORDS = 900


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_what_is_shown_is_what_the_records_say_to_the_letter() -> None:
    made = documents.everything()
    stale = [
        name(path)
        for path, text in made.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "these are not what the records make; run: make results"
    assert documents.left_over(made) == []
    beside = {name(path) for path in made if path.name == sample.EXPLAINED}
    assert beside
    places = [records.RESULTS / folder for folder in records.OF_TOOLS]
    tools = {path for place in places for path in place.rglob("*.md")}
    assert {name(path) for path in tools | set(records.RESULTS.glob("*.md"))} == evidence.pages()
    assert set(made) >= {documents.README, documents.RESULTS_PAGE, sample.FOLDER / sample.PAGE}


NUMBER = r"\d+(?:\.\d+)?(?: ?%| ?×)?"
TO = r"(?:to|and|\N{EN DASH})"
INTERVALS = re.compile(
    rf"{NUMBER} \((?:between )?{NUMBER} {TO} {NUMBER}[^)]*\)"  # 1.48 (1.42 to 1.55), 12 (11 to 13)
    rf"|\d+\.\d\d+(?: ?%)? {TO} \d+\.\d+"  # 1.42 to 1.55, and not torch 2.4 to 2.7
    rf"|\d+\.\d(?: ?%)? {TO} \d+\.\d(?: ?[%×]| times)"  # 1.4 to 1.6 times
    r"|\d(?: ?%)? ?± ?\d"
)
VERSIONS = re.compile(rf"\b(?:torch|Python) [\d.]+ {TO} [\d.]+")


@pytest.mark.parametrize("path", [path for path in PAGES if path.name not in WHOLE], ids=name)
def test_no_measured_number_is_pasted_by_hand(path: Path) -> None:
    by_hand = " ".join(blocks.outside(path.read_text(encoding="utf-8"), name(path)).split())
    assert INTERVALS.findall(VERSIONS.sub("", by_hand)) == []


@pytest.mark.parametrize(
    "pasted",
    [
        "1.48 (1.42 to 1.55)",
        "1.5 (1.3 to 1.7)",
        "1.42 to 1.55",
        "between 0.991 and 1.026",
        "2.5 to 3.2×",
        "1.5 ± 0.1",
        "12 % (11 % to 13 %)",
    ],
)
def test_such_a_number_would_be_found(pasted: str) -> None:
    assert INTERVALS.search(f"It is {pasted} times as fast.")


def test_the_front_page_fits_on_one_screen() -> None:
    text = documents.README.read_text(encoding="utf-8")
    assert len(text.split()) <= README_WORDS
    order = [
        "Bench measures",
        "<picture>",
        "make bench",
        "make test",
        "pip install",
        "from semibackward import semi_backward",
        "| library",
        "On torch",
        "What to read next",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_every_file_of_records_is_on_the_page() -> None:
    text = documents.RESULTS_PAGE.read_text(encoding="utf-8")
    for run in RUNS:
        path = records.shown(run.path)
        assert path in text or f"{Path(path).parent}/*.jsonl" in text


def test_every_table_tells_its_command_its_date_its_machine_and_how_equal_outputs_were() -> None:
    text = documents.RESULTS_PAGE.read_text(encoding="utf-8").partition("\n## How good")[0]
    sections = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert len(sections) >= 10
    for section in sections:
        assert re.search(r"^`.*python -m bench .*`$", section, re.MULTILINE)
        assert re.search(r"torch \S+, Python \S+, .* cores, .*; 20\d\d-\d\d-\d\dT", section)
        assert "Level of equality, of" in section
        assert "`python -m bench report results/" in section


def twice_as_fast(record: ComparisonRecord) -> ComparisonRecord:
    found = record.speedup
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    faster = replace(found, estimate=7.77, low=7.7, high=7.9)
    return replace(record, speedup=faster, verdict="faster")


def with_a_new_record() -> list[Run]:
    """The committed runs and one more of the same machine, a day later."""
    now, _ = records.front(RUNS)
    later = replace(now.environment, created="2099-01-01T00:00:00+00:00")
    comparisons = tuple(map(twice_as_fast, now.run.comparisons))
    return [*RUNS, replace(now.run, environment=later, comparisons=comparisons)]


def test_a_new_record_changes_all_places_at_once() -> None:
    runs = with_a_new_record()
    made = front.makers(runs)
    assert "7.77" in made["table"]()
    assert "6 of 6 libraries 7.77 times as fast" in made["truth"]()
    text = page.text(runs)
    assert "2099-01-01" in text
    assert text.count("7.77") >= 6
    assert sample.chosen(runs)["libraries"][0].environment.created.startswith("2099")
    assert any(run.environment.created.startswith("2099") for run in sample.of_page(runs))


def test_a_gpu_goes_before_a_cpu_and_a_newer_torch_before_an_older() -> None:
    now, before = records.front(RUNS)
    assert before is not None
    assert before.torch < now.torch
    gpu = replace(
        before.run, environment=replace(before.environment, device="cuda", created="2001-01-01")
    )
    found = records.headlines([*RUNS, gpu])
    assert found[0].run is gpu
    older = records.front([*RUNS, gpu])[1]
    assert older is None or older.torch < now.torch


def test_where_nothing_gains_the_front_page_says_so() -> None:
    now, before = records.front(RUNS)
    none = [replace(r, verdict="same") for r in now.records]
    alone = replace(now, records=tuple(none))
    told = front.truth(RUNS, alone, None)
    assert "makes no library's attack measurably faster" in told
    assert "foolbox comes to 1.48 (1.42 to 1.55)" in told
    assert before is not None
    assert "No library goes without a gain." in front.truth(RUNS, before, None)


def test_what_holds_with_conditions_alone_has_them_beside_it() -> None:
    now, _ = records.front(RUNS)
    assert "(in" not in front.truth(RUNS, now, None).partition(" torchattacks ")[0]
    found = [alone(rounding(record)) for record in now.records]
    told = front.truth(RUNS, replace(now, records=tuple(found)), None)
    assert "(in 5 with outputs that differ by rounding; in 5 in this process only)" in told


def rounding(record: ComparisonRecord) -> ComparisonRecord:
    assert record.equality is not None
    return replace(
        record, equality=replace(record.equality, bitwise=False, equal=False, level="rounding")
    )


def alone(record: ComparisonRecord) -> ComparisonRecord:
    """As a single process has it, whose interval leaves little beyond the band."""
    assert record.speedup is not None
    narrow = replace(record.speedup, estimate=1.03, low=1.025, high=1.035, processes=1)
    return replace(record, speedup=narrow)


def test_a_gpu_that_measured_one_library_counts_as_measured() -> None:
    (first,) = [run for run in RUNS if run.path.name == "by-steps.jsonl"]
    gpu = replace(first, environment=replace(first.environment, device="cuda:0"))
    now, before = records.front(RUNS)
    assert "on a GPU yet" in front.truth(RUNS, now, before)
    assert "on a GPU yet" not in front.truth([*RUNS, gpu], now, before)


def test_without_a_comparison_of_libraries_there_is_no_front_page() -> None:
    with pytest.raises(RecordError, match="3 libraries or more"):
        records.front([])


def test_on_a_cpu_freezing_left_every_committed_output_the_same_bit_for_bit() -> None:
    """As docs/gpu.md and docs/using.md say."""
    found = [
        record.equality.level
        for run in RUNS
        for record in run.comparisons
        if record.equality is not None and run.environment.device == "cpu"
        if naming.promises(record.variant) and naming.promises(record.baseline)
    ]
    assert len(found) > 300
    assert set(found) == {"identical"}


def test_blocks_are_filled_and_the_rest_stays() -> None:
    text = "a\n<!-- results: x -->\nold\n<!-- end of results -->\nb <!-- results: y --> c\n"
    filled = blocks.fill(text, {"x": lambda: "new\nlines\n"}, "page")
    assert filled == text.replace("old", "new\nlines")
    assert blocks.fill(filled, {"x": lambda: "new\nlines"}, "page") == filled
    assert "new" not in blocks.outside(filled, "page")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!-- results: x -->\n", "'x' has no end"),
        ("<!-- results: x -->\n<!-- results: x -->\n<!-- end of results -->", "'x' has no end"),
        ("<!-- end of results -->\n", "ends that has not begun"),
        ("<!-- results: q -->\n<!-- end of results -->", "no block is called 'q'; there are x"),
    ],
)
def test_a_page_whose_blocks_are_broken_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(BlockError, match=f"page: .*{said}"):
        blocks.fill(text, {"x": lambda: ""}, "page")
