"""How a session with a GPU is limited and gone on with: options of our `conftest.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

TESTS = """
import pytest

@pytest.mark.parametrize("name", ["a word", "another"])
def test_first(name): pass

def test_first_of_all(): assert False

def test_last(): raise KeyboardInterrupt
"""


def session(folder: Path, *words: object) -> str:
    """What pytest prints, run over a few tests."""
    (folder / "test_few.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-vv", "-rs"]
    place = [f"--rootdir={folder}", "-c", "/dev/null", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        [*command, *place, *map(str, words), "test_few.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout


def test_what_has_not_begun_at_the_deadline_is_skipped_and_told(tmp_path: Path) -> None:
    said = session(tmp_path, "--deadline=-1")
    assert "4 skipped" in said
    assert "not begun: the -1 s are over" in said


@pytest.mark.parametrize("kept", [True, False])
def test_a_session_that_was_cut_goes_on_with_what_had_not_ended(tmp_path: Path, kept: bool) -> None:
    log = tmp_path / "tests.log"
    first = session(tmp_path, "--go-on", log)
    assert "KeyboardInterrupt" in first
    if kept:
        log.write_text(first)
    again = session(tmp_path, "--go-on", log)
    assert ("3 deselected" in again) == kept
    assert ("test_first[a word] PASSED" in again) != kept
    assert "test_last" in again
