"""The committed baselines, and the command that writes and checks them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.choosing import suites
from bench.compare.environments import release
from bench.records import reading
from tests.records import counts, write
from tools import baseline


@pytest.mark.parametrize("path", sorted(baseline.FOLDER.glob("*")), ids=lambda path: path.name)
def test_a_committed_baseline_is_of_the_whole_suite(path: Path) -> None:
    run = reading.read(path)
    assert path.name.startswith(f"counts-torch-{release(run.environment.torch)}-")
    (group,) = suites.load("counts").groups
    assert {record.case.library for record in run.counts} == set(group.libs)
    for record in run.counts:
        assert (record.status, record.warnings) == ("ok", [])
        original, frozen = record.counts["original"], record.counts["semi-backward"]
        assert frozen.parameter_gradients == 0
        asks = set(original.calls or {})
        assert (original.parameter_gradients == 0) == (asks == {"autograd.grad"})
        assert original.forward_kernels
    assert "tmp" not in " ".join(run.environment.command)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the tool asks of the program, which counts at once what it always counts."""
    found: list[list[str]] = []

    def main(words: list[str]) -> int:
        found.append(words)
        if words[0] == "counts":
            write(Path(words[words.index("--out") + 1]), [counts()])
        return 0

    monkeypatch.setattr("bench.cli.main", main)
    monkeypatch.setattr(baseline, "FOLDER", tmp_path / "baselines")
    monkeypatch.setattr(baseline, "RUNS", tmp_path)
    return found


def test_without_a_baseline_for_this_environment_the_check_passes_and_says_so(
    asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert baseline.main(["check"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("no baseline counts-torch-")
    assert len(said.splitlines()) == 1
    assert asked == []


def test_a_baseline_is_written_and_checked_against(asked: list[list[str]]) -> None:
    for _ in range(2):  # an old one is written over
        assert baseline.main(["write"]) == 0
    (written,) = baseline.FOLDER.iterdir()
    assert reading.read(written).counts == (counts(),)
    assert baseline.main(["check"]) == 0
    compared = asked[-1]
    assert compared[0] == "compare"
    assert Path(compared[1]).resolve() == written.resolve()
    assert reading.read(Path(compared[2])).counts == (counts(),)


def test_what_can_not_be_counted_is_no_baseline(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.cli.main", lambda words: 5)
    assert baseline.main(["write"]) == 5
    assert not baseline.FOLDER.exists()
    assert baseline.main(["wriet"]) == 2
