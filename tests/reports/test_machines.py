"""Where each case was measured, and beside whom: in tables, notes, means, CSV, JSON, the page."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bench import cli
from bench.records import reading
from bench.records.reading import Run
from bench.records.slot import Slot, SlotFacts
from bench.statistics.estimate import Speedup
from reports.formats import explained, latex, markdown, tabular, terminal
from reports.reading import averages, joined, places, summary
from reports.reading.machines import Machines
from reports.tables import contents, side_by_side
from tests.records import GAIN, run
from tests.reports.shards import A100, H200, case, facts, shard, slot

FIRST, SECOND = slot("node1", 0, others=3), slot("node2", 1)


def two_machines(gpu: str = H200, **changes: Any) -> Run:
    """Six cases, every second of which was measured on another machine."""
    there = (facts(FIRST), facts(SECOND, gpu, **changes))
    parts = [
        shard(number, 2, [case(n, at) for n in range(number, 6, 2)], *there)
        for number, at in enumerate((FIRST, SECOND))
    ]
    (found,) = joined.of(parts)
    return found


def rows(found: Run) -> dict[str, tuple[str, ...]]:
    (table,) = contents.of_run(found, {})
    return {row[0]: row[1:] for row in table.rows}


def notes(found: Run) -> str:
    return "\n".join(note for table in contents.of_run(found, {}) for note in table.notes)


def test_machine_and_gpu_are_told_where_there_are_several() -> None:
    found = rows(two_machines())
    assert found["machine"][:6] == ("node1",) * 3 + ("node2",) * 3
    assert found["GPU"][:6] == (A100,) * 3 + (H200,) * 3


def test_slots_of_one_machine_tell_their_gpu_and_no_machine() -> None:
    found = rows(shard(1, 2, [case(0, FIRST), case(1, FIRST)], facts(FIRST)))
    assert "machine" not in found
    assert found["GPU"][:2] == (A100, A100)


def test_records_without_slots_tell_what_they_told() -> None:
    found = run(*(case(number) for number in range(3)), accelerator={"name": A100})
    assert not {"machine", "GPU", "processor"} & rows(found).keys()
    assert "slot" not in notes(found)


def test_processors_are_told_apart_where_they_differ() -> None:
    first, second = Slot("a"), Slot("b")
    there = [
        SlotFacts(first, "local", "a processor"),
        SlotFacts(second, "command", "another processor"),
    ]
    found = rows(shard(1, 1, [case(0, first), case(1, second)], *there))
    assert found["processor"] == ("a processor", "another processor")


def test_a_slot_that_no_environment_tells_of_has_its_machine_at_least() -> None:
    """As a run that is gone on with elsewhere leaves them."""
    found = shard(1, 1, [case(0, FIRST), case(1, SECOND)], facts(FIRST))
    assert rows(found)["machine"][:2] == ("node1", "node2")


def test_no_mean_mixes_models_of_gpus() -> None:
    slower = Speedup(1.2, 1.2, 1.2, 0.95, 5, 60, "")
    found = two_machines()
    machines = Machines(found.environment)
    records = [
        replace(r, speedup=slower) if machines.gpu(r) == H200 else r for r in found.comparisons
    ]
    assert [
        (m.ran_on, m.count, round(m.arithmetic, 3)) for m in averages.of(records, machines.model)
    ] == [
        (A100, 3, 1.5),
        (H200, 3, 1.2),
    ]
    mixed = replace(found, comparisons=tuple(records))
    (table,) = contents.of_run(mixed, {})
    heads = [head for head in table.header if "geometric mean" in head]
    assert heads == [f"geometric mean, {A100}", f"geometric mean, {H200}"]
    assert "No mean mixes models of GPUs, or of processors." in notes(mixed)
    gains, *_ = summary.of([mixed])
    assert f"3 of them on {A100} 1.500" in gains
    assert f"3 of them on {H200} 1.200" in gains
    told = json.loads(tabular.json_text([mixed]))["averages"]
    assert [(mean["ran_on"], mean["count"]) for mean in told] == [(A100, 3), (H200, 3)]


def test_a_mean_over_machines_of_one_model_says_so() -> None:
    found = two_machines(A100)
    (table,) = contents.of_run(found, {})
    assert [head for head in table.header if "geometric" in head] == ["geometric mean"]
    assert "A mean takes in cases of up to 2 machines with the same model." in notes(found)


def test_a_column_of_several_models_keeps_its_means_apart_side_by_side() -> None:
    old = replace(two_machines().environment, torch={"version": "1.12.1", "cuda": None})
    other = replace(two_machines(), path=Path("old.jsonl"), environment=old)
    other = replace(other, journals=tuple(replace(j, environment=old) for j in other.journals))  # type: ignore[call-arg,attr-defined]
    (table,) = side_by_side.of([two_machines(), other])
    means = [row for row in table.rows if row[0].startswith("geometric mean")]
    assert [row[0] for row in means] == ["geometric mean of 3"] * 2
    assert [(A100 in row[1], H200 in row[1]) for row in means] == [(True, False), (False, True)]
    assert any(A100 in note and H200 in note for note in table.notes)


def test_who_worked_beside_and_what_was_begun_again_is_told() -> None:
    found = two_machines(differs={"torch": "2.1.0, not 2.13.0"})
    again = replace(found.comparisons[0], tries=3)
    found = replace(found, comparisons=(again, *found.comparisons[1:]))
    said = notes(found)
    first = "advertorch, cleverhans, foolbox"
    assert f"{first}: measured while 3 other slots of the run worked on the same machine." in said
    assert (
        "art, deeprobust, torchattacks: measured with other versions than the run's: torch 2.1.0,"
        " not 2.13.0."
    ) in said
    assert "advertorch: begun 3 times, since its worker was killed or its slot was lost." in said


def test_what_all_cases_share_is_said_without_their_names() -> None:
    there = slot(others=1)
    found = shard(1, 1, [case(0, there), case(1, there)], facts(there))
    assert "\nMeasured while 1 other slot of the run worked on the same machine." in notes(found)


def test_the_short_table_tells_it_in_a_line() -> None:
    found = two_machines()
    again = replace(found.comparisons[0], tries=2)
    found = replace(found, comparisons=(again, *found.comparisons[1:]))
    text = " ".join("\n".join(terminal.short(found, 80)).split())
    assert (
        "measured on 2 machines (node1 and node2), beside up to 3 other slots of the run on the"
        " same machine"
    ) in text
    assert "1 case begun again: a worker was killed, or a slot was lost" in text


def test_csv_and_json_always_have_the_slot() -> None:
    found = two_machines()
    read = list(csv.DictReader(io.StringIO(tabular.csv([found]))))
    assert {
        (r["host"], r["gpu"], r["gpu_uuid"], r["slot"], r["others"], r["tries"]) for r in read
    } == {
        ("node1", A100, "GPU-node1-0", "0", "3", "1"),
        ("node2", H200, "GPU-node2-1", "1", "0", "1"),
    }
    assert {(row["machine"], row["created"]) for row in read} == {
        (A100, "2026-01-01T00:00:00+00:00"),
        (H200, "2026-01-01T00:01:00+00:00"),
    }
    (old,) = csv.DictReader(io.StringIO(tabular.csv([run(GAIN)])))
    assert [old[name] for name in ("host", "gpu", "gpu_uuid", "slot", "others")] == [""] * 5
    (row,) = json.loads(tabular.json_text([run(GAIN)]))["comparisons"]
    assert (row["host"], row["tries"]) == (None, 1)


def test_journals_of_two_models_stay_side_by_side() -> None:
    runs = [
        shard(1, 2, [case(0, FIRST)], facts(FIRST)),
        shard(2, 2, [case(0, SECOND)], facts(SECOND, H200)),
    ]
    assert joined.of(runs) == runs
    assert [place.label for place in places.of(runs)] == [A100, H200]


class Cells(HTMLParser):
    """The texts of a page, and what its scripts and handlers would be."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attributes if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def page(folder: Path, found: Run) -> Cells:
    for journal in joined.journals(found):
        lines: list[Any] = [journal.environment, *journal.comparisons]
        (folder / journal.path).write_text("".join(map(reading.to_line, lines)))
    assert cli.main(["report", str(folder), "--format", "html", "--out", str(folder)]) == 0
    parsed = Cells()
    parsed.feed((folder / "report.html").read_text())
    return parsed


def test_the_page_filters_by_machine_and_gpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = page(tmp_path, two_machines())
    for text in ("machine", "node1", "node2", "GPU", A100, H200):
        assert text in found.texts
    html = (tmp_path / "report.html").read_text()
    assert re.search(r'<select[^>]*name="machine"', html)
    assert re.search(r'<select[^>]*name="GPU"', html)
    assert "measured while 3 other slots of the run worked on the same machine" in html


HOSTILE = (
    '=cmd|"/C calc"!A1 <script>alert(1)</script> <img src=x onerror=a> | `c` *b* [a](http://e.example)'
    " \\input{/etc/passwd} $x$ % \x1b[2J\u202e\n::error::x"
)


def test_names_of_machines_are_no_instructions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = Slot(HOSTILE, 0, HOSTILE, 2)
    there = (facts(FIRST), facts(bad, HOSTILE, differs={HOSTILE: HOSTILE}, processor=HOSTILE))
    parts = [
        shard(1, 2, [case(0, FIRST), case(2, FIRST)], *there),
        shard(2, 2, [case(1, bad), case(3, bad)], *there),
    ]
    (found,) = joined.of(parts)
    shown = markdown.report([found])
    assert not re.search(r"(?<!\\)<", shown)
    assert "\x1b" not in shown
    assert "[a](http" not in shown
    assert not [line for line in shown.splitlines() if line.startswith("::")]
    tables = itertools.groupby(shown.splitlines(), key=lambda line: line.startswith("|"))
    for within, lines in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
        assert not within or len(widths) == 1, "no cell is two"
    assert "\\input" not in latex.report([found])
    for row in csv.reader(io.StringIO(tabular.csv([found]))):
        assert not any(cell.startswith(("=", "@", "\t")) or "\n" in cell for cell in row)
    assert "\x1b" not in "".join(terminal.short(found, 80))
    assert not re.search(r"(?<!\\)<", explained.report([found]))
    seen = page(tmp_path, found)
    assert seen.tags.count("script") == 1, "its own"
    assert "img" not in seen.tags
