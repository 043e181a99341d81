"""Pages of prose: links lead somewhere, long pages tell what is in them, none is forgotten."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from bench.choosing import suites
from bench.commands import arguments
from tests import toml
from tests.places import RESULTS, ROOT
from tests.told import lines
from tools import contents

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *contents.pages()]
MEASURED = sorted(RESULTS.rglob("*.md"))
REPORTS = sorted((DOCS / "upstream").glob("*.md"))
_INLINE = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_DEFINED = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)", re.MULTILINE)
_TAG = re.compile(r"<[^>]+\s(?:src|href|srcset)=\"([^\"]+)\"")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
_ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:", re.IGNORECASE)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def links(text: str) -> Iterator[str]:
    """Where a page leads: inline, defined below, or in tags."""
    shown = _CODE.sub("", contents.prose(text))
    for pattern in (_INLINE, _DEFINED, _TAG):
        yield from pattern.findall(shown)


def missing(page: Path, link: str) -> str | None:
    """What is not there of a link within this project; None if all is, or it leads elsewhere."""
    if _ELSEWHERE.match(link):
        return None
    path, _, anchor = unquote(link).partition("#")
    place = (page.parent / path) if path else page
    if not place.exists():
        return f"{link}: no such file"
    known = contents.anchors(place.read_text("utf-8")) if place.suffix == ".md" else []
    return f"{link}: no such heading" if anchor and anchor not in known else None


@pytest.mark.parametrize("page", [*PAGES, *MEASURED, *REPORTS], ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [told for link in links(text) if (told := missing(page, link))] == []


def test_links_are_found_and_held_to_their_headings(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b_c`, d: *e*?\n\n## Twice\n\n## Twice\n\n[x](#a-b_c-d-e) [y](#twice-1) `[z](no.md)`\n"
        '[i](page.md "title")\n<img src="none.svg">\n\n```\n[k](no.md)\n## No\n```\n\n'
        "[l]: none.md\n"
        "[m](#twice-2) [n](https://example.org/none)\n"
    )
    text = page.read_text()
    assert contents.anchors(text) == ["a-b_c-d-e", "twice", "twice-1"]
    assert [missing(page, link) for link in links(text) if missing(page, link)] == [
        "#twice-2: no such heading",
        "none.md: no such file",
        "none.svg: no such file",
    ]


LONG = [page for page in contents.pages() if contents.is_long(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", LONG, ids=name)
def test_a_long_page_tells_at_its_top_what_is_in_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    top, _, _ = text.partition("\n## ")
    told = [link[1:] for link in links(top) if link.startswith("#")]
    places = list(zip(contents.headings(text), contents.anchors(text), strict=True))
    assert told == [place for (level, _), place in places if level == 2 or place in told]
    assert {place for (level, _), place in places if level == 2} <= set(told)


@pytest.mark.parametrize("page", contents.pages(), ids=name)
def test_it_is_as_the_tool_writes_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if page.name != "results.md":  # whose own is of two levels, by `make results`
        assert text == contents.tabled(text), "python -m tools.contents writes it"


def test_a_table_of_contents_has_the_headings_in_their_order() -> None:
    body = "Text.\n\n## One `two`\n\n### Not this\n\n## Three\n\n" + "line\n" * contents.LONGEST
    page = contents.tabled(f"# Title\n\n{body}")
    table = "On this page: [One `two`](#one-two) · [Three](#three)"
    assert page == f"# Title\n\n{table}\n\n{body}"
    assert contents.tabled(page) == page
    moved = page.replace("## Three", "## Four")
    assert contents.tabled(moved) == page.replace("Three", "Four").replace("#three", "#four")
    assert contents.tabled("# Title\n\nShort.\n") == "# Title\n\nShort.\n"


def test_the_list_of_pages_names_every_page_and_all_that_was_measured() -> None:
    text = (DOCS / "README.md").read_text(encoding="utf-8")
    named = {link.partition("#")[0] for link in links(text)}
    pages = {page.name for page in DOCS.glob("*.md")} - {"README.md"}
    assert pages <= named
    places = {link.removeprefix("../results/").partition("/")[0] for link in named}
    assert {place.name for place in RESULTS.iterdir() if not place.name.startswith(".")} <= places


SHARED = 12
"""Words in a row that no two pages have: a sentence stands once, and others lead there."""


def sayings(text: str) -> set[tuple[str, ...]]:
    """What a page says in words, by as many in a row; not its code, tables and headings."""
    lines = [line for line in contents.prose(text).split("\n") if not line.startswith(("|", "#"))]
    words = re.findall(r"\w+", " ".join(lines).lower())
    return {tuple(words[at : at + SHARED]) for at in range(len(words) - SHARED + 1)}


def test_no_page_tells_in_the_same_words_what_another_tells() -> None:
    """Of what is written by hand; pages of measured tables repeat their notes."""
    pages = [page for page in contents.pages() if page.name != "results.md"]
    found = {name(page): sayings(page.read_text(encoding="utf-8")) for page in pages}
    both = {
        (one, other): sorted(found[one] & found[other])
        for one, other in itertools.combinations(found, 2)
    }
    assert {pair: " ".join(same[0]) for pair, same in both.items() if same} == {}


def commands() -> list[str]:
    (found,) = (a.choices for a in arguments.parser()._actions if a.dest == "command")
    assert isinstance(found, dict)
    return list(found)


def test_every_command_has_an_example_of_its_own_under_a_heading() -> None:
    page = DOCS / "use.md"
    text = page.read_text(encoding="utf-8")
    shown = {line.words[3] if len(line.words) > 3 else "run" for line in lines.of_page(page)}
    titles = " ".join(title for level, title in contents.headings(text) if level == 2)
    assert len(commands()) >= 9
    for command in commands():
        assert command in shown or command == "run", command
        assert f"`{command}`" in titles, command


def test_every_suite_is_named_where_commands_are() -> None:
    text = (DOCS / "use.md").read_text(encoding="utf-8")
    assert len(suites.names()) > 15
    named = {suite.removesuffix("-small") for suite in suites.names()}
    assert {suite for suite in named if f"`{suite}`" not in text} == set()


def test_the_suite_that_is_shown_is_one(tmp_path: Path) -> None:
    text = (DOCS / "use.md").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(text.partition("```toml\n")[2].partition("```")[0])
    (group,) = suites.load(str(path)).groups
    assert group.libs == ("torchattacks", "foolbox")


def test_every_extra_that_users_need_is_named_where_commands_are() -> None:
    text = (DOCS / "use.md").read_text(encoding="utf-8")
    project = toml.table((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"]) - {"selfcheck", "dev"}
    assert {extra for extra in extras if f"`{extra}`" not in text} == set()


def test_every_exit_code_is_told_where_commands_are() -> None:
    text = (DOCS / "use.md").read_text(encoding="utf-8")
    _, _, table = text.partition("## Exit codes\n")
    assert re.findall(r"^\| (\d+) \|", table, re.MULTILINE) == [*"012345", "70", "130"]
