"""Where `compare` writes: nobody's words are lost unsaid."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.compare.files import Said
from tests.records import counts


def test_the_summary_of_a_step_is_gone_on_with(
    compare: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    summary.write_text("another's words\n\n")
    for number in (1, 2):
        assert compare([counts()], [counts()], "--format", f"md={summary}")[0] == 0
        assert summary.read_text().startswith("another's words\n\n**")
        assert summary.read_text().count("0 regressions") == number
    assert "replaced" not in compare([counts()], [counts()], "--format", f"md={summary}")[1]


def test_another_file_that_is_there_is_replaced_and_that_is_told(
    compare: Said, tmp_path: Path
) -> None:
    file = tmp_path / "told.md"
    words = ("--format", f"md={file}")
    assert "replaced" not in compare([counts()], [counts()], *words)[1]
    first = file.read_text()
    assert f"bench: {file} was there and is replaced" in compare([counts()], [counts()], *words)[1]
    assert file.read_text() == first


def test_two_outputs_never_share_a_file(compare: Said, tmp_path: Path) -> None:
    file = tmp_path / "told"
    words = ("--format", f"md={file}", "--format", f"json={tmp_path}/x/../told")
    code, said = compare([counts()], [counts()], *words)
    assert code == 2
    assert "--format md and --format json both go to" in said
    assert not file.exists()
    assert compare([counts()], [counts()], "--format", "md", "--format", "json")[0] == 0
    assert (
        compare([counts()], [counts()], "--format", "md=/dev/null", "--format", "json=/dev/null")[0]
        == 0
    )
