"""Text on so many columns: broken at words, cut, in tables, as a command that a shell takes."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from bench import layout

SENTENCE = (
    "Put the attack into `with semi_backward(model):` for 漢字漢字 and 🦊: 1.4 times as fast."
)


@pytest.mark.parametrize("columns", range(27, 90))
def test_a_sentence_is_broken_at_words_and_keeps_them_all(columns: int) -> None:
    lines = layout.broken(SENTENCE, columns, "  ").split("\n")
    assert all(layout.width(line) <= columns for line in lines)
    assert " ".join(line.strip() for line in lines) == SENTENCE
    assert all(line.startswith("  ") for line in lines[1:])


def test_code_stays_on_one_line_where_one_can_hold_it() -> None:
    assert "`with semi_backward(model):`" in layout.broken(SENTENCE, 30).split("\n")
    assert "`with" in layout.broken(SENTENCE, 20), "else it is broken as well"


def test_a_line_that_fits_keeps_its_blanks_and_a_word_that_fits_nowhere_stands_alone() -> None:
    assert layout.broken("ok  art           1.20", 80) == "ok  art           1.20"
    assert layout.broken("ok  art   one two", 13, "    ") == "ok  art   one\n    two"
    assert layout.broken(f"see {'x' * 30} there", 10) == f"see\n{'x' * 30}\nthere"


def test_what_is_cut_ends_with_dots_at_a_word_where_one_is_near() -> None:
    assert layout.cut("failed: it fell over", 20) == "failed: it fell over"
    assert layout.cut("failed: it fell over", 19) == "failed: it fell…"
    assert layout.cut("supercalifragilistic", 5) == "supe…"
    assert layout.cut("漢字漢字", 6) == "漢字…"


def test_numbers_stand_to_the_right_and_heads_are_broken_at_hyphens() -> None:
    rows = [("漢", "1.5 s", "62 of 62 in vain"), ("b", "-", "autograd.grad")]
    assert layout.grid(("case", "semi-backward", "why"), rows) == [
        "         semi-",
        "case  backward  why",
        "----  --------  ----------------",
        "漢       1.5 s  62 of 62 in vain",
        "b            -  autograd.grad",
    ]


def test_the_last_cell_of_a_short_row_takes_the_rest_of_its_line() -> None:
    lines = layout.grid(("case", "a", "b"), [("art", "failed: it fell over"), ("x", "1", "2")])
    assert lines[2:] == ["art   failed: it fell over", "x     1  2"]
    lines = layout.grid(("case", "a", "b"), [("art", "failed"), ("foolbox", "failed")])
    assert lines[2:] == ["art      failed", "foolbox  failed"]


def test_a_long_command_goes_on_in_the_next_line_for_a_shell_too() -> None:
    line = "echo one two three four five six seven eight nine ten"
    shown = layout.command(line, 30)
    assert max(map(len, shown.split("\n"))) <= 30
    done = subprocess.run(["bash", "-c", shown], capture_output=True, text=True, check=True)
    assert done.stdout.split() == shlex.split(line)[1:]
    assert layout.command("x 'a  b' c", 6) == "  x 'a  b' c", "what is quoted is never broken"
