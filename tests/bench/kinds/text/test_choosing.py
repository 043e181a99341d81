"""What can be asked of attacks on text, how it is counted, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters import registry
from adapters.base import LibraryUnavailable
from bench.cases import FORWARD_ONLY, SEMI_BACKWARD
from bench.choosing import suites
from bench.errors import UsageError
from bench.kinds.text.options import TextOptions
from reports.reading import published
from tests.commands import chosen
from tests.places import MACHINE

PAPER = json.loads(published.FILE.read_text())["tables"]["text"]["rows"]


@pytest.mark.parametrize(
    "words",
    [
        ["--libs", "openattack"],
        ["--victim", "bert-base"],
        ["--attacks", "textfooler", "fd", "deepwordbug"],
        ["--suite", "text"],
    ],
)
def test_text_may_be_asked_for_by_library_victim_attack_or_suite(words: list[str]) -> None:
    found = chosen(*words)
    assert {c.case.attack for c in found} == {"textfooler", "fd", "deepwordbug"}
    assert {c.case.library for c in found} == {"openattack"}
    assert {c.case.model for c in found} == {"bert-base"}
    assert {c.case.kind for c in found} == {"text"}


def test_every_attack_is_measured_in_both_variants() -> None:
    """Also the one that reads gradients, whose other queries read none."""
    found = chosen("--libs", "openattack", "--attacks", "all")
    variants = {c.case.attack: set() for c in found}  # type: dict[str, set[str]]
    for comparison in found:
        variants[comparison.case.attack].add(comparison.variant)
    assert set(variants) == set(registry.get("openattack").attacks())
    assert all(both == {SEMI_BACKWARD, FORWARD_ONLY} for both in variants.values())


@pytest.mark.parametrize("name", ["paper-text", "paper-text-small"])
def test_the_papers_attacks_on_bert(name: str) -> None:
    cases = {c.case for c in chosen("--suite", name)}
    assert sorted(case.attack for case in cases) == sorted(row["attack"] for row in PAPER)
    assert {case.model for case in cases} == {"bert-base"}
    assert {TextOptions.of(case).queries is None for case in cases} == {name == "paper-text"}


def test_options_of_text(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("One.\nTwo.\nThree.\n")
    (tmp_path / "TProcess.NLTKWordNet").mkdir()
    words = ["--victim", "bert-tiny", "--sentences", str(file), "--resources", str(tmp_path)]
    found = {c.case for c in chosen(*words, "--queries", "7", "--batch", "2", "9")}
    assert {case.batch for case in found} == {2, 3}, "no more than there are"
    (one,) = {(c.model, c.options) for c in found}
    asked = TextOptions(sentences=str(file), resources=str(tmp_path), queries=7)
    assert one == ("bert-tiny", asked)
    assert {
        TextOptions.of(c.case).queries for c in chosen("--libs", "openattack", "--queries", "0")
    } == {None}


def test_a_budget_makes_another_case_and_the_ids_of_images_stay() -> None:
    (five,) = {c.case.id for c in chosen("--attacks", "fd", "--queries", "5")}
    (six,) = {c.case.id for c in chosen("--attacks", "fd", "--queries", "6")}
    assert five != six
    record = MACHINE / "torch-2.13.0.jsonl"
    recorded = [json.loads(line) for line in record.read_text().splitlines()]
    known = {line["case_id"] for line in recorded if line["kind"] == "comparison"}
    assert known == {c.case.id for c in chosen("--suite", "quick")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--libs", "openattack", "foolbox"], "some attack images and some text"),
        (["--suite", "paper-text", "--libs", "foolbox"], "foolbox attacks images"),
        (["--suite", "quick", "--libs", "openattack"], "openattack attacks text"),
        (["--suite", "quick", "--queries", "3"], "--queries is for attacks on text"),
        (["--libs", "foolbox", "--sentences", "x"], "--sentences is for attacks on text"),
        (["--libs", "openattack", "--models", "resnet18"], "name what is attacked with --victim"),
        (["--libs", "openattack", "--steps", "3"], "--steps is for attacks on images"),
        (["--libs", "openattack", "--defaults"], "--defaults is for attacks on images"),
        (["--libs", "openattack", "--max-batch-search"], "--max-batch-search is for attacks on im"),
        (["--libs", "openattack", "--sentences", "absent.txt"], "absent.txt: can't be read"),
        (["--libs", "openattack", "--resources", "absent"], "is in it; name a folder"),
        (["--libs", "openattack", "--victim", "./absent"], "there is no such folder"),
        (["--libs", "openattack", "--attacks", "textfoler"], "did you mean textfooler"),
        (["--libs", "openattack", "--attacks", "pgd"], "unknown attack 'pgd'"),
        (["train", "--libs", "openattack"], "train"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(words: list[str], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        chosen(*words)
    assert said in str(raised.value)


def test_a_suite_of_text_needs_neither_size_nor_steps(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    group = 'libs = ["{}"]\nattacks = ["fd"]\nmodels = ["bert-tiny"]\nbatch = [2]\nqueries = 3\n'
    file.write_text(f"[[cases]]\n{group.format('openattack')}")
    assert {TextOptions.of(c.case).queries for c in chosen("--suite", str(file))} == {3}
    file.write_text(f"[[cases]]\n{group.format('foolbox')}")
    with pytest.raises(UsageError, match="unknown key 'queries'"):
        suites.load(str(file))
    file.write_text(f"[[cases]]\n{group.format('foolbox').replace('queries = 3', '')}")
    with pytest.raises(UsageError, match="lacks image_size, steps"):
        suites.load(str(file))


def test_without_the_library_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = registry.get("openattack")

    def missing() -> None:
        raise ModuleNotFoundError("No module named 'OpenAttack'")

    monkeypatch.setattr(adapter, "import_library", missing)
    with pytest.raises(LibraryUnavailable, match="python -m pip install OpenAttack"):
        adapter.load()


def test_of_textattack_those_that_read_gradients_are_measured_and_without_them_none() -> None:
    """Its queries compute no gradient that could be left out."""
    found = chosen("--libs", "textattack")
    assert [(c.case.attack, c.variant) for c in found] == [
        ("hotflip", SEMI_BACKWARD),
        ("a2t", SEMI_BACKWARD),
    ]
    words = ("--libs", "textattack", "--variants", FORWARD_ONLY, "--attacks")
    with pytest.raises(UsageError, match="forward-only is for black-box attacks"):
        chosen(*words, "hotflip")
    assert [c.variant for c in chosen(*words, "deepwordbug")] == [FORWARD_ONLY]
