"""uv, which installs what is to be compared: where it is, and what it says of a failure. Imports no
torch."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.errors import UsageError

LONGEST = 400
"""Characters of what uv says that go into an error."""
_OUTPUTS = ("[stdout]", "[stderr]")
"""What uv writes above what a build wrote."""
_BETWEEN = (*_OUTPUTS, "Traceback (most recent", "During handling of", "The above exception")
_ERROR = re.compile(
    r"^\w[\w.]*(?:Error|Exception|Exit|Interrupt)\b|\b(?:fatal )?error:", re.IGNORECASE
)
_FRAME = re.compile(r'\s+(?:File "|[\^~|]|\d+ \|)')


class Failed(Exception):
    """uv could not do what it was asked; the message is its reason, in one line.

    Attributes:
        whole: all that it said, as it said it: for `--verbose`.
    """

    def __init__(self, text: str) -> None:
        super().__init__(said(text))
        self.whole = text


class Said(Exception):
    """All that uv said of a failure, as it said it: for `--verbose`."""


def path() -> str:
    """The path of uv: beside this interpreter, or on the path.

    Raises:
        UsageError: it is in neither place.
    """
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise UsageError(
            "what is compared is installed with uv, which is not here: python -m pip install uv"
        )
    return found


def call(
    words: Sequence[str],
    folder: Path,
    wheels: Path | None = None,
    variables: Mapping[str, str] | None = None,
    text: str = "",
) -> str:
    """Have uv do something; what it prints.

    Args:
        words: of its command line.
        folder: where; a project in the current folder has constraints of its own for uv.
        wheels: take packages from this folder alone, without a network; None for the index.
        variables: of its environment, where it differs from ours.
        text: what it reads.

    Raises:
        Failed: it can't.
        UsageError: it is not here.
    """
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", **(variables or {})}
    offline = []
    if wheels is not None:
        environment["UV_FIND_LINKS"] = str(wheels.resolve())
        offline = ["--no-index"]
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [path(), *words[:2], *offline, *words[2:]],
        cwd=folder,
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        # Ctrl-C is ours to answer: what uv says of one would be told as its reason.
        start_new_session=True,
    )
    if done.returncode != 0:
        raise Failed(done.stderr)
    return done.stdout


def said(text: str) -> str:
    """What uv says of a failure, in one line: the cause, where what it ran tells one. Pure."""
    lines = [re.sub(r"[×│╰╭├─▶]", " ", line) for line in text.splitlines()]
    marks = [number for number, line in enumerate(lines) if line.strip() in _OUTPUTS]
    if not marks:
        return _one_line(lines, LONGEST)
    told = list(itertools.takewhile(lambda line: not line.startswith("hint:"), lines[marks[0] :]))
    causes = _causes(textwrap.dedent("\n".join(told)).splitlines())
    # A compiler's first error explains the others, and of exceptions the last is what ended it.
    shown = dict.fromkeys([causes[0], causes[-1]] if causes else ())
    cause = "; ".join(_one_line([line], LONGEST // 2) for line in shown)
    return f"{cause or _one_line(lines[: marks[0]], LONGEST)} (--verbose shows all that uv says)"


def _causes(lines: Sequence[str]) -> list[str]:
    """Of the output of a build those lines that tell what is wrong, else all that stand for
    themselves."""
    whole = [line for line in lines if line.strip() and not line.startswith(_BETWEEN)]
    errors = [line for line in whole if _ERROR.search(line) and not _FRAME.match(line)]
    return errors or [line for line in whole if not line.startswith(" ")]


def _one_line(lines: Iterable[str], longest: int) -> str:
    found = " ".join(" ".join(lines).split())
    return found if len(found) <= longest else found[:longest] + " ..."
