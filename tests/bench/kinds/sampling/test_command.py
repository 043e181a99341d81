"""`robustness`: what cases need is trained, and networks and agents are attacked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters import caching
from adapters.agents import checkpoints, kept
from adapters.agents.kept import Agent
from adapters.agents.network import QNetwork
from adapters.agents.recipes import recipe
from bench.cases import SEMI_BACKWARD, Comparison
from bench.errors import UsageError
from bench.kinds.sampling import training
from bench.kinds.sampling.command import Asked, Evaluation, Robustness
from bench.kinds.sampling.findings import AgentRecord, RobustnessRecord
from bench.kinds.sampling.options import AGENT, TRAINED
from tests.bench.kinds.here import Here
from tests.bench.kinds.sampling.test_building import FILE, case
from tests.commands import chosen, request

pytestmark = pytest.mark.usefixtures("one_thread")

FEW = Asked(images=4, levels=(0.0, 2.0, 64.0), passes=2, episodes=1)


def asked_for(*words: str) -> Here:
    return Here(request("robustness", *words))


def test_a_network_is_judged_at_every_level_and_not_twice() -> None:
    session = asked_for()
    asked = Evaluation(session, FEW)
    asked.run([case()], [0, 1])
    for record, seed in zip(session.written, (0, 1), strict=True):
        assert isinstance(record, RobustnessRecord)
        record.check()
        assert (record.status, record.network_seed, record.passes) == ("ok", seed, 2)
        assert [found.strength for found in record.judged] == [0.0, 2.0, 64.0]
        assert {found.images for found in record.judged} == {4}
        assert record.weights
    asked.run([case()], [0, 1])
    assert len(session.written) == 2
    assert "2 already evaluated, not repeated" in session.progress.lines


def test_images_and_draws_are_the_same_in_every_run() -> None:
    first, second = asked_for(), asked_for()
    for session in (first, second):
        Evaluation(session, FEW).run([case()], [0])
    found = [session.written[0] for session in (first, second)]
    assert all(isinstance(record, RobustnessRecord) for record in found)
    assert found[0].judged == found[1].judged  # type: ignore[attr-defined]


def test_an_iterative_attack_is_judged_up_to_its_strength() -> None:
    asked = Asked(images=2, levels=(0.0, 1.0, 2.0, 64.0), passes=1, episodes=1)
    assert asked.levels_of(case(attack="iterative", strength=2.0)) == (0.0, 1.0, 2.0)
    assert asked.levels_of(case(attack="iterative", strength=0.5)) == (0.0,)
    assert asked.levels_of(case()) == asked.levels


def test_one_pass_is_enough_for_what_draws_nothing() -> None:
    session = asked_for()
    Evaluation(session, FEW).run([case(defence="dense"), case(attack="noise", samples=1)], [0])
    assert [record.passes for record in session.written] == [1, 2]  # type: ignore[attr-defined]


def test_a_network_that_can_t_be_says_why_and_the_others_go_on() -> None:
    session = asked_for()
    Evaluation(session, FEW).run([case(f"{FILE}:smooth"), case()], [0])
    assert [record.status for record in session.written] == ["failed", "ok"]
    assert "no ReLU ran" in (session.written[0].reason or "")


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One for catch that has learned nothing."""
    monkeypatch.setenv(caching.VARIABLE, str(tmp_path))
    told = Agent("catch", 3, 0, recipe("catch").digest("catch", 0), steps=5)
    file = kept.path("catch", 0)
    file.parent.mkdir(parents=True, exist_ok=True)
    checkpoints.write_network(file, told, QNetwork(3))
    return file


@pytest.mark.usefixtures("agent")
def test_an_agent_plays_the_same_episodes_at_every_level() -> None:
    session = asked_for()
    told: dict[str, Any] = {
        "environment": "catch",
        "input_shape": (4, 84, 84),
        "classes": 3,
        "samples": 1,
    }
    mine = [case(AGENT, weights=TRAINED, batch=1, defence=d, **told) for d in ("dense", "sap-100")]
    Evaluation(session, Asked(2, (0.0, 64.0), passes=1, episodes=1)).run(mine, [0])
    for record in session.written:
        assert isinstance(record, AgentRecord)
        record.check()
        assert [(one.strength, len(one.rewards)) for one in record.played] == [(0.0, 1), (64.0, 1)]
        assert record.source == "trained in catch for 5 steps, seed 0"


def test_what_cases_need_is_trained_each_once() -> None:
    found = training.wanted([one.case for one in chosen("robustness")], 3)
    assert [one.what.partition(" (")[0] for one in found] == [
        "resnet20 on digits, seed 3",
        "resnet20_adversarial on digits, seed 3",
        "resnet20_dropout_10 on digits, seed 3",
        "resnet20_dropout_30 on digits, seed 3",
        "ddqn in catch, seed 3",
    ]


def test_how_far_an_agent_is_and_what_it_became_is_told(agent: Path) -> None:
    mine = training.Agent("sap", "catch", 0, "cpu")
    assert mine.fault() is None
    assert mine.outcome() == "no episode is over yet after 5 steps; 0 s"
    assert mine.step({"step": 10, "steps": 20, "reward": 1.26}) == "10 of 20 steps: mean reward 1.3"


def test_the_command_evaluates_what_was_chosen() -> None:
    session = asked_for("--test-images", "2", "--passes", "1", "--levels", "0", "8", "0")
    session.comparisons = [Comparison(case(), SEMI_BACKWARD), Comparison(case(), "a-a")]
    Robustness().go_on(session)
    (record,) = session.written
    assert isinstance(record, RobustnessRecord)
    assert [found.strength for found in record.judged] == [0.0, 8.0]


@pytest.mark.parametrize("words", [("--variants", "a-a"), ("--a-a",)])
def test_it_attacks_frozen_networks_alone(words: tuple[str, ...]) -> None:
    asked = request("robustness", *words)
    with pytest.raises(UsageError):
        Robustness().check(asked, Path("x.jsonl"))
