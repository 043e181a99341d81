"""Wheels for a GPU machine without network, and the lock they come from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.tools.wheels import wheel
from tools import wheelhouse
from tools.importing import minimal
from tools.wheelhouse import Target


def test_the_wheelhouse_leaves_the_torch_stack_out() -> None:
    target = Target("3.12", "x86_64")
    lacking = wheelhouse.wanted(target) - wheelhouse.torch_stack(target)
    assert {"torchattacks", "foolbox", "advertorch", "timm", "pydantic"} <= lacking
    assert not lacking & {"torch", "torchvision", "numpy", "pillow", "sympy", "ruff", "mypy"}
    kernels = [name for name in lacking if name.startswith(("nvidia", "cuda"))]
    assert kernels == ["nvidia-ml-py"], "what watches the GPU, and none of what runs on it"
    pinned = {pin.name for pin in wheelhouse.locked(target)}
    assert lacking <= {canonicalize_name(name) for name in pinned}
    with_text = wheelhouse.wanted(target, text=True) - wheelhouse.torch_stack(target)
    assert {"openattack", "transformers"} <= with_text - lacking


def test_the_wheelhouse_reads_both_lists_of_pip() -> None:
    text = (
        "Package    Version\n---------- -------\nnumpy      2.1\nPillow==12.0\ntimm @ file:///x\n"
    )
    assert {"numpy", "pillow", "timm"} <= wheelhouse.names_in(text)


def test_the_lock_pins_one_version_of_each_on_every_python() -> None:
    for python in ("3.10", "3.11", "3.12", "3.13"):
        names = [pin.name for pin in wheelhouse.locked(Target(python, "x86_64"))]
        assert len(names) == len(set(names)), python


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("", 0, ""),
        ("import no_such_module_x", 1, "gpu does not work with these wheels: ModuleNotFoundError"),
    ],
)
def test_the_fewest_wheels_are_tried_in_a_fresh_environment(
    source: str,
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What the wall missed is found there, collected, and tried again."""
    gathered: list[set[str]] = []

    def gather(lacking: Iterable[str], target: Target) -> None:
        gathered.append(set(lacking))
        if "nvidia-ml-py" in gathered[-1]:
            wheel(tmp_path, "nvidia_ml_py", {"pynvml.py": source})

    monkeypatch.setattr(wheelhouse, "FOLDER", tmp_path)
    monkeypatch.setattr(wheelhouse, "gather", gather)
    monkeypatch.setattr(minimal, "every", lambda text: ["gpu"])
    found = minimal.Found({"gpu": ["first-x"]}, {"theirs-x"})
    monkeypatch.setattr(minimal, "needed", lambda *asked: found)
    assert wheelhouse.minimal_wheels(Target("3.12", "x86_64"), {"had-x"}, text=False) == code
    assert gathered == [{"first-x"}, {"first-x", "nvidia-ml-py"}]
    told = capsys.readouterr()
    assert said in told.err
    assert bool(told.err) == bool(code)


def test_what_works_nowhere_is_named_and_nothing_is_collected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def needed(*asked: object) -> minimal.Found:
        raise minimal.Unusable("art does not work here: ImportError: no such symbol")

    monkeypatch.setattr(minimal, "needed", needed)
    assert wheelhouse.minimal_wheels(Target("3.12", "x86_64"), set(), text=False) == 1
    assert "wheelhouse: art does not work here" in capsys.readouterr().err
