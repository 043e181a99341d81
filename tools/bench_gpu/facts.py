"""`facts.txt`: what the GPU, the processor and the installation say of themselves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

COMMANDS = (
    ("nvidia-smi", "-q", "-d", "CLOCK,POWER,PERFORMANCE,TEMPERATURE"),
    ("nvidia-smi",),
    ("lscpu",),
)
PATIENCE = 20.0
"""Seconds for one of them."""


def main(words: Sequence[str]) -> int:
    """Write the file named, fact by fact."""
    with Path(words[0]).open("w", encoding="utf-8") as file:
        for command in COMMANDS:
            print(f"$ {' '.join(command)}\n{said(command)}", file=file, flush=True)
        print(f"$ installed under Python {sys.version}", file=file)
        print("\n".join(installed()), file=file, flush=True)
    return 0


def said(command: Sequence[str]) -> str:
    """What a command says, or why it says nothing."""
    try:
        found = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PATIENCE, check=False
        )
    except FileNotFoundError:
        return "not installed"
    except subprocess.TimeoutExpired:
        return f"no answer within {PATIENCE:.0f} s"
    return found.stdout + found.stderr


def installed() -> list[str]:
    """The distributions on the path, as `pip list --format=freeze` names them."""
    found = {each.metadata["Name"]: each.version for each in metadata.distributions()}
    return sorted((f"{name}=={version}" for name, version in found.items()), key=str.lower)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
