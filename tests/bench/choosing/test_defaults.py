"""What is chosen where only libraries, or only attacks, were named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters import registry
from adapters.base import Adapter, AttackInfo
from bench.errors import UsageError
from bench.kinds import registry as kinds
from tests.commands import chosen

if TYPE_CHECKING:
    from adapters.base import AttackFunction

ON_IMAGES = [name for name in registry.OURS if registry.subject(name) == "images"]
SUBJECTS = {kind.subject for kind in kinds.every()}
MEASURED = [name for name in registry.OURS if registry.subject(name) in SUBJECTS]
SUITE = """
[[cases]]
libs = ["art"]
attacks = ["{0}"]
models = ["resnet18"]
batch = [2]
image_size = 32
steps = 2
"""


def attacks(*words: str, said: list[str] | None = None) -> set[str]:
    """Library and attack of what a command line would measure."""
    found = chosen(*words, say=(said if said is not None else []).append)
    return {f"{c.case.library} {c.case.attack}" for c in found if c.case.attack != "none"}


@pytest.mark.parametrize("library", MEASURED)
@pytest.mark.parametrize("command", ["run", "explain", "counts"])
def test_every_library_is_asked_for_what_it_has(command: str, library: str) -> None:
    said: list[str] = []
    found = attacks(command, "--libs", library, said=said)
    there = {f"{library} {attack}" for attack in registry.get(library).attacks()}
    assert found
    assert found <= there
    assert said == [], "nobody asked for anything else"


@pytest.mark.parametrize("library", ON_IMAGES)
@pytest.mark.parametrize(
    "words", [["train"], ["--training", "pgd"], ["counts", "--training", "pgd"]], ids=" ".join
)
def test_every_library_can_be_trained_by(words: list[str], library: str) -> None:
    usual = {"reference": "pgd-backward", "autoattack": "apgd-ce"}.get(library, "pgd")
    assert f"{library} {usual}" in attacks(*words, "--libs", library)


def test_libraries_with_other_attacks_stand_side_by_side() -> None:
    said: list[str] = []
    assert attacks("--libs", "art", "reference", said=said) == {"art pgd", "reference pgd-backward"}
    assert said == []


def test_an_attack_is_asked_of_whoever_has_it() -> None:
    assert attacks("--attacks", "pgd-func-grad") == {"reference pgd-func-grad"}
    assert attacks("--attacks", "sinifgsm") == {"torchattacks sinifgsm"}
    assert attacks("--attacks", "viper") == {"openattack viper"}
    assert attacks("--attacks", "ddn", "pgd-backward") == {
        "foolbox ddn",
        "advertorch ddn",
        "reference pgd-backward",
    }
    assert attacks("--training", "pgd", "--attacks", "pgd-autograd-grad") == {
        "reference pgd-autograd-grad"
    }


def test_what_was_asked_for_and_is_not_there_is_told() -> None:
    said: list[str] = []
    found = attacks("--libs", "torchattacks", "foolbox", "--attacks", "pgd", "tpgd", said=said)
    assert found == {"torchattacks pgd", "torchattacks tpgd", "foolbox pgd"}
    assert said == ["foolbox has no tpgd; left out"]


def test_of_a_suite_that_was_named_it_is_told_too() -> None:
    said: list[str] = []
    found = attacks("--suite", "paper-attacks", "--libs", "deeprobust", "reference", said=said)
    assert found == {
        "deeprobust pgd",
        "deeprobust fgsm",
        "deeprobust cw",
        "reference pgd-backward",
    }
    assert said == [
        "deeprobust has no autoattack, bim, square, apgd, mifgsm, sinifgsm, vmifgsm; left out",
        "reference has no pgd, autoattack, bim, square, fgsm, apgd, cw, mifgsm, sinifgsm, vmifgsm;"
        " taken instead: pgd-backward",
    ]


def test_what_nobody_has_is_refused_also_in_a_suite(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(SUITE.format("pgdd"))
    with pytest.raises(UsageError, match="unknown attack 'pgdd'; did you mean pgd"):
        attacks("--suite", str(mine), "--libs", "foolbox")
    mine.write_text(SUITE.format("pgd").replace("art", "folbox"))
    with pytest.raises(UsageError, match="unknown library 'folbox'; did you mean foolbox"):
        attacks("--suite", str(mine), "--attacks", "pgd")
    with pytest.raises(UsageError, match="unknown attack 'pgd-backward'"):
        attacks("--libs", "torchattacks", "--attacks", "pgd-backward")


class Slopes(Adapter):
    """A third party's, that has neither PGD nor an attack that works first."""

    name = "slopes"
    distribution = "torch"

    def attacks(self) -> Mapping[str, AttackInfo]:
        climb = replace(registry.get("reference").attacks()["pgd-backward"], source="slopes.Climb")
        return {
            "guess": replace(climb, access="black-box"),
            "gone": replace(climb, broken="TypeError: it takes no model"),
            "climb": climb,
        }

    def import_library(self) -> None: ...

    def build_attack(self, attack: str, model: object, settings: object) -> AttackFunction:
        raise AssertionError("nothing is measured here")


def test_a_third_partys_library_is_asked_for_what_works_and_reads_gradients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    get, names = registry.get, registry.names
    monkeypatch.setattr(registry, "get", lambda name: Slopes() if name == "slopes" else get(name))
    monkeypatch.setattr(registry, "names", lambda: [*names(), "slopes"])
    assert attacks("--libs", "slopes") == {"slopes climb"}
    assert attacks("counts", "--libs", "slopes", "foolbox") == {"slopes climb", "foolbox pgd"}
    assert attacks("--training", "pgd", "--libs", "slopes") == {"slopes climb"}
