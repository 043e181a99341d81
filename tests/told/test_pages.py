"""Every command line that people read runs: to where workers would start, or to its end.

Pages, docstrings, help pages, workflows. What a line names and every reader has in another way, as
a file of records or a model of one's own, lies on a desk.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bench import program
from tests.places import ROOT
from tests.told import lines
from tests.told.lines import Line
from tests.told.planning import Planned, run
from tests.told.sources import every_option, in_help, in_pages, in_sources

PLACEHOLDERS = {"SPEC": "resnet18"}


def expanded(words: tuple[str, ...]) -> Iterator[str]:
    """As a shell expands them; dots stand for more of the same."""
    for word in words:
        if word != "...":
            place = Path(word)
            found = sorted(map(str, place.parent.glob(place.name))) if "*" in word else []
            yield from found or [PLACEHOLDERS.get(word, word)]


COMMANDS = ("compare", "duel", "report")
"""They need more words: alone they are named, and not called."""


def check(line: Line, capsys: pytest.CaptureFixture[str]) -> None:
    words = list(expanded(line.words))
    if words[0] == "make":
        check_target(words[1:])
    elif words[0] == program.SCRIPT or words[2] == "bench":
        rest = words[1:] if words[0] == program.SCRIPT else words[3:]
        if len(rest) == 1 and rest[0] in COMMANDS:
            return
        ended = run(rest)
        assert isinstance(ended, Planned) or ended in (0, 1), capsys.readouterr().err
    elif words[2] == "pip":
        check_packages(words[3:])
    else:
        check_tool(words[2], words[3:])


def check_target(words: list[str]) -> None:
    """Whether make would know what to do, here instead of in a checkout's folder."""
    if words[0] == "-C":
        words = words[2:]
    done = subprocess.run(
        ["make", "-n", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def check_packages(words: list[str]) -> None:
    """Whether pip is asked for what this project needs somewhere, or for an extra of it."""
    assert words[0] == "install"
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    known = {Requirement(found).name for found in re.findall(r'"([A-Za-z][^"\s]*>=[^"]*)"', text)}
    known |= {"uv", program.SCRIPT, "nvidia-ml-py"}
    extras = set(re.findall(r"^(\w+) = \[", text.partition("[project.scripts]")[0], re.MULTILINE))
    for word in words[1:]:
        if word != "." and not word.startswith("-") and not word.endswith(".whl"):
            found = Requirement(word.replace(".[", f"{program.SCRIPT}["))
            assert found.name in known, word
            assert found.extras <= extras, word


def check_tool(module: str, words: list[str]) -> None:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    origin = Path(spec.origin)
    files = origin.parent.glob("*.py") if origin.name == "__init__.py" else [origin]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    options = {word for word in words if word.startswith("--") and word != "--"}
    known = set(re.findall(r'"(--[a-z-]+)"', text)) | every_option()
    assert options <= known


@pytest.mark.parametrize("line", in_pages(), ids=str)
def test_what_a_page_says_runs(line: Line, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(line, capsys)


@pytest.mark.parametrize("line", in_sources(), ids=str)
def test_what_the_code_says_runs(
    line: Line, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(line, capsys)


@pytest.mark.parametrize("line", in_help(), ids=str)
def test_what_a_help_page_says_runs(
    line: Line, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(line, capsys)


def test_commands_are_found_where_they_stand() -> None:
    """So that the tests above have something to look at."""
    assert {line.where for line in in_pages()} >= {"README.md", "using.md", "performance.yml"}
    assert len(in_pages()) > 90
    assert sum(line.where == "--help" for line in in_help()) >= 3, "its examples"
    text = "$ X=1 ../new/.venv/bin/python -m bench counts \\\n  --out 'a b' | tee x  # comment"
    (line,) = lines.of_text(text, "page")
    assert line.words == ("python", "-m", "bench", "counts", "--out", "a b")
