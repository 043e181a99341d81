"""How the program calls itself: as it was called, and with words that a shell takes."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from bench import program

HERE = "/usr/lib/bench/__main__.py"


@pytest.mark.parametrize(
    ("called", "checkout", "name"),
    [
        ("/opt/bin/semibackward-bench", True, "semibackward-bench"),
        ("/opt/bin/semibackward-bench", False, "semibackward-bench"),
        ("/opt/bin/semibackward-bench.exe", False, "semibackward-bench"),
        ("/opt/bin/semibackward-bench-script.py", False, "semibackward-bench"),
        (HERE, True, "python -m bench"),
        (HERE, False, "python -m bench"),
        ("/opt/bin/pytest", True, "python -m bench"),
        ("/opt/bin/pytest", False, "semibackward-bench"),
    ],
)
def test_it_is_called_as_it_was_called(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, called: str, checkout: bool, name: str
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    if not checkout:
        monkeypatch.setattr(program, "ROOT", tmp_path)
    assert program.name() == name
    assert program.command("list", "attacks") == f"{name} list attacks"
    assert program.repeated(["python", "-m", "bench", "--out", "a b"]) == f"{name} --out 'a b'"
    assert program.repeated(["nohup", "x y"]) == "nohup 'x y'"


def test_words_reach_a_shell_as_they_are() -> None:
    words = ["a b", "$HOME", "x;rm -r y", "it's", "*.py:f", "`id`", "a\nb", ""]
    for line in (program.options(*words), program.command(*words)):
        script = f"printf '%s\\0' {line}"
        found = subprocess.run(["bash", "-c", script], capture_output=True, check=True, text=True)
        assert found.stdout.split("\0")[-len(words) - 1 : -1] == words


def test_everything_is_set_up_by_make_in_a_checkout_and_by_pip_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(program.ROOT)
    assert program.everything() == "make bench"
    monkeypatch.chdir(tmp_path)
    assert shlex.split(program.everything()) == ["make", "-C", str(program.ROOT), "bench"]
    monkeypatch.setattr(program, "ROOT", tmp_path)
    assert program.everything() == "python -m pip install 'semibackward-bench[libraries]'"
