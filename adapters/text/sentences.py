"""The sentences that are attacked. Imports no torch."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from adapters import lines
from adapters.base import AdapterError

SHIPPED = "shipped"
"""What stands for our own file: 50 sentences in the style of film reviews."""
_DATA = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class Sentence:
    """A line of a file.

    Attributes:
        line: its number, from 1.
        text: without the white space around it; may be empty.
    """

    line: int
    text: str


def read(where: str) -> tuple[Sentence, ...]:
    """Every line of a file of sentences, the empty ones included.

    Args:
        where: "shipped", or the path of a text file with a sentence on each line.

    Raises:
        AdapterError: it can't be read, or holds no sentence.
    """
    path = _DATA / "sentences.txt" if where == SHIPPED else Path(where)
    read_lines = lines.read(path, f"sentences {where}")
    found = tuple(Sentence(number, line.strip()) for number, line in enumerate(read_lines, 1))
    if not any(sentence.text for sentence in found):
        raise AdapterError(f"sentences {where}: no sentence in it; give one on each line")
    return found


@functools.cache
def shipped() -> tuple[str, ...]:
    """Our own sentences."""
    return tuple(sentence.text for sentence in read(SHIPPED))
