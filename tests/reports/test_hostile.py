"""Whatever stands in a record: every format shows it, and nothing in it is an instruction."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bench import cli
from tests.filled import filled_lines
from tests.spoilt import written

CONTROLS = "\x1b]0;owned\x07\x1b[2J \u202e\u2066\u200b\u2028\x85\x9b\x00\ud800\ufeff\U000e0041"
MARKUP = (
    "<script>alert(1)</script> <img src=x onerror=a> &lt; | `c` ``d`` [a](http://e.example)"
    " ![i](x) @octocat #12 GH-1 a/b#3 https://e.example www.e.example me@e.example *b* _i_ __j__"
    " ~~s~~ $x$ \\input{/etc/passwd} ^^M ~ % {x} \" ' </script> ]]> <!-- :tada: [red]x[/red]"
)
LINES = "\n::error::owned\r\n  ::warning::x\n##[error]x\n# heading\n- item\n1. one\n> q\n---\n\ty"
BEGINNINGS = ("=1+1", "@SUM(1)", "+1-1", "-x", "::error::x", "# h", "- i", "1. o", "\t=1", "`", "")
ALL = [f"{begun}{CONTROLS}{MARKUP}{LINES}" for begun in BEGINNINGS]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that says something hostile in every field; and counts that do, before and after."""
    environment, *lines = filled_lines(ALL[0])
    lines += [line for text in ALL[1:] for line in filled_lines(text)[1:]]
    failed = [
        {**line, "status": "failed", "speedup": None, "verdict": None, "variant": line["reason"]}
        for line in lines
        if line["kind"] == "comparison"
    ]
    counts = [line for line in lines if line["kind"] == "counts"]
    told = {"ALL": [*lines, *failed], "WAS": counts, "NEW": [*map(_more, counts)]}
    folder = tmp_path_factory.mktemp("hostile")
    for name, found in told.items():
        (folder / f"{name}.jsonl").write_text(written([environment, *found]))
    return folder


def _more(line: dict[str, Any]) -> dict[str, Any]:
    """Counts that are larger in every way."""
    more = json.loads(json.dumps(line["counts"]), parse_int=lambda digits: int(digits) + 1)
    return {**line, "counts": more}


@pytest.fixture
def told(files: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Any:
    """What a command prints of them."""

    def run(*words: str) -> str:
        places = [str(files / f"{word}.jsonl") if word.isupper() else word for word in words]
        assert cli.main(places) in (0, 1)
        printed = capsysbinary.readouterr()
        assert printed.err == b""
        return printed.out.decode()

    return run


def shows(text: str, but: str = "\n") -> None:
    """Assert that every character shows, and that no line is a command to a runner of CI."""
    hidden = {c for c in set(text) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert hidden <= set(but)
    for line in text.split("\n"):
        assert not line.strip().startswith("::")
        assert "##[" not in line


def tokens(text: str) -> Iterator[Token]:
    found = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    for token in found:
        yield token
        yield from token.children or ()


def is_plain_markdown(text: str) -> None:
    shows(text)
    found = list(tokens(text))
    allowed = {
        *("paragraph", "bullet_list", "list_item", "strong", "table", "thead", "tbody", "tr"),
        *("th", "td", "inline", "text", "code_inline", "code_block", "softbreak", "text_special"),
    }
    assert {re.sub("_(open|close)$", "", token.type) for token in found} <= allowed
    for token in found:
        if token.type in ("text", "text_special"):
            assert not re.search(r"(?<!\w)@\w|#\d|\bGH-\d|://|www\.|\w@\w|:tada:", token.content)


@pytest.mark.parametrize("form", ["md", "explained", "paragraphs"])
def test_markdown_has_no_markup_but_ours(told: Any, form: str) -> None:
    said = told("report", "ALL", "--format", form)
    is_plain_markdown(said)
    assert "owned" in said
    assert r"\x1b" in said or r"\\x1b" in said, "what has no look of its own is shown"


def test_csv_has_cells_that_no_spreadsheet_runs(told: Any) -> None:
    said = told("report", "ALL", "--format", "csv")
    shows(said, but="\r\n")
    head, *rows = csv.reader(io.StringIO(said))
    assert rows
    assert {len(row) for row in rows} == {len(head)}
    for cell in (cell for row in rows for cell in row):
        assert "\n" not in cell
        assert not re.match(r"\s*[=+@\-\t\r]", cell) or re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell)


def test_json_is_ascii_and_keeps_every_character(told: Any, files: Path) -> None:
    said = told("report", "ALL", "--format", "json")
    assert said.isascii()
    shows(said)
    environment = json.loads((files / "ALL.jsonl").read_text().splitlines()[0])
    assert json.loads(said)["runs"][0]["environment"]["processor"] == environment["processor"]


def test_latex_has_balanced_braces_and_no_command_but_ours(told: Any) -> None:
    said = told("report", "ALL", "--format", "latex")
    shows(said)
    assert r"\input" not in said.replace(r"\usepackage[utf8]{inputenc}", "")
    assert "^^" not in said
    depth = 0
    for brace in re.findall(r"(?<!\\)(?:\\\\)*([{}])", said):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0


class Page(HTMLParser):
    """The elements and attributes of a page, and its text outside of styles and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: set[str] = set()
        self._texts: list[str] = []
        self.feed(text)
        self.text = "".join(self._texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}
        self._texts += (value or "" for _, value in attrs)

    def handle_data(self, data: str) -> None:
        self._texts.append(data)


def test_the_page_has_one_script_and_no_element_of_a_record(told: Any) -> None:
    page = Page(told("report", "ALL", "--format", "html"))
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert not {name for name in page.names if name.startswith("on")}
    shows(page.text.replace("::", ""))
    assert "<script>alert(1)</script>" in page.text


def test_a_comparison_is_plain_markdown_too(told: Any) -> None:
    said = told("compare", "WAS", "NEW", "--allow-env-mismatch")
    is_plain_markdown(said)
    assert "owned" in said


def test_annotations_are_a_command_a_line(told: Any) -> None:
    said = told("compare", "WAS", "NEW", "--allow-env-mismatch", "--format", "annotations")
    lines = said.rstrip("\n").split("\n")
    assert lines != [""]
    for line in lines:
        found = re.fullmatch(r"::(?:error|warning|notice) title=([^:,]*)::(.*)", line)
        assert found is not None
        shows(line.removeprefix("::"))
        assert not re.search(r"%(?!25|3A|2C|0A|0D)", found[1] + found[2])


def test_junit_is_xml_with_text_that_shows(told: Any) -> None:
    suites = ElementTree.fromstring(
        told("compare", "WAS", "NEW", "--allow-env-mismatch", "--format", "junit")
    )
    said = [*(v for e in suites.iter() for v in e.attrib.values()), *map(str, suites.itertext())]
    assert any("owned" in text for text in said)
    for text in said:
        shows(text.strip())
    assert {element.tag for element in suites.iter()} <= {
        *("testsuites", "testsuite", "testcase", "failure", "skipped"),
    }


def test_json_of_a_comparison_is_ascii(told: Any) -> None:
    for form in ("json", "github-action-benchmark"):
        said = told("compare", "WAS", "NEW", "--allow-env-mismatch", "--format", form)
        assert said.isascii()
        assert json.loads(said)
