"""Install a side of a duel into a folder of its own, with uv. Imports no torch."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.duel import sides
from bench.duel.sides import Asked, Side
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


def uv() -> str:
    """The path of uv: beside this interpreter, or on the path.

    Raises:
        UsageError: it is in neither place.
    """
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise UsageError(
            "a duel installs its two sides with uv, which is not here: python -m pip install uv"
        )
    return found


def install(asked: Asked, folder: Path, wheels: Path | None) -> Side:
    """Install what a side asks for, without what it depends on.

    Args:
        asked: what to install.
        folder: where; it must not exist.
        wheels: install from this folder alone, without a network; None for the package index.

    Raises:
        UsageError: uv is missing, or can't install it.
    """
    # Two folders may have one name and version; what uv built of the other must not be taken.
    again = ["--refresh"] if asked.local else []
    offline = ["--no-index"] if wheels is not None else []
    command = [uv(), "pip", "install", "--quiet", "--no-deps", *again, *offline]
    command += ["--python", sys.executable, "--target", str(folder.resolve())]
    command.append(asked.source)
    environment = {**os.environ, "UV_LINK_MODE": "copy"}
    if wheels is not None:
        environment["UV_FIND_LINKS"] = str(wheels.resolve())
    # From elsewhere: a project in the current folder has constraints of its own for uv.
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        command, cwd=folder.parent, env=environment, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise UsageError(f"{asked} can't be installed: {_said(done.stderr)}") from Said(done.stderr)
    return sides.found(asked, folder)


class Said(Exception):
    """All that uv said of a failure, as it said it: for `--verbose`."""


def _said(text: str) -> str:
    """What uv says of a failure, in one line: the cause, where what it ran tells one."""
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
    said = " ".join(" ".join(lines).split())
    return said if len(said) <= longest else said[:longest] + " ..."
