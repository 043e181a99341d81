"""Write the tables of contents of pages in Markdown: `python -m tools.contents`.

A page of more than LONGEST lines tells below its title what is in it: one paragraph that links to
its headings of the second level. Anchors are those that GitHub gives headings.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from pathlib import Path

from bench import files

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 100
"""Lines of a page that needs no table of contents: about two screens."""
WIDTH = 110
_START = "On this page: "
_FENCE = re.compile(r"^([> ]*)(`{3,}).*?^\1\2`*[ ]*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6})[ ]+(.+?)[ ]*#*[ ]*$", re.MULTILINE)
_TABLE = re.compile(rf"^{_START}.*?\n\n", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")


def prose(text: str) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", text)


def headings(text: str) -> list[tuple[int, str]]:
    """The level and the text of each heading, in their order."""
    return [(len(marks), title) for marks, title in _HEADING.findall(prose(text))]


def anchors(text: str) -> list[str]:
    """The anchor of each heading, in their order; what comes again gets a number."""
    met: Counter[str] = Counter()
    found = []
    for _, title in headings(text):
        name = anchor(title)
        found.append(f"{name}-{met[name]}" if met[name] else name)
        met[name] += 1
    return found


def anchor(title: str) -> str:
    """What GitHub calls a heading's place: small letters, digits, hyphens for spaces."""
    shown = re.sub(r"[`*]", "", _LINK.sub(r"\1", title))
    return re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")


def table(text: str) -> str:
    """The table of contents that a page should have: a paragraph, and the empty line after it."""
    links = [
        f"[{title}](#{name})"
        for (level, title), name in zip(headings(text), anchors(text), strict=True)
        if level == 2
    ]
    whole = [link.replace(" ", "\N{NO-BREAK SPACE}") for link in links]
    lines = textwrap.wrap(
        _START + " · ".join(whole), WIDTH, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines).replace("\N{NO-BREAK SPACE}", " ") + "\n\n"


def is_long(text: str) -> bool:
    """Whether a page needs one."""
    return text.count("\n") > LONGEST


def tabled(text: str) -> str:
    """A page with the table of contents that it should have; of a short one, as it is."""
    if not is_long(text):
        return text
    without = _TABLE.sub("", text, count=1)
    title, line, rest = without.partition("\n\n")
    return title + line + table(without) + rest


def pages(root: Path = ROOT) -> list[Path]:
    """What people read, but for the front page and for what is measured."""
    named = [root / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [*named, *sorted((root / "docs").glob("*.md"))]


def main() -> None:
    """Write those again that differ; the page of `make results` has a table of its own."""
    for path in pages():
        text = path.read_text(encoding="utf-8")
        if path.name != "results.md" and tabled(text) != text:
            files.write(path, tabled(text))


if __name__ == "__main__":
    main()
