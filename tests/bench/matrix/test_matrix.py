"""A whole matrix, in environments that uv makes here without a network."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from adapters import caching
from bench import cli
from bench.matrix import environments, pythons
from bench.records import reading
from bench.records.matrix import CellRecord
from tests.bench.matrix import wheels
from tests.commands import SMALL

HERE = ".".join(platform.python_version_tuple()[:2])
SMALLEST = ("--attack", "calls.py:attack", *SMALL, "--modes", "eager", "--jobs", "1")
ASKED = ("--torch", "2.4.1", "2.9.0", "--versions", "tiny-attacks==1.0,2.0,3.0")


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an attack and wheels, to work in, and a cache of its own."""
    wheels.folder(tmp_path, ["2.4.1", "2.9.0"])
    (tmp_path / "calls.py").write_text(wheels.CALLS_IT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(caching.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(pythons, "KNOWN", (HERE,))
    return tmp_path


def matrix(*words: object) -> int:
    return cli.main(["matrix", *map(str, words), *SMALLEST, "--find-wheels", "wheels"])


def cells(path: str = "m.jsonl") -> list[CellRecord]:
    return list(reading.read(Path(path)).cells)


def by_version(found: list[CellRecord]) -> dict[tuple[str, str], CellRecord]:
    return {(cell.torch, cell.library): cell for cell in found}


def computed(cell: CellRecord) -> tuple[int | None, int | None]:
    counts = cell.answer.counts  # type: ignore[union-attr]
    before, after = counts[cell.answer.baseline], counts[cell.answer.variant]
    return before.parameter_gradients, after.parameter_gradients


def test_every_cell_is_a_count_or_a_reason(
    offline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert matrix(*ASKED, "--out", "m.jsonl") == 5
    found = by_version(cells())
    assert set(found) == {
        (torch, f"tiny-attacks=={version}")
        for torch in ("2.4.1", "2.9.0")
        for version in ("1.0", "2.0", "3.0")
    }
    for torch in ("2.4.1", "2.9.0"):
        by_backward = found[torch, "tiny-attacks==1.0"]
        by_grad = found[torch, "tiny-attacks==2.0"]
        missing = found[torch, "tiny-attacks==3.0"]
        assert by_backward.status == by_grad.status == "ok"
        parameters = by_backward.answer.parameters  # type: ignore[union-attr]
        assert parameters
        assert computed(by_backward) == (parameters, 0)
        assert computed(by_grad) == (0, 0)
        assert by_backward.installed["torch"] == torch
        assert by_backward.installed["python"] == platform.python_version()
        assert missing.status == "unsupported"
        assert f"tiny-attacks==3.0 can't be installed with torch {torch}" in str(missing.reason)
        assert not missing.installed
    said = capsys.readouterr().err
    assert "2 of 2 environments" in said
    assert "GB are free" in said

    before = Path("m.jsonl").read_bytes()
    assert matrix(*ASKED, "--out", "m.jsonl", "--resume") == 5
    assert "4 cells already filled, not repeated" in capsys.readouterr().err
    again = Path("m.jsonl").read_bytes()
    assert again.startswith(before), "what was there is left as it was"
    assert by_version(cells()) == found

    kept = ("--versions", "tiny-attacks==2.0", "--out", "again.jsonl", "--keep", 1)
    assert matrix("--torch", "2.4.1", "latest", *kept) == 0
    assert [cell.torch for cell in cells("again.jsonl")] == ["2.4.1", "2.9.0"]
    assert by_version(cells("again.jsonl")).items() <= found.items(), "counts repeat"
    assert "to be made" not in capsys.readouterr().err, "environments are made once"
    above = offline / "cache" / environments.FOLDER
    made = [path.name.partition("-python")[0] for path in above.glob("torch-*") if path.is_dir()]
    assert made == ["torch-2.9.0"], "only as many are kept as were asked for"


def test_a_torch_that_is_not_to_be_had_is_told_in_its_cells(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pythons, "find", lambda version, folder: None)
    assert matrix("--torch", "2.9.0", "9.9", "--out", "m.jsonl") == 5
    one, other = cells()
    assert {one.status, other.status} == {"unsupported"}
    reasons = {cell.torch: str(cell.reason) for cell in (one, other)}
    assert f"has wheels for Python {HERE}, and none of these is here" in reasons["2.9.0"]
    assert f"uv python install {HERE}" in reasons["2.9.0"]
    assert "there is no torch==9.9" in reasons["9.9"]


def test_what_is_half_made_is_made_again(offline: Path) -> None:
    words = ("--torch", "2.9.0", "--versions", "tiny-attacks==2.0")
    assert matrix(*words, "--out", "m.jsonl") == 0
    for ready in (offline / "cache").rglob(environments.READY):
        ready.unlink()
    for module in (offline / "cache").rglob("tiny_attacks/__init__.py"):
        module.unlink()  # uv's cache has the same file
        module.write_text("broken")
    assert matrix(*words, "--out", "again.jsonl") == 0
    assert cells("again.jsonl") == cells()


def test_ratios_are_of_one_environment(
    offline: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quickly = ("--max-seconds", "0.5", "--precision", "0.9", "--processes", "1")
    words = ("--versions", "tiny-attacks==1.0", "--out", "m.jsonl", "--time", *quickly)
    assert matrix("--torch", "2.4.1", "2.9.0", *words) == 0
    timed = [cell for cell in cells() if cell.answer.kind == "comparison"]
    assert [cell.torch for cell in timed] == ["2.4.1", "2.9.0"]
    for cell in timed:
        assert cell.answer.speedup is not None  # type: ignore[union-attr]
    assert len(cells()) == 4
    assert matrix("--torch", "2.4.1", "2.9.0", *words, "--resume") == 0
    assert len(cells()) == 4
    assert matrix("--torch", "2.4.1", "2.9.0", *words[:2], "--time", "--keep", 1) == 2
    assert "leave --keep out" in capsys.readouterr().err
