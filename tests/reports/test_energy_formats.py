"""Energy attacks in every format of a report, and what no file can say of them."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench import cli, layout
from bench.kinds.energy.findings import EnergyRecord
from bench.records import reading
from bench.records.reading import RecordError
from bench.records.types import ComparisonRecord
from reports.formats import latex, markdown, terminal
from tests.records import write
from tests.reports import energy_attacks as made
from tests.reports.drawn import ANATOMY
from tests.reports.energy_attacks import attacked, case, failed, reached, timed
from tests.reports.pages import HOSTILE


def everything() -> list[ComparisonRecord | EnergyRecord]:
    hostile = case(model=f"x.py:{HOSTILE}")
    broken = timed(case(model="avit"), status="failed", reason=HOSTILE, speedup=None, verdict=None)
    return [
        *made.against_ilfo(2),
        attacked(hostile, elsewhere={HOSTILE: reached()}, left_out={HOSTILE: HOSTILE}),
        failed(case("joint"), reason=HOSTILE),
        broken,
    ]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "energy.jsonl", everything())


def test_records_are_read_as_they_were_written(file: Path) -> None:
    run = reading.read(file)
    assert [record.key for record in run.own["energy attack"]] == [
        record.key for record in everything() if isinstance(record, EnergyRecord)
    ]
    assert run.comparisons[0].findings == timed(case("ilfo")).findings


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"mse": [0.1]}, "reached.mse: 1 for 2 images"),
        ({"mse": [-0.1, 0.1]}, "reached.mse: -0.1 is no mean of squares"),
        ({"static_flops": 0.0}, "reached.static_flops: 0.0 is no number of operations"),
    ],
)
def test_what_does_not_fit_together_is_no_record(
    tmp_path: Path, wrong: dict[str, object], said: str
) -> None:
    spoilt = replace(reached(), **wrong)  # type: ignore[arg-type]
    file = write(tmp_path / "x.jsonl", [attacked(reached=spoilt)])
    with pytest.raises(RecordError, match=said):
        reading.read(file)


@pytest.mark.parametrize("form", ["md", "latex", "html", "csv", "json"])
def test_every_format_tells_of_them(
    file: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report", str(file), "--format", form]) == 0
    told = capsys.readouterr().out
    assert "gradmdm" in told
    assert not re.search(r"(?<!\\)<img src=x", told) or form in ("csv", "json")


def test_attacks_to_their_end_are_rows_of_csv(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report", str(file), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    lines = [row for row in rows if row["kind"] == "energy attack"]
    first = lines[0]
    told = (first["attack"], float(first["arp"]), float(first["mse"]), first["undefined"])
    assert told == ("ilfo", 50.0, 0.25, "0")
    assert "Reached(" not in json.dumps(rows)
    assert lines[-1]["status"] == "failed"


def test_what_a_timed_batch_recovers_is_in_csv_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "x.jsonl", [timed()])
    assert cli.main(["report", str(file), "--format", "csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (float(row["arp"]), float(row["mse"]), row["undefined"]) == (70.0, 0.1, "0")


def test_an_explanation_tells_how_many_passes_a_step_makes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "x.jsonl", [timed(anatomy=ANATOMY)])
    assert cli.main(["report", str(file), "--format", "explained"]) == 0
    assert "each of its steps makes 2 backward passes through the network" in (
        " ".join(capsys.readouterr().out.split())
    )


def test_tables_fit_a_terminal() -> None:
    run = made.run(*everything())
    for part in (*terminal.short(run, 80), *terminal.everything(run, 80, {})):
        assert max(map(layout.width, part.splitlines()), default=0) <= 80


def test_reports_without_attacks_to_the_end_are_whole() -> None:
    run = made.run(timed())
    for told in (markdown.report([run]), latex.report([run])):
        assert "What energy attacks recover" in told
