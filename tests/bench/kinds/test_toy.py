"""A third party's kind in one file, through every command, without a change anywhere else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UsageError
from bench.kinds import registry
from bench.records import reading
from bench.records.reading import RecordError
from reports.tables import columns
from tests import commands
from tests.places import DATA

SUITE = """
[run]
precision = 1e-9  # never narrow enough
processes = 1

[[cases]]
kind = "toy"
libs = ["toys"]
attacks = ["slope"]
models = ["two layers"]
batch = [4, 8]
width = [32]
"""
Bench = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as pip would leave it."""
    folder = tmp_path_factory.mktemp("toy")
    shutil.copy(DATA / "toy_kind.py", folder)
    facts = folder / "toy_kind-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-kind\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[semibackward.kinds]\ntoy = toy_kind:Toy\n")
    (folder / "toys.toml").write_text(SUITE)
    return folder


@pytest.fixture(scope="module")
def bench(installed: Path) -> Bench:
    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return commands.bench(*words, PYTHONPATH=str(installed))

    return run


@pytest.fixture
def known(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind in this process."""
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.setattr(registry, "third_parties", lambda: {"toy": "toy_kind:Toy"})


@pytest.fixture(scope="module")
def killed_and_resumed(installed: Path, bench: Bench) -> tuple[str, str, Path]:
    """The first comparison when it was there, what the run that went on said, and its records."""
    out = installed / "run.jsonl"
    asked = ["--suite", installed / "toys.toml", "--max-seconds", "1", "--out", out]
    running = commands.started(*asked, PYTHONPATH=str(installed))
    commands.wait_until(lambda: out.exists() and '"comparison"' in out.read_text(), running)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    first = out.read_text().splitlines()[1]
    done = bench(*asked, "--resume")
    assert done.returncode == 0, done.stderr
    return first, done.stderr, out


@pytest.fixture(scope="module")
def explained(installed: Path, bench: Bench) -> Path:
    out = installed / "explained.jsonl"
    done = bench(
        "explain", "--suite", installed / "toys.toml", "--max-seconds", "0.5", "--out", out
    )
    assert done.returncode == 0, done.stderr
    assert "4 of 4 parameter gradients" in " ".join(done.stdout.split())
    return out


def test_it_runs_and_is_gone_on_with_after_a_kill(
    known: None, killed_and_resumed: tuple[str, str, Path]
) -> None:
    first, said, out = killed_and_resumed
    lines = out.read_text().splitlines()
    assert lines[1] == first
    assert "1 already measured, not repeated" in said
    found = reading.read(out).comparisons
    assert [(r.case.batch, r.status, r.case.kind) for r in found] == [
        (4, "ok", "toy"),
        (8, "ok", "toy"),
    ]
    for record in found:
        assert record.case.id == record.case_id
        assert record.equality is not None
        assert record.equality.bitwise
        assert record.gradients == {
            "parameters": 4,
            "call": "backward",
            "original": 4,
            "semi-backward": 0,
        }
        assert record.theory is not None
        moved = record.theory.pop("bytes")
        assert isinstance(moved, float)
        assert moved > 1
        assert record.theory == {"speedup": pytest.approx(1.5), "basis": "flops"}


def test_counts_and_compare(installed: Path, bench: Bench) -> None:
    base, new = installed / "base.jsonl", installed / "new.jsonl"
    for out, width in ((base, 32), (new, 32)):
        words = ["--suite", installed / "toys.toml", "--width", width, "--batch", 4, "--out", out]
        done = bench("counts", *words)
        assert done.returncode == 0, done.stderr
        assert "toys slope" in done.stdout
    assert bench("compare", base, new, "--strict").returncode == 0
    start, line = new.read_text().splitlines()
    record = json.loads(line)
    record["counts"]["semi-backward"] = record["counts"]["original"]
    new.write_text(f"{start}\n{json.dumps(record)}\n")
    done = bench("compare", base, new)
    assert done.returncode == 1, done.stdout
    assert "toys slope" in done.stdout


@pytest.mark.parametrize("form", ["md", "latex", "csv", "json", "html", "explained", "paragraphs"])
def test_every_report_tells_of_it(known: None, explained: Path, form: str, capsys: Any) -> None:
    from bench import cli

    assert cli.main(["report", str(explained), "--format", form]) == 0
    told = capsys.readouterr().out
    assert "toys" in told
    assert "slope" in told
    assert f"--suite {explained.parent / 'toys.toml'}" in told.replace("\\", "") or form == "latex"


def test_tables_tell_its_options_apart(known: None, explained: Path) -> None:
    run = reading.read(explained)
    narrow = run.comparisons[0]
    wide = replace(narrow, case=narrow.case.with_options(width=64))
    titles = [table.title for table in columns.of([narrow, wide], run)]
    assert [title.partition(": ")[0] for title in titles] == [
        f"slope on two layers, 4 inputs, width {width}, float32, cpu" for width in (32, 64)
    ]


def test_plots_are_drawn_of_it(known: None, explained: Path) -> None:
    from reports import figures

    names = {plot.name for plot in figures.plots([reading.read(explained)])}
    assert {"attacks", "batch", "anatomy", "samples"} <= names


def test_where_it_is_not_installed_its_records_say_so(explained: Path) -> None:
    with pytest.raises(RecordError, match="of a 'toy' workload, and nothing that is installed"):
        reading.read(explained)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--width", "3"], "toy workloads come from suites: name one with --suite"),
        (["--suite", "quick", "--width", "3"], "--width is for toys"),
        (["--suite", "{toys}", "--steps", "3"], "--steps is for attacks on images"),
        (["--suite", "{toys}", "--victim", "bert-tiny"], "--victim is for attacks on text"),
        (["--suite", "{toys}", "--variants", "forward-only"], "forward-only"),
        (["--suite", "{toys}", "--attacks", "slop"], "unknown attack 'slop'; did you mean slope?"),
    ],
)
def test_what_makes_no_sense_of_it_is_a_line(
    known: None, installed: Path, words: list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        commands.chosen(*(word.format(toys=installed / "toys.toml") for word in words))


def test_a_broken_report_of_a_kind_is_named(
    known: None, explained: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from bench import cli

    monkeypatch.setattr(registry.get("toy"), "report", "no_such_module:Report", raising=False)
    assert cli.main(["report", str(explained)]) == 2
    assert "what reports say of toy (no_such_module:Report) can't be loaded" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no_such_module:Kind", "can't be loaded: ModuleNotFoundError"),
        ("json:JSONDecoder", "is no subclass of bench.kinds.base.Kind"),
    ],
)
def test_a_broken_kind_is_named_and_the_others_go_on(
    value: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench import cli

    monkeypatch.setattr(registry, "third_parties", lambda: {"odd": value})
    assert [kind.name for kind in registry.every()] == [*registry.OURS]
    assert cli.main(["list", "variants"]) == 0
    told = capsys.readouterr()
    assert said in told.err
    assert "semi-backward" in told.out
