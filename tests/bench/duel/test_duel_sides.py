"""The two sides of a duel: what they may be, how each is installed, and a whole duel."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import uv
from bench.duel import installing, sides
from bench.errors import UsageError
from bench.records import reading
from tests.bench.duel.pairs import side
from tests.commands import bench
from tests.places import ROOT
from tools.planted import package

BY_GRAD = """
import torch
def fgsm(model, images, labels):
    images = images.requires_grad_()
    loss = torch.nn.functional.cross_entropy(model(images), labels)
    (gradient,) = torch.autograd.grad(loss, images)
    return (images.detach() + 0.03 * gradient.sign()).clamp(0, 1)
"""
BY_BACKWARD = BY_GRAD.replace(
    "(gradient,) = torch.autograd.grad(loss, images)", "loss.backward(); gradient = images.grad"
)
CALLS_IT = "def attack(*given):\n    import tiny_attacks\n    return tiny_attacks.fgsm(*given)\n"


def source(folder: Path, text: str = BY_GRAD, version: str = "1.0", **about: Any) -> Path:
    name = about.pop("name", "tiny-attacks")
    return package.write(folder, name, version, {"tiny_attacks/__init__.py": text}, **about)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("./bench", "--a ./bench: the folder is no package"),
        ("./absent", "there is no such folder or wheel"),
        ("absent-1.0-py3-none-any.whl", "there is no such folder or wheel"),
        ("./README.md", "no wheel or source archive"),
        ("torchattacks=3.5.1", "give a version, as torchattacks==3.5.1"),
        ("torchattacks @ https://example.org/x.whl", "what an address holds may change"),
    ],
)
def test_what_is_no_side_is_told(text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(UsageError, match=said):
        sides.parse(text, "a")


def test_a_side_is_a_version_a_folder_or_a_wheel(tmp_path: Path) -> None:
    assert not sides.parse("torchattacks==3.5.1", "a").local
    folder = source(tmp_path / "fork")
    for path in (folder, package.wheel(folder, tmp_path / "wheels")):
        asked = sides.parse(str(path), "b")
        assert (asked.local, asked.source) == (True, str(path.resolve()))


def test_each_side_gets_its_own_version_without_a_network(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    for version in ("1.0", "2.0"):
        package.wheel(source(tmp_path / version, f"version = {version}", version), wheels)
    asked = sides.parse("tiny-attacks==1.0", "a"), sides.parse("tiny-attacks==2.0", "b")
    found = [installing.install(one, tmp_path / "made" / one.name, wheels) for one in asked]
    assert [str(one) for one in found] == ["tiny-attacks 1.0", "tiny-attacks 2.0"]
    assert {one.modules for one in found} == {("tiny_attacks",)}
    assert found[0].digest != found[1].digest
    for one in found:
        text = (one.folder / "tiny_attacks" / "__init__.py").read_text()
        assert text == f"version = {one.version}"
    with pytest.raises(UsageError, match=r"--a tiny-attacks==9 can't be installed: .*no version"):
        installing.install(sides.parse("tiny-attacks==9", "a"), tmp_path / "made" / "c", wheels)


def test_a_wheel_is_installed_without_a_network_too(tmp_path: Path) -> None:
    made = package.wheel(source(tmp_path / "fork", "one = 1"), tmp_path / "wheels")
    asked = sides.parse(str(made), "b")
    assert installing.install(asked, tmp_path / "made", tmp_path / "wheels").version == "1.0"


def test_a_folder_that_was_edited_is_built_again(tmp_path: Path) -> None:
    asked = sides.parse(str(source(tmp_path / "fork", "one = 1")), "a")
    before = installing.install(asked, tmp_path / "first", None)
    again = installing.install(asked, tmp_path / "second", None)
    source(tmp_path / "fork", "two = 2")
    after = installing.install(asked, tmp_path / "third", None)
    assert before.version == after.version
    assert before.digest == again.digest != after.digest


def test_what_a_side_requires_and_the_environment_has_not_is_told(tmp_path: Path) -> None:
    requires = ["numpy<1", "pydantic>=2", "not-there-at-all", "colorama<0; extra == 'more'"]
    asked = sides.parse(str(source(tmp_path / "fork", requires=requires)), "a")
    first, second = installing.install(asked, tmp_path / "a", None).unmet
    assert first.startswith("numpy<1 (there is ")
    assert second == "not-there-at-all (there is none)"


def test_a_package_without_modules_is_no_side(tmp_path: Path) -> None:
    folder = package.write(tmp_path / "fork", "empty", "1", {"notes.txt": ""})
    with pytest.raises(UsageError, match="empty installs no Python module"):
        installing.install(sides.parse(str(folder), "a"), tmp_path / "a", None)


def test_what_does_not_build_is_told_in_a_line(tmp_path: Path) -> None:
    folder = source(tmp_path / "fork")
    (folder / "backend.py").write_text("raise RuntimeError('no building here')")
    with pytest.raises(UsageError, match=r"can't be installed: .*no building here"):
        installing.install(sides.parse(str(folder), "b"), tmp_path / "b", None)


DEEP = """
def built(depth):
    if depth:
        return built(depth - 1)  # as deep as a real build, so that its output is long
    return open("VERSION").read()

try:
    built(40)
except OSError as missing:
    raise RuntimeError("mylib needs its VERSION file") from missing
"""
COMPILED = """
import sys
print("gcc -c x.c", file=sys.stderr)
print("x.c:1:11: error: expected declaration specifiers", file=sys.stderr)
print("    1 | int main( {", file=sys.stderr)
sys.exit("error: command 'gcc' failed with exit code 1")
"""


@pytest.mark.parametrize(
    ("code", "causes"),
    [
        (DEEP, ["FileNotFoundError: .*VERSION", "RuntimeError: mylib needs its VERSION file"]),
        (COMPILED, ["x.c:1:11: error: expected declaration", "command 'gcc' failed"]),
        ("import sys; sys.exit('set CUDA_HOME')", ["set CUDA_HOME"]),
        ("import nowhere_at_all", ["ModuleNotFoundError: No module named 'nowhere_at_all'"]),
        ("def x(:", ["SyntaxError: "]),
    ],
    ids=["traceback", "compiler", "exit", "import", "syntax"],
)
def test_why_a_side_does_not_build_is_not_cut_off(
    tmp_path: Path, code: str, causes: list[str]
) -> None:
    folder = source(tmp_path / "fork")
    (folder / "backend.py").write_text(code)
    with pytest.raises(UsageError, match=".*".join(causes)) as told:
        installing.install(sides.parse(str(folder), "b"), tmp_path / "b", None)
    assert "Traceback" not in str(told.value)
    assert len(str(told.value)) < 700
    assert "--verbose" in str(told.value)
    whole = str(told.value.__cause__)
    assert "error: " in whole
    assert all(re.search(cause, whole) for cause in causes), "--verbose prints it all"


def test_two_libraries_are_no_duel() -> None:
    other = replace(side("b"), distribution="other")
    with pytest.raises(UsageError, match=r"lib, --b .* is other: a duel is between two versions"):
        sides.check_pair(side(), other)
    sides.check_pair(side(), replace(side("b"), distribution="LIB"))


def test_the_library_is_that_of_the_sides() -> None:
    art = replace(side(), distribution="Adversarial_Robustness.Toolbox")
    assert sides.library_of(art) == "art"
    for unknown in ("lib", "torch", "openattack"):
        with pytest.raises(UsageError, match=r"no adapter knows .*--attack my_attack\.py:run"):
            sides.library_of(replace(side(), distribution=unknown))


def test_without_uv_its_install_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.uv.shutil.which", lambda name: None)
    monkeypatch.setattr("bench.uv.sys.executable", "/nowhere/python")
    with pytest.raises(UsageError, match="python -m pip install uv"):
        uv.path()


def test_a_duel_between_a_version_and_a_patch(tmp_path: Path) -> None:
    """The patch computes parameter gradients for nothing."""
    before = package.wheel(source(tmp_path / "before"), tmp_path / "wheels")
    calls = tmp_path / "calls.py"
    calls.write_text(CALLS_IT)
    small = ("--attack", f"{calls}:attack", "--models", "wrn_10_1", "--batch", "1")
    quickly = ("--image-size", "32", "--max-seconds", "0.5", "--processes", "1")
    out = tmp_path / "x.jsonl"
    words = ("--a", before, "--b", source(tmp_path / "after", BY_BACKWARD, "1.1"))
    done = bench(
        "duel", *words, *small, *quickly, "--out", out, "--keep", "--fail-if", "speedup:90%"
    )
    assert done.returncode == 0, done.stderr
    (found,) = reading.read(out).duels
    assert found.gradients is not None
    assert (found.gradients["a"], found.gradients["b"]) == (0, found.gradients["parameters"])
    assert found.equality is not None
    assert found.equality.bitwise
    assert len(found.seconds["a"]) == len(found.seconds["b"]) == 2 * len(found.order)
    assert [one.version for one in found.sides.values()] == ["1.0", "1.1"]
    assert "tiny-attacks 1.0" in done.stdout
    assert (tmp_path / "x.environments" / "b" / "tiny_attacks").is_dir()
    assert json.loads(out.read_text().splitlines()[-1])["kind"] == "duel"
