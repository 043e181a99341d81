"""Text for people: what has no look of its own shows, and nothing in it is an instruction."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from bench import telling


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, 漢, é, × → 5\xa0%", "plain, 漢, é, × → 5\xa0%"),
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\u200b\u2028\x85\ud800\U000e0041", r"\u200b\u2028\x85\ud800\U000e0041"),
    ],
)
def test_every_character_shows(text: str, shown: str) -> None:
    assert telling.visible(text) == shown


def test_a_line_is_one_line_and_no_command_of_a_runner() -> None:
    assert telling.line(" a \r\n\tb ") == "a b"
    assert telling.line("\n::error::x") == r"\::error::x"
    assert telling.line("a ##[error]x ##vso[y]") == r"a ##\[error]x ##vso\[y]"
    assert telling.line("a::b") == "a::b"


def test_lines_end_where_ours_do() -> None:
    assert telling.lines("a\n  ::error::x\n\x1bb\n") == "a\n\\  ::error::x\n\\x1bb\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_b __c__", r"a_b \_\_c\_\_"),
        ("a@b, @me", r"a@b, `@me`"),
        ("#12 of a/b#3, C#", "`#12` of a/b`#3`, C#"),
        ("see https://e.example/x?y.", "see `https://e.example/x?y.`"),
        ("R&D &amp; <b>", r"R&D \&amp; \<b\>"),
        ("# h", r"\# h"),
        ("- i", r"\- i"),
        ("1. o", r"1\. o"),
        ("-39 %, 1.5", "-39 %, 1.5"),
        ("---", r"\---"),
    ],
)
def test_markdown_shows_a_text_as_it_is(text: str, shown: str) -> None:
    assert telling.markdown(text) == shown


def test_a_cell_may_begin_as_an_item_would() -> None:
    assert telling.markdown_cell("- saved") == "- saved"


def test_code_holds_backquotes() -> None:
    assert telling.markdown_code("a`b``c") == "```a`b``c```"
    assert telling.markdown_code("`") == "`` ` ``"
    assert telling.markdown_code(" ") == ""


def test_prose_keeps_our_code_and_escapes_the_rest() -> None:
    assert telling.markdown_prose("call `a_*b` or *c*") == r"call `a_*b` or \*c\*"
    assert telling.markdown_prose("one ` alone") == r"one \` alone"
    assert telling.markdown_prose("`a` `b`") == "`a` `b`"


@pytest.mark.parametrize("cell", ["=1+1", "@x", "+a", "-b", " =1", "\t=1", "\uff1d1"])
def test_a_formula_begins_with_an_apostrophe(cell: str) -> None:
    assert telling.csv(cell).startswith("'")


@pytest.mark.parametrize("cell", ["-1", "+1.5", "-2e-05", "a=b", "", -1, None, 1.5])
def test_a_number_stays_one(cell: object) -> None:
    assert telling.csv(cell) == cell


def test_json_keeps_every_character_in_ascii() -> None:
    assert telling.json(["→\ud800\u2028"]) == r'["\u2192\ud800\u2028"]'
    assert telling.json("##[error]") == r'"##\u005berror]"'
    with pytest.raises(ValueError, match="not JSON compliant"):
        telling.json(float("nan"))


@pytest.mark.parametrize(
    "word",
    [
        "plain",
        "two words",
        "it's",
        "",
        "::error::x",
        "a\nb",
        "\x1b[2J",
        "é→",
        "\\n",
        "\x01'\\",
        "$x",
    ],
)
def test_a_shell_reads_the_words_that_it_is_shown(word: str) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    line = telling.shell(["printf", "%s", word])
    assert telling.line(line) == line
    done = subprocess.run([bash, "-c", line], capture_output=True, check=True)
    assert done.stdout.decode() == word


def test_a_shell_reads_a_byte_that_is_no_character() -> None:
    assert telling.shell(["x\udcff"]) == r"$'x\xff'"


def test_ascii_has_a_likeness_for_what_we_print() -> None:
    assert telling.plain("3×4 → ≤ 5 … ±é漢") == r"3x4 -> <= 5 ... +-\xe9\u6f22"
