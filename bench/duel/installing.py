"""Install a side of a duel into a folder of its own, with uv. Imports no torch."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bench.duel import sides
from bench.duel.sides import Asked, Side
from bench.errors import UsageError

LONGEST = 400
"""Characters of what uv says that go into an error."""


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
        raise UsageError(f"{asked} can't be installed: {_said(done.stderr)}")
    return sides.found(asked, folder)


def _said(text: str) -> str:
    """What uv says of a failure, in one line without what it draws around it."""
    words = " ".join(re.sub(r"[×│╰╭├─▶]", " ", line) for line in text.splitlines()).split()
    said = " ".join(words)
    return said if len(said) <= LONGEST else said[:LONGEST] + " ..."
