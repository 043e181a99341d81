"""Command lines as people read them: found in pages, in code and in what the program prints."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^[> ]*```(\w*)\n(.*?)^[> ]*```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_SHELL = ("", "sh", "bash", "console", "shell")
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_PROGRAMS = ("python", "make", "semibackward-bench")
_ENDS = ("|", ">", ">>", "&&", "||", ";", "2>&1", "#")


@dataclass(frozen=True)
class Line:
    """A command line.

    Attributes:
        where: the page or module it stands in.
        words: from the program's name on, without the folder it lies in.
    """

    where: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.where}: {shlex.join(self.words)}"


def of_text(text: str, where: str) -> Iterator[Line]:
    """The command lines that a shell would be given in some lines of text, one each."""
    text = re.sub(r"\\\n\s*", " ", text)
    for line in text.splitlines():
        words = called(line.lstrip("> $"))
        if words is not None:
            yield Line(where, words)


def of_page(path: Path) -> Iterator[Line]:
    """Those of a page in Markdown: in its blocks of code, and inline."""
    text = path.read_text(encoding="utf-8")
    for language, block in _FENCE.findall(text):
        if language in _SHELL:
            yield from of_text(block, path.name)
    rest = _FENCE.sub("", text)
    quoted = [line[1:] for line in rest.splitlines() if re.match(r"> {4,}\S", line)]
    yield from of_text("\n".join(quoted), path.name)
    yield from inline(rest, path.name)


def inline(text: str, where: str) -> Iterator[Line]:
    """Those between backquotes."""
    for span in _INLINE.findall(text):
        words = called(re.sub(r"\s*\n[>\s]*", " ", span))
        if words is not None:
            yield Line(where, words)


def of_workflow(path: Path) -> Iterator[Line]:
    """Those of a workflow's steps; a step that is folded is one line."""
    text = path.read_text(encoding="utf-8")
    for indent, style, block in re.findall(
        r"^( +)(?:- )?run: ([>|])-?\n((?:\1 +.*\n|\n)+)", text, re.MULTILINE
    ):
        del indent
        yield from of_text(block if style == "|" else " ".join(block.split()), path.name)
    yield from of_text("\n".join(re.findall(r"run: ([^>|\s].*)", text)), path.name)


def called(line: str) -> tuple[str, ...] | None:
    """The words of a call of this program, make, or a tool of ours; None if it is none."""
    if not any(program in line for program in _PROGRAMS):
        return None  # most texts are, and taking a line apart is slow
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return None
    while words and _ASSIGNED.fullmatch(words[0]):
        words = words[1:]
    ended = next((n for n, word in enumerate(words) if word in _ENDS), len(words))
    words = words[:ended]
    if not words:
        return None
    words[0] = words[0].rpartition("/")[2]
    if words[0] == "python3":
        words[0] = "python"
    as_module = words[:2] == ["python", "-m"] and len(words) > 2
    ours = as_module or words[0] == "semibackward-bench" or (words[0] == "make" and len(words) > 1)
    return tuple(words) if ours else None
