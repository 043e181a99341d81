"""Environments: what each shows, and what is said of one that can't be had."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy
import pytest
from gymnasium.spaces import Box, Discrete
from gymnasium.utils.env_checker import check_env

from adapters.agents import environments
from adapters.agents.catch import BALLS, CELLS, LEFT, STAY, Catch
from adapters.agents.environments import CATCH
from adapters.base import AdapterError, LibraryUnavailable
from tests.adapters.agents import hands

WIDE = "Wide-v0"


class Wide(gymnasium.Env[Any, Any]):
    """Shows a picture in red and blue that is wider than high."""

    def __init__(self) -> None:
        self.observation_space = Box(0, 255, (84, 168, 3), numpy.uint8)
        self.action_space = Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        picture = numpy.zeros((84, 168, 3), numpy.uint8)
        picture[:, :84, 0] = picture[:, 84:, 2] = 200
        return picture, {}

    def step(self, action: int) -> Any:
        return self.reset()[0], 0.0, False, False, {}


@pytest.fixture
def wide() -> Iterator[None]:
    gymnasium.register(WIDE, f"{__name__}:Wide")
    yield
    del gymnasium.registry[WIDE]


def test_catch_is_an_environment_as_gymnasium_wants_it(recwarn: pytest.WarningsRecorder) -> None:
    check_env(Catch(), skip_render_check=True)
    assert [str(warning.message) for warning in recwarn] == []


def test_a_ball_is_caught_by_whoever_is_under_it_when_it_lands() -> None:
    env = Catch()
    caught = 0.0
    for seed in range(5):
        seen, _ = env.reset(seed=seed)
        rewards, over = [], False
        while not over:
            seen, reward, over, _, _ = env.step(hands.best(seen))
            rewards.append(reward)
        assert len(rewards) == BALLS * (CELLS - 1)
        landed = rewards[CELLS - 2 :: CELLS - 1]
        assert sum(landed) == sum(rewards)
        caught += sum(rewards)
    assert caught == 5 * BALLS


def test_a_paddle_that_stays_catches_few() -> None:
    env = Catch()
    total = 0.0
    for seed in range(20):
        env.reset(seed=seed)
        total += sum(env.step(STAY)[1] for _ in range(BALLS * (CELLS - 1)))
    assert 0 < total < 20 * BALLS / 3


def test_a_seed_gives_the_same_balls() -> None:
    first, second = environments.make(CATCH), environments.make(CATCH)
    seen, again = first.reset(seed=3)[0], second.reset(seed=3)[0]
    for _ in range(2 * CELLS):
        assert (seen == again).all()
        seen, again = first.step(LEFT)[0], second.step(LEFT)[0]
    assert (first.reset(seed=4)[0] != second.reset(seed=5)[0]).any()


def test_an_observation_is_the_last_four_pictures() -> None:
    env = environments.make(CATCH)
    first, _ = env.reset(seed=0)
    assert (first.shape, first.dtype) == ((4, 84, 84), numpy.uint8)
    assert (first == first[0]).all()
    second = env.step(STAY)[0]
    assert (second[:3] == first[1:]).all()
    assert (second[3] != first[3]).any()


def test_whatever_shows_pictures_is_made_grey_and_small(wide: None) -> None:
    facts = environments.facts(WIDE)
    assert (facts.actions, facts.input_shape) == (2, (4, 84, 84))
    seen = environments.make(WIDE).reset(seed=0)[0][-1]
    assert seen.shape == (84, 84)
    red, blue = seen[:, :42], seen[:, 42:]
    assert len(numpy.unique(red)) == len(numpy.unique(blue)) == 1
    assert red[0, 0] > blue[0, 0]  # as eyes have it


def test_facts_need_no_torch() -> None:
    code = (
        "import sys; from adapters.agents import environments, kept, recipes;"
        "assert environments.facts('catch').actions == 3; environments.make('catch');"
        "assert not {'torch', 'safetensors'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cathc", r"unknown environment 'cathc' \(did you mean 'catch'\?\); there are catch, "),
        ("CartPole-v1", "'CartPole-v1' shows Box.*, no pictures: take one with pixels"),
        ("MountainCarContinuous-v0", "takes Box.* as actions, .* take one with Discrete actions"),
        ("no_such_module:Game-v0", "can't be made: ModuleNotFoundError: No module named"),
        ("", "environment '' can't be made: "),
    ],
)
def test_one_that_cant_be_had_is_a_line(name: str, said: str) -> None:
    with pytest.raises(AdapterError, match=said) as raised:
        environments.facts(name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("lacking", "name", "install"),
    [
        ("gymnasium", CATCH, "gymnasium"),
        ("ale_py", "ALE/Pong-v5", "ale-py opencv-python-headless"),
    ],
)
def test_what_is_not_installed_is_told_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, lacking: str, name: str, install: str
) -> None:
    monkeypatch.setitem(sys.modules, lacking, None)
    with pytest.raises(LibraryUnavailable, match=f"{lacking} can't be used: .*install {install}$"):
        environments.make(name)


def test_games_of_atari_are_seen_as_the_agents_of_mnih_saw_them() -> None:
    pytest.importorskip("ale_py")
    assert environments.facts("ALE/Pong-v5").actions == 6
    env = environments.make("ALE/Pong-v5")
    seen, _ = env.reset(seed=0)
    assert (seen.shape, seen.dtype) == ((4, 84, 84), numpy.uint8)
    assert env.unwrapped._frameskip == 1  # type: ignore[attr-defined]
    first, second = (env.step(0)[4]["episode_frame_number"] for _ in range(2))
    assert second - first == 4
