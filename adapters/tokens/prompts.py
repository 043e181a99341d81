"""The prompts that suffixes are sought for, each with the answer they are to bring about. Imports
no torch.

Those that are shipped are harmless: what is measured is arithmetic, not what a model can be made to
say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adapters import lines
from adapters.base import AdapterError

SHIPPED = "shipped"
"""What stands for our own file: ten harmless questions with their answers."""
_DATA = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class Prompt:
    """A line of a file.

    Attributes:
        line: its number, from 1.
        text: what is asked; the suffix follows it.
        target: the answer that the suffix is to make likely.
    """

    line: int
    text: str
    target: str


def read(where: str) -> tuple[Prompt, ...]:
    """Every prompt of a file; lines of white space are none.

    Args:
        where: "shipped", or the path of a text file with a prompt, a tabulator and its answer on
            each line.

    Raises:
        AdapterError: it can't be read, holds no prompt, or a line is no such pair.
    """
    path = _DATA / "prompts.tsv" if where == SHIPPED else Path(where)
    read_lines = lines.read(path, f"prompts {where}")
    found = tuple(_prompt(where, n, line) for n, line in enumerate(read_lines, 1) if line.strip())
    if not found:
        raise AdapterError(
            f"prompts {where}: no prompt in it; give on each line a prompt, a tabulator and the"
            " answer"
        )
    return found


def _prompt(where: str, number: int, line: str) -> Prompt:
    text, *answer = (part.strip() for part in line.split("\t"))
    if len(answer) != 1 or not text or not answer[0]:
        raise AdapterError(
            f"prompts {where}: line {number} is no prompt, a tabulator and its answer; write them"
            " so"
        )
    return Prompt(number, text, answer[0])
