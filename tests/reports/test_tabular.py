"""Records for programs and papers: CSV, JSON, LaTeX; the commands that repeat them."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas
import pytest

from bench import cli
from bench.commands import report
from bench.records import reading
from bench.records.reading import Run
from bench.statistics.estimate import Speedup
from reports.formats import frame, latex, tabular
from reports.reading import reproduce, summary
from tests.cases import changed
from tests.commands import chosen
from tests.places import RESULTS
from tests.records import ENVIRONMENT, FAILED, FREE, GAIN, NO_GAIN, step, trained

HOSTILE = '=cmd|"/C calc"!A1, <img src=x onerror=alert(1)> \\input{/etc/passwd} $x$ %'
EVERYTHING = Run(
    Path("x.jsonl"),
    ENVIRONMENT,
    (
        GAIN,
        NO_GAIN,
        FAILED,
        replace(step(7), case_id="t"),
        replace(GAIN, case=changed(GAIN.case, library=HOSTILE, model=HOSTILE), reason=HOSTILE),
    ),
    own={"training": (trained("original"), trained("semi-backward"))},
)


def test_a_row_for_each_comparison_and_each_training() -> None:
    read = list(csv.DictReader(io.StringIO(tabular.csv([EVERYTHING]))))
    assert [row["kind"] for row in read] == ["comparison"] * 5 + ["training"] * 2
    first = read[0]
    assert (first["library"], first["attack"], first["status"]) == ("foolbox", "pgd", "ok")
    assert float(first["speedup"]) == pytest.approx(1.5)
    assert (float(first["seconds_original"]), float(first["seconds_variant"])) == (1.5, 1.0)
    assert first["input_shape"] == "3×32×32"
    assert (read[2]["status"], read[2]["speedup"]) == ("failed", "")
    assert "it fell" in read[2]["why"]


def test_a_spreadsheet_runs_nothing() -> None:
    for row in csv.reader(io.StringIO(tabular.csv([EVERYTHING]))):
        assert not any(cell.startswith(("=", "@", "\t")) for cell in row)


def test_csv_is_read_back_by_pandas_as_it_was() -> None:
    back = pandas.read_csv(io.StringIO(tabular.csv([EVERYTHING])))
    there = frame.comparisons([EVERYTHING])
    assert list(back["speedup"][:5].fillna(0)) == pytest.approx(list(there["speedup"].fillna(0)))


def test_json_holds_everything_and_no_nan() -> None:
    told = json.loads(
        tabular.json_text([EVERYTHING]), parse_constant=lambda name: pytest.fail(name)
    )
    assert told["summary"] == list(summary.of([EVERYTHING]))
    assert len(told["comparisons"]) == 5
    assert told["comparisons"][0]["speedup"] == pytest.approx(1.5)
    assert told["comparisons"][2]["speedup"] is None
    assert told["comparisons"][4]["library"] == HOSTILE
    assert told["runs"][0]["environment"]["processor"] == "a processor"
    assert {row["variant"] for row in told["averages"]} == {"semi-backward"}
    assert told["tables"][0]["rows"]


def test_nothing_measured_is_no_fault() -> None:
    empty = Run(Path("x.jsonl"), ENVIRONMENT, ())
    assert json.loads(tabular.json_text([empty]))["comparisons"] == []
    assert tabular.csv([empty]).strip() == ""
    assert summary.of([empty]) == ("No case has been measured.",)


def test_latex_has_a_float_a_table_with_booktabs() -> None:
    drawn = latex.report([EVERYTHING])
    assert drawn.count(r"\begin{table}") == drawn.count(r"\end{table}") > 1
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert drawn.count(rule) == drawn.count(r"\begin{table}")
    assert "hline" not in drawn
    columns = re.search(r"\\begin{tabular}{(l)(r+)}", drawn)
    assert columns is not None
    header = next(line for line in drawn.splitlines() if line.startswith("{library}"))
    assert header.count(" & ") == len(columns[2])


def test_latex_is_given_nothing_to_run() -> None:
    escaped = latex.escape(HOSTILE)
    assert r"\input" not in escaped
    assert escaped.startswith("=cmd\\textbar{}")
    assert r"\textbackslash{}input\{/etc/passwd\}" in escaped
    assert r"\$x\$ \%" in escaped
    assert latex.escape("4 × 3 → 2") == r"4 $\times$ 3 $\rightarrow$ 2"
    assert latex.escape("漢") == "?"
    assert latex.escape("--processes") == "-{}-processes"


def test_the_summary_tells_what_holds_in_one_process_only() -> None:
    shaky = replace(GAIN, speedup=Speedup(1.04, 1.03, 1.05, 0.95, 1, 50, ""))
    slower = replace(shaky, speedup=Speedup(0.96, 0.95, 0.97, 0.95, 1, 50, ""), verdict="slower")
    gains, none, _ = summary.of([Run(Path("x.jsonl"), ENVIRONMENT, (GAIN, shaky, slower))])
    assert gains.startswith("Frozen parameters made 2 of 3 cases faster (1 only in this process), ")
    assert none == "1 case became slower (1 only in this process)."


def test_csv_tells_both_the_verdict_and_how_far_it_holds() -> None:
    shaky = replace(GAIN, speedup=Speedup(1.04, 1.03, 1.05, 0.95, 1, 50, ""))
    found = frame.comparisons([Run(Path("x.jsonl"), ENVIRONMENT, (GAIN, shaky, FAILED))])
    told = [tuple(row) for row in found[["verdict", "verdict_told"]].fillna("").to_numpy()]
    assert told == [("faster", "faster"), ("faster", "faster, in this process"), ("", "")]


def test_three_sentences_a_busy_reader_can_act_on() -> None:
    run = Run(Path("x.jsonl"), ENVIRONMENT, (GAIN, NO_GAIN, FAILED))
    gains, none, trust = summary.of([run])
    assert gains == (
        "Frozen parameters made 1 of 2 cases faster, 1.500 (1.500 to 1.500 within this process)"
        " times."
    )
    assert none == (
        "1 case of torchattacks had no parameter gradient to spare (asked for by"
        " torch.autograd.grad)."
    )
    assert trust == (
        "The outputs were bit for bit the same in 2 of 2 comparisons (1 failed: see the rows); to"
        " have the gain with foolbox, freeze the model's parameters before the attack: `with"
        " semi_backward(model):`."
    )


def test_a_summary_without_gains_claims_none() -> None:
    gains, _, trust = summary.of([Run(Path("x.jsonl"), ENVIRONMENT, (NO_GAIN, FREE))])
    assert gains == "Frozen parameters made none of 2 cases measurably faster."
    assert "semi_backward" not in trust


MEASURED = [
    (record, run.environment)
    for path in sorted((RESULTS / "amd-epyc-2-cores").rglob("*.jsonl"))
    for run in [reading.read(path)]
    for record in run.comparisons
]


def test_every_committed_row_can_be_asked_for_again_by_its_command() -> None:
    assert len(MEASURED) > 300
    for record, environment in MEASURED:
        words = shlex.split(reproduce.command(record, environment))
        assert words[:3] == ["python", "-m", "bench"]
        (again,) = chosen(*words[3:], device=record.case.device)
        assert (again.case.id, again.variant) == (record.case_id, record.variant)


def test_a_command_is_quoted_for_the_shell() -> None:
    case = changed(GAIN.case, library="user", attack="my file.py:run; rm -rf x")
    words = shlex.split(reproduce.command(replace(GAIN, case=case), ENVIRONMENT))
    assert words[words.index("--attack") + 1] == case.attack


def test_a_folder_stands_for_its_records_and_the_rest_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").mkdir()
    good = reading.to_line(ENVIRONMENT) + reading.to_line(GAIN)
    (tmp_path / "a" / "good.jsonl").write_text(good)
    (tmp_path / "other.jsonl").write_text('{"what": 1}\n')
    found = report.read([tmp_path, tmp_path / "a" / "good.jsonl"])
    assert [run.path.name for run in found] == ["good.jsonl"], "each once"
    assert "left out" in capsys.readouterr().err
    (tmp_path / "a" / "good.jsonl").unlink()
    with pytest.raises(reading.RecordError, match="no file of records in it"):
        report.read([tmp_path])


def test_packed_records_are_read_as_they_are(tmp_path: Path) -> None:
    import gzip

    line = reading.to_line(ENVIRONMENT) + reading.to_line(GAIN)
    file = tmp_path / "x.jsonl.gz"
    file.write_bytes(gzip.compress(line.encode()))
    assert reading.read(file).comparisons == (GAIN,)
    file.write_bytes(gzip.compress(line.encode())[:-20])
    with pytest.raises(reading.RecordError, match="can't be read"):
        reading.read(file)


def test_a_report_that_fails_leaves_the_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "x.jsonl"
    source.write_text(reading.to_line(ENVIRONMENT) + reading.to_line(GAIN))
    words = ["report", str(source), "--out", str(tmp_path / "out")]
    assert cli.main(words) == 0
    before = (tmp_path / "out" / "report.md").read_text()

    def half(runs: object, asked: object) -> Iterator[str]:
        yield "half"
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("reports.formats.markdown.parts", half)
    assert cli.main(words) == 2
    assert "No space left on device; name another folder with --out" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.md"]
    assert (tmp_path / "out" / "report.md").read_text() == before


def test_a_report_goes_nowhere_and_into_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "x.jsonl"
    source.write_text(reading.to_line(ENVIRONMENT) + reading.to_line(GAIN))
    assert cli.main(["report", str(source), "--out", os.devnull]) == 0
    assert Path(os.devnull).is_char_device()
    assert cli.main(["report", str(source), "--out", str(source)]) == 2
    assert "it is no folder; name another folder with --out" in capsys.readouterr().err


def test_salvage_keeps_what_is_whole_and_tells_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "x.jsonl"
    records = (ENVIRONMENT, GAIN, replace(NO_GAIN, case_id="another"))
    good = [reading.to_line(record) for record in records]
    source.write_text("".join((*good[:2], "{\n", good[2], "damage\n")))
    assert cli.main(["report", str(source)]) == 2
    said = capsys.readouterr().err
    assert f"{source}: line 3 is no record" in said
    assert "--salvage keeps the lines that are records" in said
    told = f"{source}: 2 lines (3, 5) are damaged, and left out."
    for form in ("md", "html"):
        assert cli.main(["report", str(source), "--salvage", "--format", form]) == 0
        captured = capsys.readouterr()
        assert " ".join(captured.err.split()) == told
        assert told in captured.out
    assert cli.main(["report", str(source), "--salvage", "--format", "csv"]) == 0
    assert len(list(csv.reader(io.StringIO(capsys.readouterr().out)))) == 3
