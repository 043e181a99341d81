"""Which cases of training are chosen, and what is refused."""

from __future__ import annotations

import pytest

from bench.cases import Case
from bench.errors import UsageError
from bench.kinds.training.options import TrainingOptions
from tests.cases import changed, image_case
from tests.commands import chosen
from tests.records import TRAINING


def cases_of(*words: str) -> list[Case]:
    return [comparison.case for comparison in chosen(*words)]


own = TrainingOptions.of


def test_a_training_has_the_attacks_of_the_libraries_inside() -> None:
    cases = cases_of("--training", "pgd", "--libs", "foolbox", "art", "--steps", "1", "7")
    assert [(c.library, c.attack, own(c).steps) for c in cases] == [
        ("foolbox", "pgd", 1),
        ("art", "pgd", 1),
        ("foolbox", "pgd", 7),
        ("art", "pgd", 7),
    ]
    for case in cases:
        assert (own(case).training, own(case).data, own(case).classes, own(case).input_shape) == (
            "pgd",
            "digits",
            10,
            (3, 32, 32),
        )
        assert own(case).eps == pytest.approx(4 * 8 / 255)
        assert own(case).step_size == pytest.approx(8 / 255)


def test_methods_without_a_library_inside_come_once() -> None:
    cases = cases_of("--training", "natural", "free", "trades", "--libs", "foolbox", "art")
    assert [(own(c).training, c.library, c.attack, own(c).replays) for c in cases] == [
        ("natural", "reference", "none", None),
        ("free", "reference", "none", 8),
        ("trades", "reference", "pgd-backward", None),
        ("trades", "reference", "pgd-autograd-grad", None),
    ]
    assert [own(c).replays for c in cases_of("--training", "free", "--replays", "4")] == [4]


def test_a_suite_of_attacks_can_be_trained_by() -> None:
    cases = cases_of("--suite", "quick", "--training", "pgd")
    assert len(cases) == 6
    assert {(own(c).training, own(c).steps, own(c).input_shape) for c in cases} == {
        ("pgd", 5, (3, 32, 32))
    }


def test_fast_training_takes_one_long_step() -> None:
    (case,) = cases_of("--training", "fast", "--steps", "1", "7")
    assert own(case).steps == 1
    assert own(case).step_size is not None
    assert own(case).eps is not None
    assert own(case).step_size == pytest.approx(1.25 * (own(case).eps or 0))


def test_train_takes_every_method_and_both_ways_to_ask_for_a_gradient() -> None:
    cases = cases_of("train")
    assert {own(case).training for case in cases} == {
        "natural",
        "pgd",
        "mart",
        "fast",
        "free",
        "trades",
    }
    assert {case.library for case in cases} == {"deeprobust", "reference", "torchattacks"}


def test_figure_2_has_every_number_of_steps() -> None:
    for suite in ("paper-training", "paper-training-small"):
        cases = cases_of("--suite", suite)
        steps = [own(c).steps for c in cases if own(c).training == "pgd" and "resnet18" in c.model]
        assert steps == [1, 2, 3, 5, 7, 10, 20]
        assert {c.library for c in cases if own(c).training == "pgd"} == {"deeprobust"}
        assert any(own(case).training == "free" for case in cases)


def test_a_users_own_attack_may_be_inside() -> None:
    spec = "tests/data/attacks.py:fgsm"
    (case,) = cases_of("--training", "pgd", "--attack", spec)
    assert (case.library, case.attack, own(case).steps) == ("user", spec, None)


def test_training_keeps_the_names_of_attacks_as_they_were() -> None:
    """Those of records made before a case had fields for training."""
    attack = image_case(input_shape=(3, 112, 112))
    assert attack.id == "adcae60fc091"
    assert TRAINING.id != changed(TRAINING, training="mart").id


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["explain", "--training", "pgd"], "explain looks at attacks"),
        (["explain", "--suite", "training"], "explain looks at attacks"),
        (["--training", "pgd", "--max-batch-search"], "--max-batch-search is for attacks"),
        (["--training", "pgd", "--defaults"], "--defaults is for attacks"),
        (["--libs", "foolbox", "--data", "digits"], "--data is for --training"),
        (["--libs", "foolbox", "--replays", "4"], "--replays is for --training"),
        (["train", "--suite", "quick"], "add --training METHOD"),
        (["train", "--a-a", "--variants", "a-a"], "train compares"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_does_not_go_together_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        cases_of(*words)
