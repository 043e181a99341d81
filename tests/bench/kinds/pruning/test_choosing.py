"""What can be asked of pruning, and the cases that makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.data import facts
from adapters.papers.mad.methods import STAGES
from bench.cases import Case
from bench.errors import UsageError
from bench.kinds import registry
from bench.kinds.pruning.options import TRAINED, PruningOptions
from tests.commands import chosen

MAD = ("--libs", "mad")
MINE = "tests/data/rectified.py:build"


def cases(*words: str) -> list[Case]:
    return [comparison.case for comparison in chosen(*words)]


def options(*words: str) -> list[PruningOptions]:
    return [PruningOptions.of(case) for case in cases(*words)]


@pytest.mark.parametrize(
    "words", [MAD, ("--percent", "0.5"), ("--attacks", "masks"), ("prune",)], ids=" ".join
)
def test_its_library_options_stages_and_command_mean_the_kind(words: tuple[str, ...]) -> None:
    assert {case.kind for case in cases(*words)} == {"pruning"}


def test_every_stage_is_a_case_and_shares_multiply_those_of_pruned_networks() -> None:
    found = cases(*MAD, "--percent", "0.5", "0.9")
    shares: dict[str, list[float | None]] = {stage: [] for stage in STAGES}
    for case in found:
        shares[case.attack].append(PruningOptions.of(case).percent)
    pruned = {"finetuning", "evaluation"}
    assert shares == {name: [0.5, 0.9] if name in pruned else [None] for name in STAGES}
    assert len({case.id for case in found}) == len(found)


def test_stages_of_images_that_are_attacked_already_are_measured_once() -> None:
    asked = ("--inside", "torchattacks", "reference", "--steps", "2", "5")
    found = [c.attack for c in cases(*MAD, *asked, "--attacks", "masks", "attack", "factors")]
    assert {name: found.count(name) for name in found} == {"masks": 1, "attack": 4, "factors": 1}


@pytest.mark.parametrize("name", ["vgg16", "mad_vgg16"])
def test_our_networks_go_by_their_published_names(name: str) -> None:
    (found,) = cases(*MAD, "--models", name, "--attacks", "masks")
    assert (found.model, found.weights) == ("mad_vgg16", TRAINED)
    assert PruningOptions.of(found).pretraining == "pgd"


def test_the_ball_is_the_published_one_but_on_digits() -> None:
    (digits,) = options(*MAD, "--attacks", "masks")
    assert digits.eps == facts("digits").eps
    (given,) = options(*MAD, "--attacks", "masks", "--radius", "0.03", "--steps", "4")
    assert (given.eps, given.steps) == (0.03, 4)


def test_digits_are_shown_small_to_networks_that_learnt_them_so() -> None:
    found = cases(*MAD, "--attacks", "masks", "--models", "vgg_small", MINE)
    shapes = {case.model: PruningOptions.of(case).input_shape for case in found}
    assert shapes["mad_vgg_small"] == (3, 16, 16)
    untrained = [case for case in found if case.model == MINE]
    assert {case.weights for case in untrained} == {"as built"}
    assert {PruningOptions.of(case).pretraining for case in untrained} == {"none"}


def test_drawn_weights_can_be_timed_and_not_pruned() -> None:
    (found,) = cases(*MAD, "--attacks", "masks", "--pretraining", "none")
    assert (found.weights, PruningOptions.of(found).pretraining) == ("random", "none")
    with pytest.raises(UsageError, match=r"mad_vgg_small is not trained.*--weights, or one of"):
        cases("prune", "--pretraining", "none")
    with pytest.raises(UsageError, match="resnet18d is not trained"):
        cases("prune", "--models", "resnet18d")


@pytest.mark.parametrize("share", ["0", "1", "-0.5", "1.5", "nan", "inf", "90%", "x"])
def test_a_share_lies_between_none_and_all(share: str) -> None:
    with pytest.raises(UsageError, match=f"--percent: '?{share}'? is no (share|number)") as caught:
        chosen(*MAD, f"--percent={share}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--batch", "9"), "--batch 9 is smaller than the 10 classes of digits: give --batch 10"),
        (("--batch", "1438"), "--batch 1438: digits has 1437 images to train on"),
        (("--models", "vgg_smal"), "unknown network 'vgg_smal'"),
        (("--inside", "torchattcks"), "unknown library 'torchattcks'"),
        (("--data", "nowhere"), "--data nowhere"),
        (("--attack", "tests/data/attacks.py:fgsm"), "--attack is for attacks on images"),
        (("--pretrained",), "--pretrained is for attacks on images"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else "",
)
def test_what_can_t_be_asked_is_said_in_a_line(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        chosen(*MAD, *words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("percent = [1.0]", "percent = 1 must be between 0 and 1"),
        ('pretraining = "much"', "pretraining = 'much' is none of none, natural, pgd"),
        ("radius = 0.0", "radius = 0 must be above 0"),
        ('inside = ["nobody"]', "unknown library 'nobody'"),
    ],
)
def test_what_a_suite_asks_is_looked_at_too(tmp_path: Path, table: str, said: str) -> None:
    file = tmp_path / "mine.toml"
    head = 'description = "x"\n\n[[cases]]\nlibs = ["mad"]\nattacks = ["masks"]\n'
    file.write_text(f'{head}models = ["mad_vgg_small"]\nbatch = [16]\n{table}\n')
    with pytest.raises(UsageError, match=said):
        chosen("--suite", str(file))


def test_a_suites_shares_are_not_lost(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    head = 'description = "x"\n\n[[cases]]\nlibs = ["mad"]\nattacks = ["saliency"]\n'
    file.write_text(f'{head}models = ["mad_vgg_small"]\nbatch = [16]\npercent = [0.5]\n')
    with pytest.raises(UsageError, match="percent is of finetuning and evaluation: name one"):
        chosen("prune", "--suite", str(file))
    assert chosen("prune", "--suite", str(file), "--percent", "0.5")


def test_prune_takes_no_other_attacks() -> None:
    with pytest.raises(UsageError, match="suite quick is not of pruning"):
        chosen("prune", "--suite", "quick")


def test_every_suite_of_the_kind_can_be_chosen() -> None:
    folder = registry.get("pruning").suites()
    assert folder is not None
    names = [place.name.removesuffix(".toml") for place in folder.iterdir()]
    assert {"mad", "paper-mad", "paper-mad-small", "paper-mad-pruning"} == set(names)
    assert all({case.kind for case in cases("--suite", name)} == {"pruning"} for name in names)


def test_criteria_are_listed() -> None:
    told = registry.get("pruning").topics["criteria"]()
    assert "magnitude" in told
    assert "lowest adversarial saliency first" in told
