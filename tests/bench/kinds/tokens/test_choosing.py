"""What can be asked of attacks on token sequences, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.tokens.catalogue import MODELS
from bench.cases import SEMI_BACKWARD, Case
from bench.choosing import suites
from bench.commands.list import listing
from bench.errors import UsageError
from bench.kinds.tokens.options import TokenOptions
from tests.bench.kinds.tokens.workloads import token_case
from tests.commands import chosen


@pytest.mark.parametrize(
    "words",
    [
        ["--libs", "gcg"],
        ["--attacks", "token-gradient-backward", "gcg-backward"],
        ["--victim", "llama-100m"],
        ["--suffix", "8"],
        ["--suite", "tokens"],
    ],
)
def test_they_may_be_asked_for_by_library_attack_model_option_or_suite(words: list[str]) -> None:
    found = chosen(*words)
    assert {c.case.kind for c in found} == {"tokens"}
    assert {c.case.attack for c in found} == {"token-gradient-backward", "gcg-backward"}
    assert {c.case.model for c in found} == {"llama-100m"}
    assert {c.variant for c in found} == {SEMI_BACKWARD}


def test_a_folder_alone_is_of_text_whose_option_it_is(tmp_path: Path) -> None:
    assert {c.case.kind for c in chosen("--victim", str(tmp_path))} == {"text"}
    (found,) = {c.case.model for c in chosen("--libs", "gcg", "--victim", str(tmp_path))}
    assert found == str(tmp_path)


def test_each_library_is_asked_for_what_it_has() -> None:
    found = chosen("--libs", "gcg", "nanogcg", "easyjailbreak")
    assert {(c.case.library, c.case.attack) for c in found} == {
        ("gcg", "token-gradient-backward"),
        ("gcg", "gcg-backward"),
        ("nanogcg", "gcg"),
        ("easyjailbreak", "gcg"),
    }


def test_options(tmp_path: Path) -> None:
    file = tmp_path / "mine.tsv"
    file.write_text("One?\tOne.\n\nTwo?\tTwo.\n")
    words = ["--libs", "gcg", "--victim", "gpt2-tiny", "--prompts", str(file), "--batch", "1", "9"]
    words += ["--steps", "3", "--suffix", "5", "--top-k", "7", "--candidates", "6"]
    found = {c.case.attack: c.case for c in chosen(*words)}
    assert {c.case.batch for c in chosen(*words)} == {1, 2}, "no more than there are"
    asked: dict[str, Any] = {"prompts": str(file), "steps": 3, "suffix": 5, "top_k": 7}
    with_candidates = TokenOptions(**asked, candidates=6, candidate_batch=6)
    assert found["gcg-backward"].options == with_candidates
    assert found["token-gradient-backward"].options == TokenOptions(**asked), "it tries none"


def test_a_case_is_told_in_words_and_comes_back_from_its_record() -> None:
    case = token_case(batch=2)
    assert str(case) == (
        "gcg gcg-backward on llama-tiny, 2 prompts, 2 steps, a suffix of 4 tokens, the 8 best of"
        " each, 6 candidates, 4 in a pass, float32, cpu"
    )
    told = json.loads(json.dumps({**case.shared, "options": vars(case.options)}))
    assert Case.from_json(told) == case
    one = case.options.in_one_step()
    assert isinstance(one, TokenOptions)
    assert one.steps == 1
    with pytest.raises(ValueError, match="0 steps"):
        token_case(steps=0).options.check()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--libs", "gcg", "foolbox"], "some attack images and some token sequences"),
        (["--suite", "quick", "--libs", "gcg"], "gcg attacks token sequences"),
        (["--suite", "quick", "--suffix", "3"], "--suffix is for attacks on token sequences"),
        (["--libs", "gcg", "--queries", "3"], "--queries is for attacks on text"),
        (["--libs", "gcg", "--models", "resnet18"], "name what is attacked with --victim"),
        (["--libs", "gcg", "--defaults"], "--defaults is for attacks on images"),
        (["--libs", "gcg", "--max-batch-search"], "--max-batch-search is for attacks on images"),
        (["--libs", "gcg", "--pretrained"], "--pretrained is for attacks on images"),
        (["--libs", "gcg", "--prompts", "absent.tsv"], "absent.tsv: can't be read"),
        (["--libs", "gcg", "--victim", "./absent"], "--victim ./absent: there is no such folder"),
        (["--libs", "gcg", "--attacks", "gcg-bakward"], "did you mean gcg-backward"),
        (["train", "--libs", "gcg"], "train"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(words: list[str], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        chosen(*words)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_numbers_of_a_suite_start_at_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    head = 'description = "x"\n[[cases]]\nlibs = ["gcg"]\nattacks = ["all"]\n'
    file.write_text(f'{head}models = ["llama-tiny"]\nbatch = [1]\nsteps = [0]\n')
    with pytest.raises(UsageError, match=r"steps, suffix, .* must be at least 1"):
        chosen("--suite", str(file))


def test_every_suite_of_theirs_names_models_and_attacks_that_there_are() -> None:
    names = [n for n in suites.names() if {g.kind for g in suites.load(n).groups} == {"tokens"}]
    assert set(names) == {"tokens", "tokens-100m", "tokens-tiny"}
    for name in names:
        assert {c.case.model for c in chosen("--suite", name)} <= set(MODELS)


def test_the_list_tells_how_many_parameters_models_have() -> None:
    told = listing("language-models")
    first = [line.split()[0] for line in told.split("\n") if not line.startswith(" ")]
    assert first == list(MODELS)
    assert "100,313,856" in told
