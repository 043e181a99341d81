"""What `compare` is given and can't use is told in a line."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.compare import limits
from bench.compare import reading as compare_reading
from bench.records import reading
from tests.bench.compare.files import Said, benchmarks
from tests.records import ENVIRONMENT, counts, timed
from tests.workers import Notes, ScriptedWorker, comparison, runner

TIMED_LINE = reading.to_line(timed())


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("", "new: it is empty"),
        ("{", "line 1 is no environment|line 1 is cut off"),
        (reading.to_line(ENVIRONMENT), "neither counts nor comparisons"),
        (reading.to_line(ENVIRONMENT) + TIMED_LINE[:400], "line 2 is cut off"),
        (reading.to_line(ENVIRONMENT) + TIMED_LINE.replace('"schema": 2', '"schema": 9'), "newer"),
        (
            reading.to_line(ENVIRONMENT) + TIMED_LINE.replace('"elapsed": 1.0', '"elapsed": NaN'),
            "line 2 is no record: NaN is no number",
        ),
        (
            reading.to_line(ENVIRONMENT) + TIMED_LINE.replace('"original": [', '"original": [-1, '),
            "line 2 is no record: seconds: -1.0 is no time",
        ),
        (
            reading.to_line(ENVIRONMENT)
            + TIMED_LINE.replace('"estimate": 1.5', '"estimate": 1e999'),
            "line 2 is no record: speedup: inf is no ratio",
        ),
        (reading.to_line(ENVIRONMENT) + reading.to_line(counts()), "base holds comparisons and"),
        (benchmarks(), "two files of the same kind"),
        (benchmarks(benchmarks=[]), "holds no benchmark"),
        (benchmarks(benchmarks=[{"stats": {}}]), "no JSON of pytest-benchmark"),
        (
            benchmarks(benchmarks=[{"fullname": "x", "stats": {"data": ["soon"]}}]),
            "no JSON of pytest-benchmark: ValueError",
        ),
    ],
)
def test_bad_files_are_told_in_a_line(compare: Said, new: str, said: str) -> None:
    code, told = compare([timed()], new)
    assert code == 2
    assert len(told.splitlines()) == 1
    assert any(part in told for part in said.split("|"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fail-if", "speedup"], "give METRIC:PERCENT%"),
        (["--fail-if", "sped:5%"], "unknown metric 'sped'; did you mean speedup?"),
        (["--fail-if", "speedup:five"], "'five' is no share"),
        (["--fail-if", "speedup:-1%"], "'-1%' is no share"),
        (["--fail-if", "speedup:nan"], "'nan' is no share"),
        (["--fail-if", "speedup:5"], "5 stands for 500 %; write 5%"),
        (["--fail-if", "speedup:100%"], "a speedup can't lose 100 %"),
        (["--fail-if", "flops:5%"], "unknown metric 'flops'"),
        (["--format", "html"], "no format 'html'; there are md, junit"),
        (["--format", "md="], "names no file"),
        (["--overrides", "absent.toml"], "can't be read"),
        (["--format", "md=pyproject.toml/x.md"], "can't write"),
    ],
)
def test_wrong_options_are_told_in_a_line(compare: Said, words: list[str], said: str) -> None:
    code, told = compare([timed()], [timed()], *words)
    assert code == 2
    assert len(told.splitlines()) == 1
    assert said in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("= no", "no TOML"),
        ("speedup = 1", "must hold [[case]] tables"),
        ("[[case]]\nlibrary = 'art'", "names no limit; there are speedup"),
        ("[[case]]\nspedup = '5%'", "unknown key 'spedup'; did you mean speedup or step?"),
        ("[[case]]\nspeedup = true", "True is no share"),
        ("[[case]]\nspeedup = 5", "5 stands for 500 %"),
    ],
)
def test_wrong_overrides_are_told_in_a_line(
    compare: Said, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "o.toml"
    path.write_text(text)
    code, told = compare([timed()], [timed()], "--overrides", str(path))
    assert (code, len(told.splitlines())) == (2, 1)
    assert said in told


COMMAND = ["python", "-m", "bench", "run", "--models", "my net.py:f", "--out", "old.jsonl"]


def begun() -> reading.Record:
    """What the first of two processes leaves."""
    notes = Notes()
    runner(iter([ScriptedWorker(), ScriptedWorker()]), processes=2).run([comparison()], notes)
    return notes.written[0]


BEGUN = begun()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "neither counts nor comparisons"),
        ([BEGUN], "its run was interrupted, 1 comparison is begun and not complete"),
        ([timed(), BEGUN], "its run was interrupted, 1 comparison is begun and not complete"),
        ([timed(), '{"schema": 2, "ki'], "line 3 is cut off"),
    ],
)
def test_an_interrupted_run_names_the_command_that_goes_on(
    compare: Said, lines: list[Any], said: str
) -> None:
    environment = replace(ENVIRONMENT, command=[*COMMAND, "--resume"])
    text = "".join(
        line if isinstance(line, str) else reading.to_line(line) for line in [environment, *lines]
    )
    code, told = compare([timed()], text)
    assert code == 2
    assert said in told
    assert "`python -m bench run --models 'my net.py:f' --out " in told
    assert "new --resume`" in told
    assert "old.jsonl" not in told


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
def test_files_are_read_however_they_were_saved(
    tmp_path: Path, encoding: str, packed: bool
) -> None:
    records = reading.to_line(ENVIRONMENT) + reading.to_line(counts())
    for name, text in (
        ("records", records.replace("\n", "\r\n")),
        ("benchmarks", benchmarks()),
        ("overrides.toml", '[[case]]\r\nlibrary = "×"\r\nflops = "off"\r\n'),
    ):
        data = text.encode(encoding)
        (tmp_path / name).write_bytes(gzip.compress(data) if packed else data)
    assert compare_reading.read(tmp_path / "records").run.counts == (counts(),)
    assert compare_reading.read(tmp_path / "benchmarks").benchmarks.samples
    found, *_ = limits._read(tmp_path / "overrides.toml", limits.DEFAULTS["counts"])
    assert found.wanted == (("library", "×"),)
