"""Where command lines stand: pages, workflows, help pages, and the texts in our code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from bench.commands import arguments
from tests.places import RESULTS, ROOT
from tests.told import lines
from tests.told.lines import Line
from tools import contents

PAGES = [
    ROOT / "README.md",
    *contents.pages(),
    *sorted(RESULTS.rglob("*.md")),
]
PACKAGES = ("bench", "adapters", "reports", "semibackward", "tools")
SOURCES = [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]
WORKFLOWS = [*sorted((ROOT / ".github").rglob("*.yml")), ROOT / ".ci" / "run"]


def in_pages() -> list[Line]:
    found = [line for page in PAGES for line in lines.of_page(page)]
    for path in WORKFLOWS:
        if path.is_file():
            found += (
                lines.of_workflow(path)
                if path.suffix
                else lines.of_text(path.read_text(encoding="utf-8"), path.name)
            )
    return list({line.words: line for line in found}.values())


def in_sources() -> list[Line]:
    """What docstrings name between backquotes, and texts for users."""
    found = []
    for path in SOURCES:
        where = path.relative_to(ROOT).as_posix()
        for text in texts(path):
            printed = (line for line in lines.of_text(text, where) if line.words[0] != "make")
            found += [*lines.inline(text, where), *printed]
    whole = (line for line in found if not {GAP, "(", "["} & set("".join(line.words)))
    return list({line.words: line for line in whole}.values())


GAP = "\N{REPLACEMENT CHARACTER}"
"""Stands for what a text is filled in with."""


def texts(path: Path) -> Iterator[str]:
    """Every text in a module's code, the parts of one put together."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = {
        part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            yield node.value


def in_help() -> list[Line]:
    """What the program's own help pages name."""
    main = arguments.parser()
    (commands,) = (action.choices for action in main._actions if action.dest == "command")
    assert isinstance(commands, dict)
    texts = {"--help": main, **commands}
    pages = {name: parser.format_help() for name, parser in texts.items()}
    return [
        line
        for name, page in pages.items()
        for line in (*lines.inline(" ".join(page.split()), name), *lines.of_text(page, name))
    ]


def every_option() -> set[str]:
    """All that this program takes."""
    main = arguments.parser()
    (commands,) = (action.choices for action in main._actions if action.dest == "command")
    assert isinstance(commands, dict)
    return {
        option
        for parser in (main, *commands.values())
        for action in parser._actions
        for option in action.option_strings
    }
