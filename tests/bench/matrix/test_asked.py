"""What versions may be asked for, and which cases they are asked for."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cases import Case
from bench.errors import UsageError
from bench.matrix import asked, environments, filling, pythons, requirements
from bench.matrix.asked import Library
from bench.matrix.environments import Planned
from bench.resolving import Package
from tests.cases import image_case

ART = "adversarial-robustness-toolbox"


def case(library: str, attack: str = "pgd") -> Case:
    return image_case(library=library, attack=attack)


def test_a_library_is_named_as_libs_takes_it_or_as_pip_does() -> None:
    found = asked.libraries(["art==1.20.0", f"{ART}==1.20.1,1.20.0", "torchattacks==3.5.1"])
    assert [str(one) for one in found[ART]] == [f"{ART}==1.20.0", f"{ART}==1.20.1"]
    assert [str(one) for one in found["torchattacks"]] == ["torchattacks==3.5.1"]


@pytest.mark.parametrize(
    "text", ["torchattacks", "torchattacks==", "==3.5.1", "torchattacks==3.5,", "torchattacks==new"]
)
def test_a_version_that_is_none_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"--versions {text}")):
        asked.libraries([text])


@pytest.mark.parametrize("text", ["torch==2.0.1", "reference==1"])
def test_what_comes_with_the_program_has_no_versions(text: str) -> None:
    with pytest.raises(UsageError, match="--torch"):
        asked.libraries([text])


@pytest.mark.parametrize("text", ["newest", "2.x", "", "../2.0"])
def test_a_torch_that_is_none_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"as 2\.0\.1, or latest"):
        asked.torches([text])


def test_each_torch_counts_once() -> None:
    assert asked.torches(["2.0.1", "latest", "2.0.1"]) == ["2.0.1", "latest"]


def test_a_case_is_asked_for_with_the_versions_of_its_library() -> None:
    cases = [case("torchattacks"), case("torchattacks", "cw"), case("art"), case("reference")]
    found = asked.crossed(cases, asked.libraries(["torchattacks==3.4.0,3.5.1"]))
    assert found == {
        Library("torchattacks", "3.4.0"): cases[:2],
        Library("torchattacks", "3.5.1"): cases[:2],
        Library(ART): [cases[2]],
        Library(): [cases[3]],
    }


def test_versions_that_no_case_uses_are_an_error() -> None:
    with pytest.raises(UsageError, match="foolbox, which no chosen case uses"):
        asked.crossed([case("torchattacks")], asked.libraries(["foolbox==3.3.4"]))


def test_black_box_attacks_are_not_compiled() -> None:
    found = [(c.baseline, c.variant) for c in filling.asked(case("foolbox"), filling.MODES)]
    assert found == [("original", "semi-backward"), ("aot-eager", "aot-eager+semi-backward")]
    found = [(c.baseline, c.variant) for c in filling.asked(case("art", "square"), filling.MODES)]
    assert found == [("original", "semi-backward")]


def test_an_old_torch_gets_what_it_does_not_ask_for() -> None:
    assert {"numpy<2", "setuptools<81"} <= set(requirements.of_torch("1.13.1"))
    assert "numpy<2" in set(requirements.of_torch("2.2.2"))
    assert not {"numpy<2", "setuptools<81"} & set(requirements.of_torch("2.4.1"))


def test_a_library_brings_what_our_extra_of_it_asks_for() -> None:
    assert "transformers<4.45" in requirements.beside("OpenAttack", "1.13.1")
    assert list(requirements.beside("openattack", "2.13.0")) == ["transformers>=4.21"]
    assert not list(requirements.beside("torchattacks", "2.13.0"))


def test_a_python_that_pyenv_keeps_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    seen: list[str] = []

    def call(words: list[str], folder: Path, variables: dict[str, str]) -> str:
        seen.append(variables["PATH"])
        return "/there/python\n"

    for version in ("3.9.1", "3.99.0"):
        (tmp_path / "versions" / version / "bin").mkdir(parents=True)
    monkeypatch.setattr("bench.matrix.pythons.uv.call", call)
    assert pythons.find("3.99", tmp_path) == "/there/python"
    assert seen[0].split(":")[-2:] == [
        str(tmp_path / "versions" / version / "bin") for version in ("3.99.0", "3.9.1")
    ]


def test_disk_that_may_not_be_enough_is_told_before(tmp_path: Path) -> None:
    packages = (Package("torch", "2.4.1", 10**15),)
    planned = [Planned("2.4.1", "2.4.1", packages=packages, folder=tmp_path / "new")]
    said = environments.room(planned, None, tmp_path / "not" / "there")
    assert said is not None
    assert "1 of 1 environment, at most 1000000.0 GB to download" in said
    assert "That may not be enough: name fewer --torch" in said
    assert environments.room([replace(planned[0], reason="none")], None, tmp_path) is None
