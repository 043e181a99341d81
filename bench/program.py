"""How this program is called here, for every command line that it prints. Imports nothing heavy."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench import telling

MODULE = ("python", "-m", "bench")
"""How records spell it, whoever called it how."""
SCRIPT = "semibackward-bench"
"""What an installation puts on the path, and what pip calls it."""
ROOT = Path(__file__).resolve().parents[1]
"""Where the packages lie: a checkout, or whatever they were installed into."""


def words() -> tuple[str, ...]:
    """The words that call this program as it was called now."""
    called = Path(sys.argv[0]).stem
    if called.removesuffix("-script") == SCRIPT:
        return (SCRIPT,)
    as_module = called == "__main__"
    return MODULE if as_module or _is_checkout() else (SCRIPT,)


def name() -> str:
    """The same as one text."""
    return " ".join(words())


def command(*arguments: object) -> str:
    """A command line of this program, quoted as a shell needs it."""
    return spelt([*words(), *map(str, arguments)])


def options(*given: object) -> str:
    """Words to add to a command line, quoted as a shell needs them."""
    return spelt(map(str, given))


def spelt(line: Iterable[str]) -> str:
    """A command line, quoted as a shell needs it."""
    return telling.shell(line)


def repeated(recorded: Sequence[str]) -> str:
    """A record's command line, with this program called as it is called here."""
    named = tuple(recorded[: len(MODULE)]) == MODULE
    return spelt([*words(), *recorded[len(MODULE) :]] if named else recorded)


def everything() -> str:
    """The command that sets everything up."""
    if _is_checkout():
        elsewhere = [] if Path.cwd() == ROOT else ["-C", str(ROOT)]
        return spelt(["make", *elsewhere, "bench"])
    return install("libraries")


def install(*extras: str) -> str:
    """The command that installs extras of this program."""
    wanted = f"{SCRIPT}[{','.join(extras)}]"
    return spelt(["python", "-m", "pip", "install", wanted])


def _is_checkout() -> bool:
    """Whether our Makefile lies beside the packages."""
    return all((ROOT / file).is_file() for file in ("Makefile", "requirements.lock"))
