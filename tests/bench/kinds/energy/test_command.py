"""`energy`: what cases need is trained, and attacks are taken to their end."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.models.trained.cache import Trained
from bench.cases import SEMI_BACKWARD, Comparison
from bench.errors import UsageError
from bench.kinds.energy import training
from bench.kinds.energy.command import Attacks, Energy
from bench.kinds.energy.findings import EnergyRecord
from bench.records import reading
from tests import commands
from tests.bench.kinds.energy.test_building import FILE, case
from tests.bench.kinds.here import Here
from tests.commands import chosen, request

pytestmark = pytest.mark.usefixtures("one_thread")


def asked_for(*words: str) -> Here:
    return Here(request("energy", *words))


def test_what_cases_need_is_trained_each_once() -> None:
    found = [
        one.case
        for one in chosen("--libs", "papers", "--models", "skipnet", "sact", "--transfer", "sact")
    ]
    wanted = training.wanted(found, 3)
    assert [(one.network, one.seed) for one in wanted] == [("skipnet", 3), ("sact", 3)]


def test_what_a_trained_network_saves_is_told() -> None:
    facts = Trained("sact", "digits", 10, 0, "x", 0.93, 0.5, 0.1, 12.5)
    told = "93.0 % right; an image costs 50 ± 10 % of the static network; 12 s"
    assert training.told(facts) == told


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
    quick = ("--max-seconds", "0.2", "--processes", "1", "--memory", "keep", "--out", out)
    done = commands.bench("energy", *words, *few, *quick)
    assert done.returncode == 0, done.stderr
    for told in ("A step of energy attacks", "What energy attacks recover"):
        assert told in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    found = reading.read(out)
    assert [record.status for record in found.comparisons] == ["ok"]
    records = [r for lines in found.own.values() for r in lines if isinstance(r, EnergyRecord)]
    assert [record.reached is not None for record in records] == [True]
