"""The command line: which commands there are. Imports nothing heavy.

Each command is a module: `add` fills in its parser, and `run` does it, importing only then what it
works with.
"""

from __future__ import annotations

import argparse
import os
import sys
from types import ModuleType
from typing import Any, NoReturn

from bench import console, program
from bench.commands import (
    advise,
    compare,
    counts,
    doctor,
    duel,
    explain,
    install,
    matrix,
    own,
    report,
    run,
    slurm,
)
from bench.commands import list as listing
from bench.errors import UsageError
from bench.kinds import registry

_MEASURING = {
    "run": (run, "measure (the default)"),
    "explain": (explain, "measure, and tell where the time goes"),
    "advise": (advise, "find the fastest way to run one attack, and what to paste for it"),
}
"""Before the commands of the kinds' own, which measure too."""
_OTHERS = {
    "install": (install, "libraries that can't be installed beside the others"),
    "list": (listing, "what can be asked for, without importing torch"),
    "counts": (counts, "count what runs do, without timing anything"),
    "matrix": (matrix, "count with many versions of torch and of libraries"),
    "report": (report, "make tables of records"),
    "compare": (compare, "tell what got worse between two"),
    "slurm": (slurm, "hand a run in as a job array of a cluster"),
    "duel": (duel, "hold two versions of a library against each other"),
    "doctor": (doctor, "what works here, or with your model"),
}


_EXAMPLES = """\
examples:

  {called} --libs foolbox torchattacks    # what they gain here
  {called} explain --libs foolbox         # and where the time goes
  {called} --training pgd --libs foolbox  # a step of training"""


class _Help(argparse.HelpFormatter):
    """Paragraphs are filled, each by itself; lines that are set in stay as they are."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=console.width())

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(
            part if part.startswith(" ") else super(_Help, self)._fill_text(part, width, indent)
            for part in text.split("\n\n")
        )


class Parser(argparse.ArgumentParser):
    """Wrong usage is an exception, not a page of usage and an exit."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(formatter_class=_Help, **keywords)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")

    def _print_message(self, message: str, file: Any = None) -> None:
        (console.err if file is sys.stderr else console.out)(message.rstrip("\n"))


def parser() -> Parser:
    """The parser of the whole command line."""
    called = program.name()
    main = Parser(
        prog=called,
        description="Measure what an adversarial attack gains when the parameter gradients that"
        " nobody reads are not computed.",
        epilog=_EXAMPLES.format(called=called)
        + f"\n\nWithout a command, `run` is meant; its options: `{called} run --help`."
        " Exit codes: 0 done; 1 regression found; 2 wrong usage, or a file or an output that can't"
        " be read or written; 3 inconclusive under --strict; 4 environments that can't be compared;"
        " 5 some case ended other than ok; 70 a fault of this program; 130 interrupted.",
    )
    commands = main.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    _add(commands, _MEASURING)
    for kind in registry.every():
        for special in kind.commands:
            own.add(commands.add_parser(special.name, help=special.help), special)
    _add(commands, _OTHERS)
    return main


def _add(
    commands: argparse._SubParsersAction[Parser], modules: dict[str, tuple[ModuleType, str]]
) -> None:
    for name, (module, told) in modules.items():
        command = commands.add_parser(name, help=told)
        module.add(command)
        command.set_defaults(run=module.run)


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command line; `run` where no command is named.

    Raises:
        UsageError: it can't be understood.
        SystemExit: it asked for help, which has been printed.
    """
    for word in words:
        _check(word)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words = ["run", *words]
    return parser().parse_args(words)


def _check(word: str) -> None:
    """Look whether a word is one that a system can hand over, or use as the name of a file."""
    try:
        whole = b"\0" not in os.fsencode(word)
    except UnicodeEncodeError:
        whole = False
    if not whole:
        raise UsageError(f"the argument {word!r} holds what no name can; leave that out")
