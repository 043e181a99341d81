"""What is imported and what is declared: behind a wall, and in a fresh environment."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.places import ROOT
from tests.tools.wheels import wheel
from tools.importing import environment, minimal, trial, uses, wall
from tools.importing.environment import Fresh
from tools.importing.wall import Wall

OWNED = {
    name: frozenset({name.replace("_", "-")})
    for name in ("shell_x", "kernel_x", "frill_x", "had_x", "own_x")
}


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Writes modules into a folder on the path; what was imported of them is forgotten."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(**sources: str) -> None:
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()

    yield write
    for name in OWNED:
        sys.modules.pop(name, None)


def using(name: str) -> Callable[[], None]:
    def use() -> None:
        importlib.import_module(name)

    return use


def test_behind_the_wall_only_what_is_named_is_there(modules: Callable[..., None]) -> None:
    modules(shell_x="", kernel_x="")
    with wall.built(Wall({"shell-x"}, OWNED)):
        importlib.import_module("shell_x")
        assert importlib.util.find_spec("kernel_x") is None
        with pytest.raises(ModuleNotFoundError, match="kernel_x"):
            importlib.import_module("kernel_x")
    assert importlib.util.find_spec("kernel_x") is not None


def test_what_is_imported_counts_and_what_can_be_done_without_does_not(
    modules: Callable[..., None],
) -> None:
    modules(
        shell_x="import kernel_x\ntry:\n    import frill_x\nexcept ImportError:\n    pass\n",
        kernel_x="",
        frill_x="",
    )
    assert trial.grown(using("shell_x"), {"had-x"}, {"shell-x"}, OWNED) == {
        "needs": ["kernel-x"],
        "theirs": [],
    }


def test_what_only_the_machines_own_imports_is_the_machines_affair(
    modules: Callable[..., None],
) -> None:
    modules(shell_x="import had_x", had_x="import own_x", own_x="import frill_x", frill_x="")
    assert trial.grown(using("shell_x"), {"had-x"}, set(), OWNED) == {
        "needs": ["shell-x"],
        "theirs": ["own-x", "frill-x"],
    }


def test_what_is_nowhere_is_told(modules: Callable[..., None]) -> None:
    modules(shell_x="import no_such_module_x")
    found = trial.grown(using("shell_x"), set(), {"shell-x"}, OWNED)
    assert (found["missing"], found["by"]) == ("no_such_module_x", "shell_x")
    assert "no_such_module_x" in found["error"]


def test_ours_look_before_they_import_and_say_what_to_install() -> None:
    def looks() -> None:
        raise ValueError("needs more: python -m pip install kernel-x; or something else")

    assert trial.failure(_raised(looks))["missing"] == "kernel-x"


def test_of_a_fallback_the_last_is_what_is_missing() -> None:
    def falls_back() -> None:
        try:
            importlib.import_module("first_x")
        except ImportError:
            importlib.import_module("second_x")

    assert trial.failure(_raised(falls_back))["missing"] == "second_x"


def _raised(run: Callable[[], None]) -> Exception:
    with pytest.raises(Exception) as caught:
        run()
    return caught.value


def test_each_use_needs_what_those_before_it_did_not() -> None:
    asked: list[tuple[str, set[str], set[str]]] = []
    answers: dict[str, list[dict[str, Any]]] = {
        "one": [{"needs": ["a"], "theirs": ["t"], "error": "half imported"}, {"needs": ["b"]}],
        "two": [{"needs": []}],
    }

    def attempt(name: str, had: Collection[str], found: Collection[str]) -> dict[str, Any]:
        asked.append((name, set(had), set(found) - {minimal.OURSELVES}))
        return answers[name].pop(0)

    found = minimal.needed(["one", "two"], {"had"}, lambda text: None, attempt)
    assert found.needs == {"one": ["a", "b"], "two": []}
    assert asked == [
        ("one", {"had"}, set()),
        ("one", {"had", "t"}, {"a"}),
        ("two", {"had", "t"}, {"a", "b"}),
    ]


def test_a_use_that_does_not_work_here_at_all_is_named() -> None:
    def attempt(name: str, had: Collection[str], found: Collection[str]) -> dict[str, Any]:
        return {"needs": [], "missing": "", "error": "ImportError: no such symbol"}

    with pytest.raises(minimal.Unusable, match="art does not work here: ImportError: no such"):
        minimal.needed(["art"], set(), lambda text: None, attempt)


def test_a_fresh_environment_has_the_wheels_and_what_is_had_and_nothing_else(
    tmp_path: Path,
) -> None:
    wheels = [
        wheel(tmp_path, "shell_x", {"shell_x/__init__.py": "from shell_x.more import answer"}),
        wheel(tmp_path, "more_x", {"more_x-1.0.data/purelib/shell_x/more.py": "answer = 42"}),
        wheel(tmp_path, "psutil", {"psutil.py": "raise SystemError"}, "cp35-cp35m-linux_x86_64"),
    ]
    fresh = Fresh(tmp_path / "venv")
    assert fresh.fill(wheels, ["packaging", "no-such-distribution"]) == ["psutil"]
    looked = "import shell_x, packaging, psutil; print(shell_x.answer, psutil.__version__[0])"
    assert fresh.run("-c", looked).stdout.split()[0] == "42"
    for hidden in ("numpy", "torch", "pydantic"):
        assert f"No module named '{hidden}'" in fresh.run("-c", f"import {hidden}").stderr


def test_a_wheel_is_not_unpacked_into_what_is_installed_here(tmp_path: Path) -> None:
    fresh = Fresh(tmp_path / "venv")
    fresh.fill([wheel(tmp_path, "more_x", {"packaging/more_x.py": "answer = 42"})], ["packaging"])
    assert fresh.run("-c", "import packaging.more_x, packaging.tags").returncode == 0
    there = {path.name for top in environment.tops("packaging") for path in top.rglob("*")}
    assert "tags.py" in there
    assert "more_x.py" not in there


def test_the_proof_names_what_does_not_work_and_what_would_have_to_be_there(
    tmp_path: Path,
) -> None:
    told: list[str] = []
    proof = minimal.prove(["gpu", "bench"], [], ["packaging"], told.append)
    assert set(proof.failed) == {"gpu", "bench"}
    assert "pynvml" in proof.failed["gpu"]
    assert "nvidia-ml-py" in proof.missing
    assert told[0].startswith("gpu: ModuleNotFoundError")


def test_the_proof_holds_where_everything_needed_is_there() -> None:
    proof = minimal.prove(["gpu"], [], ["nvidia-ml-py"], lambda text: None)
    assert proof.failed == {}


def test_uses_are_ours_and_every_library_of_images_and_of_text_if_asked() -> None:
    assert list(uses.every(text=False))[:3] == ["bench", "gpu", "tests"]
    assert set(uses.every(text=True)) - set(uses.every(text=False)) == {"openattack"}
    assert uses.RECORDS.is_file()
    assert uses.ROOT == ROOT
