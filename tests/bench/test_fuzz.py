"""Whatever a file of records or a command line holds, the program ends with a line and a code of
its own, and never with a fault."""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench import cli
from bench.commands import arguments, codes
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied
from tests.spoilt import real, spoilt, written

quickly = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
REAL = real()
REPORTS = ("md", "explained", "paragraphs", "latex", "csv", "json")
COMPARISONS = ("md", "junit", "github-action-benchmark", "annotations", "json")


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that commands make are the test's; and no command comes to start a worker."""

    def start(*_: object) -> Any:
        raise WorkerDied("no worker in this test")

    monkeypatch.chdir(tmp_path)
    for module in ("berths", "pool"):
        monkeypatch.setattr(f"bench.running.{module}.WorkerPool", lambda *_: WorkerPool(start))
    for module in ("machine_doctor", "model_doctor"):
        monkeypatch.setattr(f"bench.commands.{module}.WorkerPool", lambda *_: WorkerPool(start))


def ends_well(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(words)
    said = capsys.readouterr().err
    assert code != codes.FAULT, (words, said)
    assert "Traceback" not in said


@quickly
@given(chance=st.randoms(use_true_random=False))
def test_no_record_is_a_fault_of_a_report(
    chance: random.Random, capsys: pytest.CaptureFixture[str]
) -> None:
    base = chance.choice(REAL)
    Path("a.jsonl").write_text(written(spoilt(base, chance)))
    Path("b.jsonl").write_text(written(base))
    files = ["a.jsonl", *(["b.jsonl"] if chance.random() < 0.2 else [])]
    ends_well(["report", *files, "--format", chance.choice(REPORTS)], capsys)


@quickly
@given(chance=st.randoms(use_true_random=False))
def test_no_record_is_a_fault_of_a_comparison(
    chance: random.Random, capsys: pytest.CaptureFixture[str]
) -> None:
    base = chance.choice(REAL)
    Path("a.jsonl").write_text(written(spoilt(base, chance)))
    Path("b.jsonl").write_text(written(base))
    files = ["a.jsonl", "b.jsonl"]
    chance.shuffle(files)
    more = ["--allow-env-mismatch", "--strict"][: chance.randrange(3)]
    ends_well(["compare", *files, *more, "--format", chance.choice(COMPARISONS)], capsys)


@quickly
@given(text=st.text(max_size=200) | st.binary(max_size=200), chance=st.randoms())
def test_no_text_is_a_fault_of_who_reads_it(
    text: str | bytes, chance: random.Random, capsys: pytest.CaptureFixture[str]
) -> None:
    junk = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    whole = written(REAL[1]).encode()
    at = chance.randrange(len(whole))
    Path("a.jsonl").write_bytes(chance.choice((junk, whole[:at] + junk + whole[at:])))
    ends_well(["report", "a.jsonl"], capsys)
    Path("a.toml").write_bytes(junk)
    ends_well(["--suite", "a.toml"], capsys)


VALUES = (
    *("", " ", "x", "-1", "0", "1", "3", "1e400", "nan", "1" * 400, "x" * 300, "\udcff", "\x1b[2J"),
    *("all", "cpu", "cuda:9", "float32", "1x28x28", "pgd", "foolbox", "wrn_10_1", "semi-backward"),
    *("a.py:f", "a.py:", ":", ".", "a.jsonl", "b.toml", "absent/x", "/dev/null", "md=", "md=o.md"),
    *("speedup:5%", "seconds:-1", "x:off", "=", "[red]", "\n::error::x", "{}", "%s", "%(prog)s"),
)


def option_strings(command: str) -> list[str]:
    commands = next(
        action
        for action in arguments.parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    actions = commands.choices[command]._actions
    names = [name for action in actions for name in action.option_strings]
    return [name for name in names if name != "--verbose"]  # which shows where errors come from


def words_of(chance: random.Random) -> Iterator[str]:
    """A command line of options that there are, and of values that nobody expects."""
    command = chance.choice(
        ("run", "explain", "advise", "counts", "train", "list", "report", "compare", "doctor")
    )
    yield command
    names = option_strings(command)
    for _ in range(chance.randrange(5)):
        if chance.random() < 0.7:
            yield chance.choice(names)
        for _ in range(chance.choice((0, 1, 1, 2))):
            yield chance.choice(VALUES)


@settings(quickly, max_examples=100)
@given(chance=st.randoms(use_true_random=False))
def test_no_command_line_is_a_fault(
    chance: random.Random, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.jsonl").write_text(written(REAL[1]))
    Path("b.toml").write_text('[[case]]\nspeedup = "10%"\n')
    Path("a.py").write_text("def f(model, images, labels): return images\n")
    ends_well(list(words_of(chance)), capsys)


@pytest.mark.parametrize(
    "change",
    [
        {"anatomy": {"computing": 0}},
        {"gradients": {"original": 0, "semi-backward": 0}},
        {"speedup": None},
        {"verdict": None},
        {"seconds": {}},
        {"order": [], "processes": []},
        {"memory": {"original": 0, "semi-backward": 0}},
        {"case": {"batch": 0}},
        {"warmup_runs": 10**400},
    ],
    ids=lambda change: next(iter(change)),
)
def test_numbers_that_contradict_each_other_are_no_fault(
    change: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    head, *lines = REAL[0]
    line = next(one for one in lines if one["kind"] == "comparison" and one["anatomy"])
    told = {
        name: {**line[name], **value} if isinstance(value, dict) and value else value
        for name, value in change.items()
    }
    Path("a.jsonl").write_text(written([head, {**line, **told}]))
    for form in REPORTS:
        ends_well(["report", "a.jsonl", "--format", form], capsys)
