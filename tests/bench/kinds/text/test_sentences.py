"""Sentences: those that are shipped, a user's, and what happens where one can't be attacked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.base import AdapterError
from adapters.text import sentences
from bench.cases import BASELINE, SEMI_BACKWARD
from bench.kinds.text.findings import TextFindings
from bench.worker.checks import check
from tests.bench.kinds.text.workloads import built

pytestmark = pytest.mark.usefixtures("openattack")


def test_fifty_sentences_are_shipped() -> None:
    found = sentences.read(sentences.SHIPPED)
    assert [sentence.line for sentence in found] == list(range(1, 51))
    assert len({sentence.text for sentence in found}) == 50
    assert all(5 <= len(sentence.text.split()) <= 30 for sentence in found)
    assert all(sentence.text.isascii() and "\t" not in sentence.text for sentence in found)


def test_a_users_file_may_have_a_mark_and_windows_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_bytes(b"\xef\xbb\xbfOne film.\r\n\r\n  Another one. \r\n")
    assert sentences.read(str(file)) == (
        sentences.Sentence(1, "One film."),
        sentences.Sentence(2, ""),
        sentences.Sentence(3, "Another one."),
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"caf\xe9\n", "no UTF-8"), (b"\n \n", "no sentence in it"), (None, "read")],
)
def test_a_file_of_no_use_is_told_in_a_line(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "mine.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(AdapterError, match=said) as raised:
        sentences.read(str(file))
    assert "mine.txt" in str(raised.value)


def test_empty_and_long_sentences_are_left_out_and_the_others_go_on(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("A warm film.\n\n" + "word " * 200 + "\nThe plot is dull.\n")
    work = built(sentences=str(file), batch=4)
    found = check(work)
    assert isinstance(found.findings, TextFindings)
    assert [(s.line, s.status) for s in found.findings.sentences] == [
        (1, "attacked"),
        (2, "left out"),
        (3, "left out"),
        (4, "attacked"),
    ]
    assert [warning for warning in found.warnings if "line 2" in warning and "empty" in warning]
    assert [warning for warning in found.warnings if "line 3" in warning and "reads 126" in warning]
    assert work.run(BASELINE, lambda run: True, part=1)
    with pytest.raises(IndexError):
        work.run(BASELINE, lambda run: True, part=2)


def test_a_sentence_at_which_the_library_fails_is_told_and_the_others_go_on() -> None:
    work = built(batch=3)
    attacker = type(work.attacks[BASELINE].attacker)
    whole = attacker.attack

    def attack(self: Any, victim: Any, sentence: str, goal: Any) -> Any:
        if sentence == work.sentences[1].text:
            raise RuntimeError("Sent 3 != Gradient 2")
        return whole(self, victim, sentence, goal)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attacker, "attack", attack)
        found = check(work)
    assert found.equality.equal
    assert isinstance(found.findings, TextFindings)
    assert [s.status for s in found.findings.sentences] == ["attacked", "failed", "attacked"]
    assert found.findings.sentences[1].reason == "RuntimeError: Sent 3 != Gradient 2"
    assert any("line 2" in warning for warning in found.warnings)
    assert [s.line for s in work._working()] == [1, 3], "blocks number those that work"


def test_an_operation_without_a_deterministic_kernel_is_no_failure_of_the_library() -> None:
    """torch refuses it on CUDA; then the gate looks again, and the sentence is not left out."""
    made = built()

    def refused(*_: Any) -> None:
        raise RuntimeError(
            "index_add_cuda_ does not have a deterministic implementation, but you set"
            " 'torch.use_deterministic_algorithms(True)'."
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(made.attacks[BASELINE].attacker), "attack", refused)
        with pytest.raises(RuntimeError, match="index_add_cuda_"):
            made.output(BASELINE)


def test_a_variant_that_makes_another_sentence_is_unequal() -> None:
    """Here its attack is another one."""
    work, other = built(attack="textfooler", queries=None), built(attack="uat")
    attacks = {BASELINE: work.attacks[BASELINE], SEMI_BACKWARD: other.attacks[SEMI_BACKWARD]}
    found = check(replace(work, attacks=attacks))
    assert not found.equality.equal
    assert found.unequal is not None
    assert found.unequal.startswith(
        "semi-backward gives other adversarial sentences than original: at line 1: '"
    )
    assert " queries against " in found.unequal


def test_no_sentence_left_ends_the_case(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("word " * 200)
    with pytest.raises(AdapterError, match="no sentence to attack; at line 1: it has"):
        built(sentences=str(file))
