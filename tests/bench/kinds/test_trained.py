"""Networks are trained where nobody has yet, and a training that was stopped goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters import caching, data
from adapters.models.trained import cache
from adapters.models.trained.cache import Trained
from bench.errors import UsageError
from bench.kinds import trained
from bench.kinds.trained import Wanted
from tests.adapters.trained import toy
from tests.bench.kinds.here import Here
from tests.commands import request

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where trained networks go; what is trained is a toy, on a few digits."""
    monkeypatch.setenv(caching.VARIABLE, str(tmp_path))
    toy.register(monkeypatch)
    read = data.load("digits")
    few = replace(read, images=read.images[:150], labels=read.labels[:150])
    monkeypatch.setattr(data, "load", lambda where: few)
    return tmp_path


def asked_for() -> Here:
    return Here(request("run"))


def words(facts: Trained) -> str:
    return f"{facts.accuracy:.2f} right: the {facts.network}"


DIGITS = data.facts("digits")
TOY = Wanted("papers", "toy", "digits", 10, 0, "cpu", words)


def test_a_network_that_is_lacking_is_trained_once_with_progress_shown(kept: Path) -> None:
    session = asked_for()
    trained.make(session, [TOY])
    assert cache.ready(TOY.file)
    told = "\n".join(session.progress.lines)
    assert "[1/1] training toy on digits, seed 0" in told
    assert "first, epoch 1 of 4" in told
    assert "right: the toy" in told
    again = asked_for()
    trained.make(again, [TOY])
    assert again.progress.lines == []


def test_a_network_by_a_method_is_trained_by_it_and_kept_apart(kept: Path) -> None:
    natural = replace(TOY, method="natural")
    attacked = replace(TOY, method="pgd")
    session = asked_for()
    trained.make(session, [attacked])
    assert cache.ready(attacked.file)
    assert "[1/1] training toy on digits by pgd, seed 0" in "\n".join(session.progress.lines)
    assert cache.facts(attacked.file).recipe == cache.digest("toy", DIGITS, 10, 0, method="pgd")
    assert natural.file == TOY.file != attacked.file


def test_a_method_that_does_not_fit_is_told_and_one_that_is_none_is_refused(kept: Path) -> None:
    session = asked_for()
    trained.make(session, [replace(TOY, method="trades")])
    assert any("toy can't be trained by trades" in line for line in session.progress.lines)
    with pytest.raises(UsageError, match="no method 'adversarial'"):
        trained.make(session, [replace(TOY, method="adversarial")])


def test_a_training_that_was_stopped_goes_on(kept: Path) -> None:
    stopped = asked_for()
    stopped.most = 2
    with pytest.raises(KeyboardInterrupt):
        trained.make(stopped, [TOY])
    assert not cache.ready(TOY.file)
    session = asked_for()
    trained.make(session, [TOY])
    assert cache.ready(TOY.file)
    epochs = [line for line in session.progress.lines if "epoch" in line]
    assert all("epoch 1 of" not in line and "epoch 2 of" not in line for line in epochs)


def test_a_damaged_file_is_named_and_trained_again(kept: Path) -> None:
    TOY.file.parent.mkdir(parents=True)
    TOY.file.write_bytes(b"damaged")
    session = asked_for()
    trained.make(session, [TOY])
    assert cache.ready(TOY.file)
    assert any(str(TOY.file) in line and "trained again" in line for line in session.progress.lines)


def test_a_training_that_diverges_is_told_and_the_others_go_on(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.register(monkeypatch, diverging=True)
    session = asked_for()
    trained.make(session, [TOY, replace(TOY, seed=1)])
    assert sum("the training diverged" in line for line in session.progress.lines) == 2


def test_without_a_home_the_folder_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("no home")

    for name in (caching.VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    with pytest.raises(UsageError, match=caching.VARIABLE):
        trained.make(asked_for(), [replace(TOY, network="skipnet")])
