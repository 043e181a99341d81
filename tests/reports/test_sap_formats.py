"""Attacks by Monte-Carlo gradients in every format of a report, and what no file can say."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench import cli, layout
from bench.cases import Case
from bench.records import reading
from bench.records.reading import RecordError
from reports.formats import latex, markdown, terminal
from reports.reading import kind
from tests.records import write
from tests.reports import sampled as made
from tests.reports.drawn import ANATOMY
from tests.reports.pages import HOSTILE
from tests.reports.sampled import agent, case, failed, judged, playing, robust, timed


def hostile() -> list[made.Record]:
    """Names and reasons with markup in them."""
    odd = case("sap-100-fast", model=f"x.py:{HOSTILE}", samples=10)
    broken = timed(case(model=HOSTILE), status="failed", reason=HOSTILE, speedup=None, verdict=None)
    return [
        *(timed(odd), broken, robust(odd, source=HOSTILE)),
        failed(case("rna-0.1"), reason=HOSTILE),
        agent(playing(environment=HOSTILE)),
    ]


def everything() -> list[made.Record]:
    return [
        *(timed(case(samples=samples)) for samples in (1, 10)),
        robust(case("dense")),
        *(robust(case(samples=samples)) for samples in (1, 10)),
        robust(case(attack="iterative", samples=10)),
        agent(playing("dense")),
        agent(),
        *hostile(),
    ]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "sampled.jsonl", everything())


def test_records_are_read_as_they_were_written(file: Path) -> None:
    run = reading.read(file)
    for name, line in run.own.items():
        assert list(line) == [record for record in everything() if record.kind == name]
    assert run.comparisons[0].findings == timed(case(samples=1)).findings


@pytest.mark.parametrize("form", ["md", "latex", "html", "csv", "json"])
def test_every_format_tells_of_them(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "x.jsonl", hostile() if form == "html" else everything())
    assert cli.main(["report", str(file), "--format", form]) == 0
    told = capsys.readouterr().out
    assert "sap-100" in told.casefold()
    assert not re.search(r"(?<!\\)<img src=x", told) or form in ("csv", "json")


def test_networks_and_agents_are_rows_of_csv(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report", str(file), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    of_networks = [row for row in rows if row["kind"] == "robustness"]
    first = of_networks[0]
    assert (first["defence"], float(first["accuracy_at_0"]), float(first["accuracy_at_64"])) == (
        "dense", 90.0, 20.0,
    )  # fmt: skip
    assert float(first["calibration_error_at_8"]) == pytest.approx(10.0)
    assert of_networks[-1]["status"] == "failed"
    acting = next(row for row in rows if row["kind"] == "agent")
    assert (acting["episodes"], float(acting["reward_at_1"])) == ("2", 5.0)


def test_an_explanation_tells_of_samples_and_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "x.jsonl", [timed(case(samples=100), anatomy=ANATOMY)])
    assert cli.main(["report", str(file), "--format", "explained"]) == 0
    assert "its gradient is averaged over 100 samples, 10 passes of a run" in (
        " ".join(capsys.readouterr().out.split())
    )


def test_tables_fit_a_terminal() -> None:
    run, width = made.run(*everything()), 80
    for part in (*terminal.short(run, width), *terminal.everything(run, width, {})):
        assert max(map(layout.width, part.splitlines()), default=0) <= width


def test_a_terminal_has_a_table_for_each_attack() -> None:
    told = "\n".join(terminal.short(made.run(*everything()), 80))
    assert "Accuracy (%) by λ under fgsm" in told
    assert "Accuracy (%) by λ under iterative" in told
    assert "Rewards by λ" in told


def test_what_was_judged_is_told_where_nothing_was_timed() -> None:
    (table,) = terminal.short(made.run(robust(accuracies=(90, 80))), 80)
    assert table.startswith("Accuracy (%) by λ under fgsm on resnet20")
    assert re.search(r"SAP-100, N = 1 +90 +80", table)


def test_reports_of_lines_alone_are_whole() -> None:
    for run in (made.run(robust()), made.run(agent()), made.run(timed())):
        for told in (markdown.report([run]), latex.report([run])):
            assert "SAP-100" in told


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (case(), "--defences sap-100 --samples 1 --batch 4 --input 3x32x32"),
        (case("dense", input_shape=(3, 16, 16)), "--defences dense --samples 1 --batch 4"),
        (
            case("sap-50-fast", "iterative", samples=10, strength=4.0, step=0.5, chunk=2),
            "--defences sap-50-fast --samples 10 --batch 4 --input 3x32x32 --chunk 2"
            " --strength 4 --step 0.5",
        ),
        (case(gradient="dense", data="/cifar"), "--input 3x32x32 --gradients dense"),
        (playing(samples=10), "--samples 10 --batch 4 --environments catch"),
    ],
)
def test_a_case_is_repeated_by_its_words(of: Case, words: str) -> None:
    told = kind.of(of).command(of)
    assert told is not None
    line = " ".join(map(str, told))
    assert line.startswith(f"explain --libs sap --attacks {of.attack} --models {of.model}")
    assert words in line or line.replace(" --data /cifar", "").endswith(words)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"right": 201}, "judged: 201 right of 200 images"),
        ({"strength": -1.0}, "judged: strength -1.0"),
        ({"bins": []}, None),
    ],
)
def test_what_can_not_be_is_no_record(
    tmp_path: Path, wrong: dict[str, object], said: str | None
) -> None:
    spoilt = [replace(one, **wrong) for one in judged((80,))]  # type: ignore[arg-type]
    file = write(tmp_path / "x.jsonl", [robust(judged=spoilt)])
    if said is None:
        assert reading.read(file).own
        return
    with pytest.raises(RecordError, match=said):
        reading.read(file)
