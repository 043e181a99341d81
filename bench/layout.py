"""Text on so many columns of a terminal, which wide characters take two of. Pure.

Whoever lays text out has made it harmless before: an escape takes more columns than what it is of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_PIECES = re.compile(r"(\s*)([^\s`]*`[^`]*`\S*|\S+)")
_WORDS = re.compile(r"(\s*)(\S+)")
"""Words, each with the blanks before it; of the former a command between backquotes is one."""
_GOES_ON = " \\"
"""What ends a line of a command that goes on in the next."""
_OF_HEADS = re.compile(r"[^\s-]*-(?=[^\s-])|\S+")
"""Of a column's head also what a hyphen ends."""
_NUMBER = r"[-+<≤≥]?[\d.,:]+%?|-|→|\+|to|s|%|MB"
_NUMBERS = re.compile(rf"(?:(?:{_NUMBER})(?: (?:{_NUMBER}))*)?(?:, rounding|\*)?")
"""Cells that stand to the right: numbers with their units."""
_MORE = "…"
GAP = "  "
"""Between two columns."""


def width(text: str) -> int:
    """How many columns a line takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def broken(text: str, columns: int, hanging: str = "") -> str:
    """Lines of at most so many columns, broken at words; a word that is longer stands alone.

    Args:
        text: each of its lines is broken by itself, and keeps the blanks it begins with.
        columns: of the terminal.
        hanging: what the further lines begin with, behind the blanks that the first has.
    """
    return "\n".join(line for each in text.split("\n") for line in _of_line(each, columns, hanging))


def _of_line(text: str, columns: int, hanging: str) -> list[str]:
    if width(text) <= columns:
        return [text]
    blanks = text[: len(text) - len(text.lstrip(" "))]
    pieces = _PIECES.findall(text)
    if any(width(word) > columns - width(blanks + hanging) for _, word in pieces):
        pieces = _WORDS.findall(text)  # a command that fits no line is broken as well
    lines, line = list[str](), ""
    for gap, word in pieces:
        if line.strip() and width(line + gap + word) > columns:
            lines.append(line)
            line = blanks + hanging + word
        else:
            line += gap + word
    return [*lines, line]


def command(line: str, columns: int, indent: str = "  ") -> str:
    """A command line set in, which a shell takes as it stands: a longer one in several lines.

    Args:
        line: quoted for a shell.
        columns: of the terminal.
        indent: what each line begins with, the further ones twice.
    """
    if "'" in line or width(indent + line) <= columns:
        return indent + line  # a quoted word may hold blanks
    lines = _of_line(indent + line, columns - len(_GOES_ON), indent)
    return f"{_GOES_ON}\n".join(lines)


def cut(text: str, columns: int) -> str:
    """A line of at most so many columns; what is left out stands as three dots."""
    if width(text) <= columns:
        return text
    kept = ""
    for character in text:
        if width(kept + character) > columns - 1:
            break
        kept += character
    whole, blank, _ = kept.rpartition(" ")
    return f"{(whole if blank and 2 * width(whole) > columns else kept).rstrip()}{_MORE}"


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """A cell of so many columns."""
    blanks = " " * (columns - width(text))
    return blanks + text if right else text + blanks


def heads(text: str, columns: int) -> list[str]:
    """A column's head in lines that fit it, as far as its words and hyphens let them."""
    lines = [""]
    for piece in _OF_HEADS.findall(text):
        last = lines[-1]
        joint = "" if last.endswith("-") or not last else " "
        if last and width(last + joint + piece) > columns:
            lines.append(piece)
        else:
            lines[-1] = last + joint + piece
    return lines


def column_width(head: str, cells: Iterable[str]) -> int:
    """What a column takes: as much as its widest cell, or the longest piece of its head."""
    return max(map(width, [*_OF_HEADS.findall(head), *cells]), default=0)


def table_width(widths: Sequence[int]) -> int:
    """What columns of these widths take together."""
    return sum(widths) + len(GAP) * max(0, len(widths) - 1)


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows under their heads and a rule, each column as wide as it must be; numbers stand to the
    right.

    Args:
        header: a head for each column.
        rows: with a cell for each column; the last cell of a shorter one takes the rest of its
            line.
    """
    whole = [row for row in rows if len(row) == len(header)]
    columns = list(zip(*whole, strict=True)) if whole else [() for _ in header]
    labels = [[row[at] for row in rows if at < len(row) - 1] for at in range(len(header))]
    widths = [
        column_width(head, [*cells, *also])
        for head, cells, also in zip(header, columns, labels, strict=True)
    ]
    right = [
        bool(cells or also) and all(map(_NUMBERS.fullmatch, [*cells, *also]))
        for cells, also in zip(columns, labels, strict=True)
    ]
    stacked = [heads(head, size) for head, size in zip(header, widths, strict=True)]
    height = max(map(len, stacked), default=0)
    top = [[""] * (height - len(lines)) + lines for lines in stacked]
    return [
        *(_row(line, widths, right) for line in zip(*top, strict=True)),
        _row(["-" * size for size in widths], widths, right),
        *(_row(row, widths, right) for row in rows),
    ]


def _row(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    *most, last = [
        padded(cell, size, right=flush)
        for cell, size, flush in zip(cells, widths, right, strict=False)
    ]
    return GAP.join([*most, last if len(cells) == len(widths) else cells[-1]]).rstrip()
