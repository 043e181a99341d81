"""`energy`: networks are trained where nobody has yet, and attacks are taken to their end."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from adapters import data
from adapters.base import AdapterError
from adapters.models.trained import cache
from bench.cases import SEMI_BACKWARD, Comparison, Status
from bench.errors import Ended, UsageError
from bench.kinds.command import Progress
from bench.kinds.energy import training
from bench.kinds.energy.command import Attacks, Energy
from bench.kinds.energy.findings import EnergyRecord
from bench.kinds.record import OwnRecord
from bench.kinds.request import Request
from bench.kinds.trained import Wanted
from bench.records import reading
from tests import commands
from tests.adapters.trained import toy
from tests.bench.kinds.energy.test_building import FILE, case
from tests.commands import chosen, request

pytestmark = pytest.mark.usefixtures("one_thread")


@dataclass
class Told(Progress):
    """Remembers what the user is told."""

    lines: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.lines.append(text)

    def task(self, text: str, number: int, total: int) -> None:
        self.lines.append(f"[{number}/{total}] {text}")

    def step(self, text: str) -> None:
        self.lines.append(text)


@dataclass
class Here:
    """A session whose workers are this process.

    Attributes:
        most: requests after which the user stops it.
    """

    request: Request
    comparisons: list[Comparison] = field(default_factory=list)
    ended: Mapping[tuple[str, str], Status] = field(default_factory=dict)
    patience: float = 60.0
    records: Path = Path("runs/x.jsonl")
    progress: Told = field(default_factory=Told)
    written: list[OwnRecord] = field(default_factory=list)
    most: int = 10_000
    _servers: dict[str, Any] = field(default_factory=dict)

    def ask(self, library: str, asked: dict[str, Any]) -> dict[str, Any]:
        self.most -= 1
        if self.most < 0:
            raise KeyboardInterrupt
        module, _, name = asked["server"].partition(":")
        server = self._servers.setdefault(name, getattr(importlib.import_module(module), name)())
        try:
            answer: dict[str, Any] = server.answer(**asked["request"])
        except (AdapterError, ArithmeticError) as error:
            raise Ended("failed", str(error)) from error
        return answer

    def fresh(self) -> None:
        self._servers.clear()

    def write(self, record: OwnRecord) -> None:
        self.written.append(record)

    def done(self, line: str) -> set[tuple[Any, ...]]:
        return {record.key for record in self.written if record.status == "ok"}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where trained networks go; what is trained is a toy, on a few digits."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    toy.register(monkeypatch)
    read = data.load("digits")
    few = replace(read, images=read.images[:150], labels=read.labels[:150])
    monkeypatch.setattr(data, "load", lambda where: few)
    return tmp_path


def asked_for(*words: str) -> Here:
    return Here(request("energy", *words))


TOY = Wanted("papers", "toy", "digits", 10, 0, "cpu")


def test_a_network_that_is_lacking_is_trained_once_with_progress_shown(kept: Path) -> None:
    session = asked_for()
    training.train(session, [TOY])
    assert cache.ready(TOY.file)
    told = "\n".join(session.progress.lines)
    assert "[1/1] training toy on digits, seed 0" in told
    assert "first, epoch 1 of 4" in told
    assert "of the static network" in told
    again = asked_for()
    training.train(again, [TOY])
    assert again.progress.lines == []


def test_a_training_that_was_stopped_goes_on(kept: Path) -> None:
    stopped = asked_for()
    stopped.most = 2
    with pytest.raises(KeyboardInterrupt):
        training.train(stopped, [TOY])
    assert not cache.ready(TOY.file)
    session = asked_for()
    training.train(session, [TOY])
    assert cache.ready(TOY.file)
    epochs = [line for line in session.progress.lines if "epoch" in line]
    assert all("epoch 1 of" not in line and "epoch 2 of" not in line for line in epochs)


def test_a_damaged_file_is_named_and_trained_again(kept: Path) -> None:
    TOY.file.parent.mkdir(parents=True)
    TOY.file.write_bytes(b"damaged")
    session = asked_for()
    training.train(session, [TOY])
    assert cache.ready(TOY.file)
    assert any(str(TOY.file) in line and "trained again" in line for line in session.progress.lines)


def test_a_training_that_diverges_is_told_and_the_others_go_on(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.register(monkeypatch, diverging=True)
    session = asked_for()
    training.train(session, [TOY, replace(TOY, seed=1)])
    assert sum("the training diverged" in line for line in session.progress.lines) == 2


def test_without_a_home_the_folder_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("no home")

    for name in (cache.VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    with pytest.raises(UsageError, match=cache.VARIABLE):
        training.train(asked_for(), [replace(TOY, network="skipnet")])


def test_what_cases_need_is_trained_each_once() -> None:
    found = [
        one.case
        for one in chosen("--libs", "papers", "--models", "skipnet", "sact", "--transfer", "sact")
    ]
    wanted = training.wanted(found, 3)
    assert [(one.network, one.seed) for one in wanted] == [("skipnet", 3), ("sact", 3)]


def test_attacks_are_taken_to_their_end_for_every_seed_and_not_twice() -> None:
    session = asked_for()
    mine = case(defences=("smoothing",))
    written = Attacks(session, images=3).run([mine], [0, 1])
    assert [(record.network_seed, record.status) for record in written] == [(0, "ok"), (1, "ok")]
    for record in written:
        record.check()
        assert record.reached is not None
        assert record.reached.images == 3
        assert list(record.elsewhere) == ["smoothing"]
    assert Attacks(session, images=3).run([mine], [0, 1]) == []
    assert "2 already attacked, not repeated" in session.progress.lines


def test_an_attack_that_can_t_be_says_why_and_the_others_go_on() -> None:
    session = asked_for()
    found = Attacks(session, images=2).run([case("Gateless"), case()], [0])
    assert [record.status for record in found] == ["failed", "ok"]
    assert "has no gates" in str(found[0].reason)


def test_only_what_was_measured_is_attacked() -> None:
    good, bad = case(), case(attack="ilfo")
    session = asked_for("--test-images", "2", "--seeds", "2")
    session.comparisons = [Comparison(one, SEMI_BACKWARD) for one in (good, bad)]
    session.ended = {(good.id, SEMI_BACKWARD): "ok", (bad.id, SEMI_BACKWARD): "failed"}
    Energy().go_on(session)
    assert [(r.case.attack, r.case_id) for r in session.written] == [("gradmdm", good.id)] * 2


def test_it_compares_semi_backward() -> None:
    with pytest.raises(UsageError, match="energy compares semi-backward"):
        Energy().check(request("energy", "--variants", "a-a"), Path("x.jsonl"))


def test_as_a_user_has_it(tmp_path: Path) -> None:
    out = tmp_path / "x.jsonl"
    words = ("--libs", "papers", "--models", f"{FILE}:build", "--attacks", "gradmdm")
    few = ("--batch", "2", "--steps", "1", "--iterations", "2", "--test-images", "3")
    quick = ("--max-seconds", "0.2", "--processes", "1", "--out", out)
    done = commands.bench("energy", *words, *few, *quick)
    assert done.returncode == 0, done.stderr
    for told in ("A step of energy attacks", "What energy attacks recover"):
        assert told in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    found = reading.read(out)
    assert [record.status for record in found.comparisons] == ["ok"]
    records = [r for lines in found.own.values() for r in lines if isinstance(r, EnergyRecord)]
    assert [record.reached is not None for record in records] == [True]
