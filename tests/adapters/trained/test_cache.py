"""Where trained networks are kept: a name for each training, and files that are whole or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import safetensors.numpy

from adapters import caching, data
from adapters.base import AdapterError
from adapters.models.dynamic.catalogue import NETWORKS
from adapters.models.trained import cache, files
from adapters.models.trained.cache import Trained
from adapters.models.trained.recipes import Falls, Mixture, Recipe, Stage
from tests.adapters.trained import toy

DIGITS = data.facts("digits")
TOLD = Trained("toy", "digits", 10, 3, "abc", 0.93, 0.5, 0.1, 12.5)
STATE = {"weight": numpy.arange(6, dtype=numpy.float32)}


def kept(file: Path, told: Trained = TOLD) -> Path:
    metadata = cache.told(told, safetensors.numpy.save(STATE))
    files.write(file, safetensors.numpy.save(STATE, metadata=metadata))
    return file


def test_the_environment_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (caching.VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert files.folder() == tmp_path / ".cache" / "semibackward-bench" / "networks"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert files.folder() == tmp_path / ".cache" / "semibackward-bench" / "networks"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert files.folder() == tmp_path / "xdg" / "semibackward-bench" / "networks"
    monkeypatch.setenv(caching.VARIABLE, str(tmp_path / "own"))
    assert files.folder() == tmp_path / "own" / "networks"


def test_whatever_changes_the_weights_changes_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    toy.register(monkeypatch)
    usual = cache.path("toy", "digits", 10, 0)
    assert usual == cache.path("toy", "digits", 10, 0)
    assert usual.name.startswith("toy-")
    assert usual.suffix == ".safetensors"
    cifar = replace(DIGITS, name="cifar10", images=50_000)
    others = {
        cache.path("toy", "digits", 10, 1).name,
        cache.path("toy", "digits", 9, 0).name,
        cache.path("toy", "digits", 10, 0, adversarial=0.1).name,
        cache.path("skipnet", "digits", 10, 0).name,
        f"toy-{cache.digest('toy', cifar, 10, 0)}.safetensors",
    }
    for recipe, arguments in (
        (Recipe((Stage("other", 1, 0.1),)), {}),
        (replace(toy.RECIPE, batch=25), {}),
        (replace(toy.RECIPE, version=2), {}),
        (toy.RECIPE, {"width": 9}),
    ):
        toy.register(monkeypatch, recipe, **arguments)
        others.add(cache.path("toy", "digits", 10, 0).name)
    assert len(others) == 9
    assert usual.name not in others


def test_networks_that_are_kept_already_keep_their_names() -> None:
    """Whatever recipes learned to say since; records name them, too."""
    names = ("skipnet_hrl_adversarial", "avit", "resnet20", "resnet20_adversarial")
    found = [cache.digest(name, DIGITS, 10, 0) for name in names]
    assert found == [
        *("d60d105a69b71eb4", "d38da7f4a3a24b17"),
        *("0f456a72f913f147", "429c27a9f6049be2"),
    ]


def test_what_a_recipe_learned_to_say_changes_the_name_where_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = set()
    for recipe in (
        toy.RECIPE,
        replace(toy.RECIPE, mixture=Mixture(0.2, 2)),
        replace(toy.RECIPE, mixture=Mixture(0.2, 4)),
        replace(toy.RECIPE, stages=(Stage("first", 2, 0.1, falls=Falls()),)),
        replace(toy.RECIPE, stages=(Stage("first", 2, 0.1, falls=Falls((1,))),)),
    ):
        toy.register(monkeypatch, recipe)
        found.add(cache.digest("toy", DIGITS, 10, 0))
    assert len(found) == 5


def test_a_network_that_there_is_not_is_a_line() -> None:
    with pytest.raises(AdapterError, match=r"no network 'resnet21' to train; there are .*resnet20"):
        cache.path("resnet21", "digits", 10, 0)


def test_what_is_not_the_digits_is_trained_as_photographs_are() -> None:
    row = NETWORKS["skipnet"]
    assert cache.recipe("skipnet", DIGITS) == row.digits
    assert cache.recipe("skipnet", replace(DIGITS, name="cub200")) == row.photographs
    assert cache.recipe("skipnet", DIGITS, adversarial=0.1).adversarial == 0.1


def test_a_whole_file_tells_what_it_is(tmp_path: Path) -> None:
    file = kept(tmp_path / "made" / "x.safetensors")
    assert cache.ready(file)
    assert cache.facts(file) == TOLD == cache.claimed(file)
    assert safetensors.numpy.load_file(file)["weight"].tolist() == STATE["weight"].tolist()
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_is_damaged_is_told_and_none_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    assert cache.fault(file) == f"{file} is not there"
    whole = kept(file).read_bytes()
    flipped = bytes([*whole[:-1], whole[-1] ^ 1])
    for content in (b"", b"1234", whole[:40], whole[:-1], b"\xff" * 64, flipped, whole[8:]):
        file.write_bytes(content)
        said = cache.fault(file)
        assert said is not None
        assert said.startswith(f"{file} is damaged")
        assert "\n" not in said
        assert not cache.ready(file)
        with pytest.raises(AdapterError, match="is damaged"):
            cache.facts(file)


def test_a_safetensors_file_of_someone_elses_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    safetensors.numpy.save_file(STATE, file)
    assert cache.claimed(file) is None
    assert not cache.ready(file)
    assert cache.claimed(kept(file, replace(TOLD, accuracy=float("nan")))) is None
    assert cache.claimed(kept(file, replace(TOLD, seed="3"))) is None  # type: ignore[arg-type]
    assert cache.claimed(kept(file, replace(TOLD, accuracy=None))) is None  # type: ignore[arg-type]


def test_a_folder_that_cant_be_written_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AdapterError, match=rf"can't be written: .*{caching.VARIABLE}"):
        files.write(tmp_path / "file" / "x.safetensors", b"")
