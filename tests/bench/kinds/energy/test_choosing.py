"""What can be asked of energy attacks, and the cases that makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from adapters.models.dynamic.catalogue import NETWORKS
from adapters.papers.energy.methods import ATTACKS
from bench.choosing import suites
from bench.errors import UsageError
from bench.kinds import registry
from bench.kinds.energy.options import TRAINED, EnergyOptions
from tests.commands import chosen
from tests.places import ROOT

MINE = "tests/data/gated.py:build"
PAPERS = ("--libs", "papers")


def cases(*words: str) -> list[tuple[str, str, EnergyOptions]]:
    found = [comparison.case for comparison in chosen(*words)]
    return [(case.attack, case.model, EnergyOptions.of(case)) for case in found]


def test_a_library_of_energy_attacks_means_the_kind() -> None:
    assert {c.case.kind for c in chosen(*PAPERS)} == {"energy"}
    assert {c.case.kind for c in chosen("--attacks", "gradmdm")} == {"energy"}
    assert {c.case.kind for c in chosen("--alpha", "3")} == {"energy"}
    assert {c.case.kind for c in chosen("energy")} == {"energy"}


def test_other_libraries_never_do() -> None:
    assert {c.case.kind for c in chosen("--libs", "foolbox")} == {"images"}
    assert {c.case.kind for c in chosen("--libs", "openattack")} == {"text"}


def test_only_settings_that_a_method_obeys_make_cases() -> None:
    asked = ("--alpha", "1", "2", "--power", "1", "4", "--space", "tanh", "projection")
    found = cases(*PAPERS, "--attacks", "all", "--models", "shallow_deep", *asked)
    counted = {name: sum(name == attack for attack, _, _ in found) for name in ATTACKS}
    assert counted == {
        **dict.fromkeys(ATTACKS, 4),
        **dict.fromkeys(("power", "in-turn", "gradmdm"), 8),
        "deepsloth": 1,
    }


def test_an_attack_is_taken_as_far_as_its_paper_took_it() -> None:
    found = {a: o.iterations for a, _, o in cases(*PAPERS, "--attacks", "ilfo", "gradmdm")}
    assert found == {"ilfo": 300, "gradmdm": 100}
    assert {o.iterations for *_, o in cases(*PAPERS, "--iterations", "7")} == {7}


def test_what_is_tried_beside_is_part_of_a_case_only_where_it_is_asked() -> None:
    (plain,) = chosen(*PAPERS, "--attacks", "gradmdm")
    (behind,) = chosen(*PAPERS, "--attacks", "gradmdm", "--defences", "jpeg")
    assert plain.case.id != behind.case.id
    assert "defences" not in plain.case.options.identity(plain.case)["options"]


def test_weights_are_trained_unless_the_user_brings_some() -> None:
    (ours,) = chosen(*PAPERS, "--attacks", "gradmdm")
    (mine,) = chosen(*PAPERS, "--attacks", "gradmdm", "--models", MINE)
    (given,) = chosen(*PAPERS, "--attacks", "gradmdm", "--weights", "pyproject.toml")
    found = [one.case.weights for one in (ours, mine, given)]
    assert found == [TRAINED, "as built", "pyproject.toml"]


def test_every_suite_of_the_seed_has_its_twin_and_makes_cases() -> None:
    shipped = {name for name in suites.names() if name.startswith("paper-energy")}
    assert len(shipped) == 30
    for name in shipped:
        assert f"{name.removesuffix('-small')}-small" in shipped
        found = chosen("--suite", name)
        assert found
        assert {one.case.kind for one in found} == {"energy"}


def test_networks_are_listed() -> None:
    told = registry.get("energy").topics["networks"]()
    assert all(name in told for name in NETWORKS)


def test_choosing_imports_no_torch() -> None:
    code = (
        "import sys; from tests.commands import chosen;"
        " chosen('energy', '--suite', 'paper-energy-defences-small');"
        " sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--alpha", "-1"], "-1 is too small or too large; give a number of at least 0"),
        (["--alpha", "nan"], "nan is too small or too large"),
        (["--power", "0.5"], "0.5 is too small or too large; give a number of at least 1"),
        (["--iterations", "0"], "0 is too small"),
        (["--models", "skipnett"], "unknown dynamic network 'skipnett'; did you mean skipnet"),
        (["--models", "resnet18"], "unknown dynamic network 'resnet18'"),
        (["--models", "nowhere.py:build"], "nowhere.py"),
        (["--transfer", "resnet18"], "unknown dynamic network 'resnet18'"),
        (["--defences", "jpg"], "--defences jpg: unknown; give smoothing or jpeg"),
        (["--defences", "tests/data/gated.py:nothing"], "nothing"),
        (["--data", "nowhere"], "--data nowhere"),
        (["--batch", "100000"], "--batch 100000: digits has 360 images to attack"),
        (["--input", "1x28x28"], "--input is for a network of your own"),
        (["--pretrained"], "--pretrained is for attacks on images"),
        (["--max-batch-search"], "--max-batch-search is for attacks on images"),
        (["--image-size", "64"], "--image-size is for attacks on images"),
        (["--labels", "1"], "--labels is for attacks on images"),
        (["--libs", "papers", "foolbox"], "measure them in runs of their own"),
    ],
)
def test_what_makes_no_sense_is_a_line(words: list[str], said: str) -> None:
    with pytest.raises(UsageError) as error:
        chosen(*PAPERS, *words)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_suite_s_numbers_are_looked_at(tmp_path: Path) -> None:
    for line, said in (("alpha = [-1]", "alpha = -1"), ("power = [0.5]", "power = 0.5")):
        file = tmp_path / "mine.toml"
        file.write_text(
            '[[cases]]\nlibs = ["papers"]\nattacks = ["gradmdm"]\nmodels = ["skipnet"]\n'
            f"batch = [2]\n{line}\n"
        )
        with pytest.raises(UsageError, match=said):
            chosen("--suite", str(file))


def test_options_of_energy_attacks_are_for_these_alone() -> None:
    with pytest.raises(UsageError, match="--alpha is for energy attacks; add --libs papers"):
        chosen("--libs", "foolbox", "--alpha", "3")
