"""Text for people, made harmless for where it is shown. Pure; every text goes through here.

Names, reasons and warnings come from records, files and libraries, and may hold anything. Each
function knows one target, and gives text in which nothing is an instruction to that target.
"""

from __future__ import annotations

import json as standard_json
import re
import shlex
import unicodedata
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")

_BLANKS = re.compile(r"[ \t\n\r\f\v]+")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_COMMAND = re.compile(r"^(?=[^\S\n]*::)", re.MULTILINE)
_OLD_COMMAND = re.compile(r"##(\w*)\[")
"""What runners of CI take for a command: a line that begins with "::", and "##[" anywhere in it."""


def visible(text: str) -> str:
    """A text in which every character shows: what has no look of its own, or changes that of
    others, stands as its escape, as ESC for `\\x1b` and the end of a line for `\\n`."""
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def encodable(value: T) -> T | str:
    """A text in which halves of characters, which no file can hold, stand as their escapes; what is
    no text as it is."""
    if not isinstance(value, str) or value.isprintable():
        return value
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def _shown(character: str) -> str:
    # Of what is not printable, spaces of other widths alone are harmless.
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    if character in _SHORT:
        return _SHORT[character]
    return character.encode("unicode-escape", "surrogatepass").decode("ascii")


def line(text: str) -> str:
    """One line, for a terminal or a log: blanks and ends of lines become a space each."""
    return _no_commands(visible(_BLANKS.sub(" ", text).strip(" ")))


def lines(text: str) -> str:
    """Several lines, for a terminal or a log, which end where the text's do."""
    return _no_commands("\n".join(map(visible, text.split("\n"))))


def _no_commands(text: str) -> str:
    text = _no_old_commands(text)
    return _COMMAND.sub(r"\\", text) if "::" in text else text


def _no_old_commands(text: str) -> str:
    return _OLD_COMMAND.sub(r"##\1\\[", text) if "##" in text else text


_LINKED = re.compile(
    r"""(?ix)
      \b[a-z][a-z0-9+.-]*://[^\s`|<>]+      # addresses
    | \b(?:mailto|xmpp):[^\s`|<>]+
    | \bwww\.[^\s`|<>]+
    | [\w.+-]+@[\w-]+(?:\.[\w-]+)+          # of mail
    | (?<!\w)@\w[\w/-]*                     # who is told
    | \#\d+ | \bGH-\d+                      # issues
    | (?<![\w:]):[a-z0-9_+-]+:(?![\w:])     # little pictures
    """
)
"""What GitHub makes links, mentions and pictures of, wherever it stands in a text."""
_MARKUP = re.compile(r"([\\`*|<>\[\]~$]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_]))")
_NUMBERS = re.compile(r"[\d.,%×+()→±-]+(?: [\d.,%×+()→±-]+)*")
"""Numbers, in which nothing is anything else."""
_BEGINS = re.compile(r"^(\d*)([.)](?=\s)|#(?=#*\s)|[-+](?=\s)|-(?=--+$))")
"""What begins a list, a heading or a rule, and a number before it."""


def markdown(text: str) -> str:
    """Inline Markdown that shows one line as it is, also at the beginning of a line or an item.

    What GitHub would make a link of stands as code; an underscore inside a word is harmless.
    """
    return _BEGINS.sub(r"\1\\\2", markdown_cell(text))


def markdown_cell(text: str) -> str:
    """The same, but for what only the beginning of a line means: a cell of a table begins none."""
    if _NUMBERS.fullmatch(text):
        return text  # as most cells of a table are
    rest = line(text)
    parts: list[str] = []
    end = 0
    for found in _LINKED.finditer(rest):
        parts += _MARKUP.sub(r"\\\1", rest[end : found.start()]), markdown_code(found[0])
        end = found.end()
    return "".join([*parts, _MARKUP.sub(r"\\\1", rest[end:])])


def markdown_prose(text: str) -> str:
    """A sentence of ours with code between backquotes, as Markdown."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # the last one opens nothing
        parts[-2:] = [f"{parts[-2]}`{parts[-1]}"]
    return "".join(
        (markdown_code if number % 2 else _prose)(part) for number, part in enumerate(parts)
    )


def _prose(text: str) -> str:
    """A piece of a sentence, with the spaces that part it from its neighbours."""
    before, after = (" " if text[at : at + 1 or None].isspace() else "" for at in (0, -1))
    return f"{before}{markdown(text)}{after if text.strip() else ''}"


def markdown_code(text: str) -> str:
    """One line as code in Markdown, whatever it holds; nothing where there is nothing to show."""
    shown = line(text)
    if not shown:
        return ""
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def html(value: T) -> T | str:
    """For jinja2's `finalize`: text in one line; `Markup` and what is no text as it is."""
    return line(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "×": r"$\times$",
    "→": r"$\rightarrow$",
    "±": r"$\pm$",
    "…": r"\dots{}",
}
"""What means something to LaTeX, or is in no font of its own."""


def latex(text: str) -> str:
    """One line of LaTeX; characters that it can't set become "?"."""
    known = "".join(_LATEX.get(character, character) for character in line(text))
    apart = known.replace("--", "-{}-")  # or they become a dash
    return apart.encode("latin-1", "replace").decode("latin-1")


_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What spreadsheets take for the beginning of a formula, also in its wide form."""
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?")


def csv(cell: T) -> T | str:
    """A cell for spreadsheets: one line, and an apostrophe before what they would run as a formula.

    Numbers, also as text, and what is no text stay as they are.
    """
    if not isinstance(cell, str):
        return cell
    formula = cell.lstrip(" ").startswith(_FORMULA) and not _NUMBER.fullmatch(cell)
    shown = _no_commands(visible(cell))
    return f"'{shown}" if formula else shown


def json(value: Any, indent: int | None = None) -> str:
    """JSON in ASCII, which keeps every character, and in which no text is a command of CI's.

    Raises:
        ValueError: a number in it is none that JSON has.
    """
    written = standard_json.dumps(value, allow_nan=False, indent=indent)
    return _OLD_COMMAND.sub(r"##\1\\u005b", written) if "##" in written else written


def xml(text: str) -> str:
    """One line without what no XML may hold; whoever writes it escapes its markup."""
    return line(text)


def annotation(text: str) -> str:
    """What a GitHub workflow command says; the ends of lines are encoded."""
    ends = {"\r": "%0D", "\n": "%0A"}
    return "".join(ends.get(c) or visible(c).replace("%", "%25") for c in _no_old_commands(text))


def annotation_property(text: str) -> str:
    """A property of a GitHub workflow command."""
    return annotation(text).replace(":", "%3A").replace(",", "%2C")


def shell(words: Iterable[object]) -> str:
    """A command line in one line, quoted for a shell; a word that needs escapes in the way of bash
    and zsh, as $'\\x1b'."""
    return " ".join(map(_quoted, map(str, words)))


def _quoted(word: str) -> str:
    if visible(word) != word:
        safe = word.replace("\\", r"\\").replace("'", r"\'")
        return f"$'{''.join(map(_byte, safe))}'"
    # A line must not begin with what runners of CI take for a command.
    return f"'{word}'" if word.startswith("::") and shlex.quote(word) == word else shlex.quote(word)


def _byte(character: str) -> str:
    """A character; of an argument's undecodable byte that byte."""
    undecoded = "\udc80" <= character <= "\udcff"
    return rf"\x{ord(character) - 0xDC00:02x}" if undecoded else _shown(character)


_PLAIN = {
    "→": "->", "×": "x", "≤": "<=", "≥": ">=", "±": "+-", "…": "...", "·": "*", "\xa0": " ",
    "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2018": "'", "\u2019": "'", "“": '"', "”": '"',
}  # fmt: skip


def plain(text: str) -> str:
    """In ASCII, for a terminal that knows no more: a likeness of what has one, else its escape."""
    return "".join(
        _PLAIN.get(character, character).encode("ascii", "backslashreplace").decode("ascii")
        for character in text
    )
