"""Agents that act while what they see is attacked."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from adapters.agents import playing
from adapters.agents.catch import BALL, BALLS, CELL, CELLS, LEFT, RIGHT
from adapters.agents.environments import CATCH
from adapters.agents.playing import play
from tests.adapters.agents import hands

pytestmark = pytest.mark.usefixtures("one_thread")


def by_hand(observations: Tensor) -> Tensor:
    """Values of catch."""
    frames = (observations * 255).round().to(torch.uint8).numpy()
    actions = [hands.best(shown[-1]) for shown in frames]
    return torch.nn.functional.one_hot(torch.tensor(actions), 3).float()


def total(perturb: playing.Perturb | None = None, seed: int = 0) -> float:
    return sum(play(CATCH, by_hand, episodes=4, seed=seed, perturb=perturb)) / 4


def test_a_good_agent_catches_and_a_random_one_does_not() -> None:
    def at_random(observations: Tensor) -> Tensor:
        return torch.rand(len(observations), 3)

    assert total() > 0.8 * BALLS
    assert sum(play(CATCH, at_random, episodes=4, seed=0)) / 4 < 0.4 * BALLS


def test_the_same_seed_gives_the_same_rewards_also_of_drawn_values() -> None:
    def drawn(observations: Tensor) -> Tensor:
        return by_hand(observations) + torch.rand(len(observations), 3)

    first, again, other = (play(CATCH, drawn, episodes=6, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_an_attack_that_changes_nothing_costs_nothing() -> None:
    assert play(CATCH, by_hand, episodes=3, seed=0) == play(
        CATCH, by_hand, episodes=3, seed=0, perturb=lambda observations, actions: observations
    )


def test_an_attack_that_hides_the_ball_costs_rewards() -> None:
    def mirrored(observations: Tensor, actions: Tensor) -> Tensor:
        changed = observations.clone()
        changed[:, :, : -2 * CELL] = changed[:, :, : -2 * CELL].flip(3)
        return changed

    assert total(mirrored) < total() / 2


def test_an_attack_is_told_what_the_agent_prefers_in_what_is_there() -> None:
    asked: list[tuple[Tensor, Tensor]] = []

    def watched(observations: Tensor, actions: Tensor) -> Tensor:
        asked.append((observations, actions))
        return observations.flip(3)

    play(CATCH, by_hand, episodes=2, seed=0, perturb=watched)
    assert len(asked) == BALLS * (CELLS - 1)
    for observations, actions in asked:
        assert observations.shape == (2, 4, 84, 84)
        assert observations.max() == BALL / 255
        assert actions.tolist() == by_hand(observations).argmax(1).tolist()


def test_the_episodes_are_the_same_whatever_the_agent_does() -> None:
    """By the first picture of each."""
    first: list[Tensor] = []
    for action in (LEFT, RIGHT):

        def stubborn(observations: Tensor, action: int = action) -> Tensor:
            if len(first) < 2 and len(observations) == 3:
                first.append(observations)
            return torch.nn.functional.one_hot(torch.full((3,), action), 3).float()

        play(CATCH, stubborn, episodes=3, seed=5)
    assert not torch.equal(first[0][0], first[0][1])


def test_an_episode_without_an_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "LONGEST", 3)
    assert play(CATCH, by_hand, episodes=2, seed=0) == [0, 0]
