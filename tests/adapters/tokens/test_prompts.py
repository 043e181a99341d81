"""Prompts: those that are shipped, a user's, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.base import AdapterError
from adapters.tokens import prompts
from adapters.tokens.prompts import Prompt


def test_ten_prompts_are_shipped_each_with_its_answer() -> None:
    found = prompts.read(prompts.SHIPPED)
    assert [prompt.line for prompt in found] == list(range(1, 11))
    assert all(prompt.text.isascii() and prompt.target.endswith(".") for prompt in found)


def test_a_users_file_may_have_a_mark_windows_line_ends_and_empty_lines(tmp_path: Path) -> None:
    file = tmp_path / "mine.tsv"
    file.write_bytes(b"\xef\xbb\xbfOne?\tOne.\r\n\r\n Two? \t Two. \r\n")
    assert prompts.read(str(file)) == (Prompt(1, "One?", "One."), Prompt(3, "Two?", "Two."))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "can't be read: No such file"),
        (b"caf\xe9\tx\n", "no UTF-8"),
        (b"\n \n", "no prompt in it"),
        (b"a\tb\nno answer\n", "line 2 is no prompt, a tabulator and its answer"),
        (b"one\ttwo\tthree\n", "line 1 is no prompt"),
        (b"\tan answer\n", "line 1 is no prompt"),
    ],
)
def test_a_file_of_no_use_is_told_in_a_line(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "mine.tsv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(AdapterError, match=said) as raised:
        prompts.read(str(file))
    assert "mine.tsv" in str(raised.value)
    assert "\n" not in str(raised.value)
