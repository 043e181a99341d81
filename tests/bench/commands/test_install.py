"""Libraries that conflict with the others, installed into layers from local wheels."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import caching, layers, registry
from bench import cli
from bench.records import reading
from tests.commands import SMALL
from tests.data.apart_library import Apart
from tests.places import ROOT
from tools.planted import package

LIBRARY = """
import torch
import conflicting
def fgsm(model, images, labels):
    images = images.detach().requires_grad_()
    torch.nn.functional.cross_entropy(model(images), labels).backward()
    return (images.detach() + conflicting.EPS * images.grad.sign()).clamp(0, 1)
"""


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with wheels of a library and of what it needs, and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(caching.VARIABLE, str(tmp_path / "cache"))
    facts = tmp_path / "plugin" / "apart_adapter-1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: apart-adapter\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(
        "[semibackward.adapters]\napart = tests.data.apart_library:Apart\n"
    )
    monkeypatch.syspath_prepend(facts.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(facts.parent), str(ROOT)]))
    registry._third_parties.cache_clear()
    _wheel(tmp_path, "apart-attacks", "1.5", {"apart_attacks/__init__.py": LIBRARY})
    _wheel(tmp_path, "conflicting", "1.0", {"conflicting.py": "EPS = 0.03\n"})
    _wheel(tmp_path, "conflicting", "2.0", {"conflicting.py": "EPS = None\n"})
    # uv wants torch to be among the wheels, and never installs it.
    _wheel(tmp_path, "torch", importlib.metadata.version("torch"), {"unused.py": ""})
    yield tmp_path
    registry._third_parties.cache_clear()


def _wheel(place: Path, name: str, version: str, modules: dict[str, str]) -> None:
    source = package.write(place / f"{name}-{version}", name, version, modules)
    package.wheel(source, place / "wheels")


def bench(*words: object) -> int:
    return cli.main([*map(str, words)])


def test_a_library_in_a_layer_is_measured_there(
    offline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("install") == 0
    assert "python -m bench install apart" in capsys.readouterr().out
    assert bench("install", "apart", "--find-wheels", "wheels") == 0
    assert "apart 1.5: 2 packages in" in capsys.readouterr().out
    layer = layers.of("apart")
    assert layer is not None
    assert layer.packages == {"apart-attacks": "1.5", "conflicting": "1.0"}
    assert layer.beside == {"torch": importlib.metadata.version("torch")}
    assert bench("list", "libs") == 0
    assert "in a layer of its own" in capsys.readouterr().out

    out = ("--out", "r.jsonl", "--max-seconds", "1", "--processes", "2")
    assert bench("run", "--libs", "apart", *SMALL, *out) == 0
    (record,) = reading.read(Path("r.jsonl")).comparisons
    assert record.status == "ok"
    assert record.case.library_version == "1.5"
    assert record.gradients is not None
    assert record.gradients["original"] == 25
    assert "run in a layer of its own" in record.warnings


def test_without_its_layer_the_command_that_makes_it_is_told(
    offline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("counts", "--libs", "apart", *SMALL, "--out", "r.jsonl") == 5
    (record,) = reading.read(Path("r.jsonl")).counts
    assert record.reason is not None
    assert record.reason.endswith("install it with: python -m bench install apart")


def test_a_layer_for_another_environment_is_made_again(
    offline: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("install", "apart", "--find-wheels", "wheels") == 0
    first = layers.of("apart")
    assert first is not None
    told = first.folder / layers.READY
    told.write_text(told.read_text().replace('"beside": {', '"beside": {"numpy": "0.1",'))
    capsys.readouterr()
    assert layers.of("apart") is None
    assert bench("install") == 0
    assert "again: its layer is for numpy 0.1, now" in capsys.readouterr().out
    assert bench("install", "apart", "--find-wheels", "wheels") == 0
    assert layers.of("apart") == first


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["foolbox"], "foolbox needs no layer: python -m pip install foolbox"),
        (["apatr"], "unknown library 'apatr'; did you mean apart?"),
        (["apart", "--find-wheels", "nowhere"], "--find-wheels nowhere: there is no such folder"),
        (["apart", "--find-wheels", "."], "apart can't be installed beside torch"),
    ],
)
def test_what_can_t_be_installed_is_one_line(
    words: list[str], said: str, offline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("install", *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_what_is_installed_here_needs_no_layer(
    offline: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench("install", "apart", "--find-wheels", "wheels") == 0
    monkeypatch.setattr(sys, "path", [str(offline / "apart-attacks-1.5"), *sys.path])
    assert layers.of("apart") is None
    assert layers.here(Apart())
    capsys.readouterr()
    assert bench("install") == 0
    assert "in this environment" in capsys.readouterr().out
