"""What can be asked of attacks by Monte-Carlo gradients, and the cases that makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.choosing import suites
from bench.errors import UsageError
from bench.kinds import registry
from bench.kinds.sampling.options import TRAINED, SamplingOptions
from tests.commands import chosen

SAP = ("--libs", "sap")
MINE = "tests/data/rectified.py:build"


def cases(*words: str) -> list[tuple[str, str, SamplingOptions]]:
    found = [comparison.case for comparison in chosen(*words)]
    return [(case.attack, case.model, SamplingOptions.of(case)) for case in found]


@pytest.mark.parametrize(
    "words",
    [SAP, ("--samples", "3"), ("--attacks", "iterative"), ("robustness",)],
    ids=" ".join,
)
def test_its_library_options_attacks_and_command_mean_the_kind(words: tuple[str, ...]) -> None:
    assert {c.case.kind for c in chosen(*words)} == {"sampling"}


def test_defences_of_energy_attacks_are_these_no_more_than_theirs_are_ours() -> None:
    assert {c.case.kind for c in chosen("--libs", "papers", "--defences", "jpeg")} == {"energy"}
    with pytest.raises(UsageError, match="unknown defence 'jpeg'; there are dense, sap-100"):
        chosen(*SAP, "--defences", "jpeg")


def test_samples_multiply_only_what_draws_and_is_followed() -> None:
    asked = ("--defences", "dense", "sap-100", "dwp-75", "--samples", "1", "10")
    whose = ("--gradients", "own", "dense", "--attacks", "fgsm", "noise")
    found = [(a, o.defence, o.gradient, o.samples) for a, _, o in cases(*SAP, *asked, *whose)]
    assert found == [
        ("fgsm", "dense", "own", 1),
        ("fgsm", "sap-100", "own", 1),
        ("fgsm", "sap-100", "own", 10),
        ("fgsm", "sap-100", "dense", 1),
        ("fgsm", "dwp-75", "own", 1),
        ("fgsm", "dwp-75", "dense", 1),
        ("noise", "dense", "own", 1),
        ("noise", "sap-100", "own", 1),
        ("noise", "dwp-75", "own", 1),
    ]


def test_one_defence_has_one_name_however_it_is_written() -> None:
    found = cases(*SAP, "--defences", "sap-100", "sap-1e2", "sap-100.0", "--samples", "2")
    assert [o.defence for *_, o in found] == ["sap-100"]


def test_an_iterative_attack_takes_as_many_steps_as_its_strength_needs() -> None:
    asked = ("--attacks", "iterative", "--strength", "4", "--step", "1.5")
    (found,) = [c.case for c in chosen(*SAP, *asked, "--samples", "2")]
    assert SamplingOptions.of(found).steps(found) == 3
    short = SamplingOptions.of(found).in_one_step()
    assert (short.strength, short.samples) == (1.5, 1)


def test_digits_are_shown_small_to_networks_that_learnt_them_so() -> None:
    shapes = {
        model: options.input_shape
        for _, model, options in cases(
            *SAP, "--models", "resnet20", "cifar_resnet18", "--samples", "1"
        )
    }
    assert shapes == {"resnet20": (3, 16, 16), "cifar_resnet18": (3, 32, 32)}


def test_weights_are_those_of_a_recipe_only_where_there_is_one() -> None:
    asked = ("--models", "resnet20", "cifar_resnet18", MINE, "--samples", "1")
    found = {c.case.model: c.case.weights for c in chosen(*SAP, *asked)}
    assert found == {"resnet20": TRAINED, "cifar_resnet18": "random", MINE: "as built"}


def test_an_agent_acts_in_an_environment_and_nothing_else_does() -> None:
    ((_, model, options), *_) = cases(*SAP, "--environments", "catch")
    assert (model, options.environment, options.input_shape) == ("ddqn", "catch", (4, 84, 84))
    with pytest.raises(UsageError, match="ddqn acts in an environment"):
        chosen(*SAP, "--models", "ddqn")
    with pytest.raises(UsageError, match="resnet20 is shown images"):
        chosen(*SAP, "--models", "resnet20", "--environments", "catch")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--defences", "sap-0"), "must be a number above 0"),
        (("--defences", "sap-nan"), "must be a number above 0"),
        (("--defences", "sap--5"), "unknown defence 'sap--5'"),
        (("--models", "resnet2"), "unknown network 'resnet2'; did you mean"),
        (("--environments", "Nowhere-v9"), "unknown environment 'Nowhere-v9'"),
        (("--environments", "CartPole-v1"), "no pictures"),
        (("--data", "/nowhere"), "nothing is downloaded"),
        (("--pretrained",), "--pretrained is for attacks on images"),
        (("--max-batch-search",), "--max-batch-search is for attacks on images"),
        (("--steps", "3"), "--steps is for"),
        (("--attacks", "iterative", "--strength", "0"), "iterative attack of --strength 0 takes"),
    ],
    ids=" ".join,
)
def test_what_can_t_be_is_refused_in_a_line(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        chosen(*SAP, *words)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("option", ["--samples", "--chunk", "--strength", "--step"])
@pytest.mark.parametrize("value", ["-1", "nan", "many"])
def test_numbers_that_make_no_sense_are_refused_on_the_command_line(
    option: str, value: str
) -> None:
    with pytest.raises(UsageError, match=f"argument {option}: "):
        chosen(*SAP, option, value)


@pytest.mark.parametrize("key", ["strength = [-1.0]", "step = 0.0", 'gradients = ["mine"]'])
def test_a_suite_s_own_are_refused_too(key: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        f'description = "mine"\n[run]\nprecision = 0.1\nmax_seconds = 1\n[[cases]]\nlibs = ["sap"]'
        f'\nattacks = ["fgsm"]\nmodels = ["resnet20"]\nbatch = [2]\n{key}\n',
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match=key.partition(" ")[0].rstrip("s")):
        chosen("--suite", str(file))


def test_every_suite_of_the_kind_chooses_cases_of_it() -> None:
    folder = registry.get("sampling").suites()
    assert folder is not None
    names = sorted(file.name.removesuffix(".toml") for file in folder.iterdir())
    assert "paper-sap-small" in names
    for name in names:
        assert {c.case.kind for c in chosen("--suite", name)} == {"sampling"}
        assert suites.load(name).groups


def test_a_case_has_its_name_for_good() -> None:
    (case,) = [c.case for c in chosen(*SAP, "--samples", "10", "--batch", "4")]
    assert case.id == ID


ID = "a23f44fa9dc0"
"""Of FGSM by ten samples on ResNet-20 with SAP-100, as records have it."""
