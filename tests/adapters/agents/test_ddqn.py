"""Trainings of agents: by Double DQN, and the same weights however often they stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import torch
from torch import nn

from adapters.agents import checkpoints, ddqn, kept
from adapters.agents.ddqn import Learner, targets
from adapters.agents.network import QNetwork, seen
from adapters.agents.recipes import FULL, Recipe
from adapters.agents.replay import Minibatch
from adapters.agents.rmsprop import RMSProp
from adapters.base import AdapterError
from adapters.models import weights

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = Recipe(
    steps=210, slice=75, replay=120, start=40, every=10, batch=2, target=40, annealed=100, rate=1e-3
)
"""Three slices, in each of which an episode is left; what comes first is forgotten."""
Start = Callable[..., Learner]


class Small(nn.Sequential):
    """Stands for the network of appendix A."""

    def __init__(self, actions: int, seed: int = 0) -> None:
        torch.manual_seed(seed)
        super().__init__(
            nn.Conv2d(4, 4, 12, stride=12), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 7 * 7, actions)
        )


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    for module in (ddqn, checkpoints):
        monkeypatch.setattr(module, "QNetwork", Small)

    def begin(name: str = "x", seed: int = 0, recipe: Recipe = TINY) -> Learner:
        return Learner("catch", seed, tmp_path / f"{name}.safetensors", recipe=recipe)

    return begin


def trained(learner: Learner) -> Path:
    """Its file, once it is over."""
    while not learner.done:
        learner.slice()
    return learner._file


def test_the_network_that_learns_chooses_and_the_target_counts() -> None:
    """van Hasselt et al. 2016, eq. 4, by hand."""
    found = targets(
        rewards=torch.tensor([1.0, 0.0, 1.0]),
        terminal=torch.tensor([False, False, True]),
        online=torch.tensor([[1.0, 5.0], [2.0, 1.0], [0.0, 9.0]]),
        target=torch.tensor([[7.0, 3.0], [4.0, 8.0], [6.0, 6.0]]),
        discount=0.5,
    )
    assert found.tolist() == [1 + 0.5 * 3, 0.5 * 4, 1]


def test_an_interruption_after_any_slice_changes_no_weight(start: Start) -> None:
    whole = weights.read(trained(start("whole")))
    for number in range(3):
        resumed = start("parts")
        assert (resumed.agent.steps, resumed.done) == (75 * number, False)
        resumed.slice()
    parts = weights.read(trained(start("parts")))
    assert parts.keys() == whole.keys()
    assert all(torch.equal(value, parts[name]) for name, value in whole.items())
    fresh = Small(3).state_dict()
    assert all(not torch.equal(value, fresh[name]) for name, value in whole.items())


def test_what_is_trained_is_told_and_its_checkpoint_goes(start: Start) -> None:
    learner = start()
    assert (learner.agent.steps, learner.steps, learner.agent.reward) == (0, 210, None)
    learner.slice()
    assert learner.checkpoint.exists()
    assert learner.agent.reward is not None  # one episode of 60 steps
    assert 0 <= learner.agent.reward <= 10
    file = trained(learner)
    assert list(file.parent.iterdir()) == [file]
    found = kept.facts(file)
    assert found == learner.agent
    assert (found.environment, found.actions, found.seed, found.steps) == ("catch", 3, 0, 210)
    assert (len(found.rewards), found.seconds > 0) == (3, True)
    again = start()
    assert (again.done, again.agent) == (True, found)
    with pytest.raises(ValueError, match="is over"):
        again.slice()


def test_the_agent_that_was_kept_is_the_one_that_was_trained(start: Start) -> None:
    learner = start()
    file = trained(learner)
    observations = torch.rand(2, 4, 84, 84)
    with torch.no_grad():
        wanted = learner._state.network(observations)
        assert torch.equal(checkpoints.load(file)(observations), wanted)


def test_another_seed_is_another_agent(start: Start) -> None:
    first, second = (start(str(seed), seed, replace(TINY, steps=75)) for seed in range(2))
    of_first, of_second = (weights.read(trained(learner)) for learner in (first, second))
    assert not torch.equal(of_first["0.weight"], of_second["0.weight"])


def test_an_update_is_the_gradients_of_what_the_paper_says(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One step of RMSProp from zero: the gradient over its root of variance, by hand."""
    learner = start(recipe=replace(TINY, steps=42, slice=42, every=41, start=41, batch=3))
    drawn: list[Minibatch] = []
    draw = learner._state.replay.draw

    def watched(number: int, random: numpy.random.Generator) -> Minibatch:
        drawn.append(draw(number, random))
        return drawn[-1]

    monkeypatch.setattr(learner._state.replay, "draw", watched)
    network, target = Small(3), Small(3)
    trained(learner)
    (batch,) = drawn
    following = seen(torch.from_numpy(batch.next_observations))
    best = network(following).argmax(1)
    worth = target(following)[range(3), best].detach() * 0.99
    wanted = torch.from_numpy(batch.rewards) + worth * ~torch.from_numpy(batch.terminal)
    made = network(seen(torch.from_numpy(batch.observations)))[range(3), batch.actions]
    (0.5 * (made - wanted) ** 2).mean().backward()  # errors are below 1 here
    bias = network[-1].bias
    assert isinstance(bias, torch.Tensor)
    assert bias.grad is not None
    gradient = bias.grad
    variance = 0.05 * gradient**2 - (0.05 * gradient) ** 2
    expected = bias.detach() - 1e-3 * gradient / (variance + 0.01).sqrt()
    torch.testing.assert_close(learner._state.network.state_dict()["3.bias"], expected)


def test_a_step_goes_on_with_a_share_of_the_last() -> None:
    """Graves 2013, eq. 38 to 41, by hand."""
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = RMSProp([weight], rate=0.1, momentum=0.9, decay=0.95, floor=0.01)
    wanted, mean, square, move = 1.0, 0.0, 0.0, 0.0
    for gradient in (2.0, -1.0):
        mean = 0.95 * mean + 0.05 * gradient
        square = 0.95 * square + 0.05 * gradient**2
        move = 0.9 * move - 0.1 * gradient / (square - mean**2 + 0.01) ** 0.5
        wanted += move
        weight.grad = torch.tensor([gradient])
        optimizer.step()
    assert float(weight.detach()) == pytest.approx(wanted)


def test_the_papers_recipe_is_appendix_a() -> None:
    assert (FULL.steps, FULL.replay, FULL.target, FULL.every) == (10**8, 10**6, 10_000, 4)
    assert (FULL.batch, FULL.rate, FULL.momentum, FULL.discount) == (32, 0.00025, 0.95, 0.99)
    assert [FULL.epsilon(step) for step in (0, 500_000, 10**6, 10**8)] == pytest.approx(
        [1, 0.55, 0.1, 0.1]
    )
    assert FULL.slices == 400


def test_a_damaged_checkpoint_is_told_and_trained_again(start: Start) -> None:
    whole = weights.read(trained(start("whole")))
    learner = start("cut")
    learner.slice()
    content = bytearray(learner.checkpoint.read_bytes())
    content[-100] ^= 1
    learner.checkpoint.write_bytes(content)
    again = start("cut")
    assert again.agent.steps == 0
    (said,) = again.remarks
    assert said.startswith(f"{learner.checkpoint} is damaged")
    assert said.endswith("; it is trained from the start")
    found = weights.read(trained(again))
    assert all(torch.equal(value, found[name]) for name, value in whole.items())


def test_a_file_in_a_checkpoints_place_that_is_none_is_told(start: Start) -> None:
    learner = start(recipe=replace(TINY, steps=20))
    file = trained(learner)
    file.rename(learner.checkpoint)
    (said,) = start(recipe=replace(TINY, steps=20)).remarks
    assert said == (
        f"{learner.checkpoint} is no checkpoint of such a training; it is trained from the start"
    )


def test_a_damaged_file_is_told_and_trained_again(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(b"no agent")
    (said,) = start().remarks
    assert said.startswith(f"{file} is damaged, or no agent: ")
    assert said.endswith("; it is trained again")
    assert "\n" not in said


def test_what_is_of_another_training_is_not_overwritten(start: Start) -> None:
    learner = start()
    learner.slice()
    with pytest.raises(AdapterError, match=r"seed 0, .* not of an agent for catch, seed 1"):
        start(seed=1)
    trained(learner)
    with pytest.raises(AdapterError, match="remove it, or name another file"):
        start(recipe=replace(TINY, rate=1.0))


def test_a_training_that_diverges_says_so(start: Start) -> None:
    with pytest.raises(ArithmeticError, match=r"an agent for catch, seed 0, .* try another seed"):
        trained(start(recipe=replace(TINY, rate=1e30, every=1)))


def test_rewards_are_clipped_for_learning_alone(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = start(recipe=replace(TINY, steps=60, slice=60, start=60))
    step = learner._environment.step
    monkeypatch.setattr(
        learner._environment, "step", lambda action: (o := step(action)) and (o[0], -7.0, *o[2:])
    )
    given: list[float] = []
    monkeypatch.setattr(learner._state.replay, "add", lambda f, a, reward, t: given.append(reward))
    trained(learner)
    assert set(given) == {-1.0}
    assert learner.agent.rewards == [-7.0 * 60]


def test_where_an_agent_is_kept_tells_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMIBACKWARD_BENCH_CACHE", str(tmp_path))
    names = [kept.path(name, seed).name for name in ("catch", "ALE/Pong-v5") for seed in range(2)]
    assert [name.rpartition("-")[0] for name in names] == ["agent-catch"] * 2 + [
        "agent-ALE-Pong-v5"
    ] * 2
    assert len(set(names)) == 4
    assert kept.fault(kept.path("catch", 0)) == f"{kept.path('catch', 0)} is not there"
    assert not kept.ready(kept.path("catch", 0))


def test_the_network_is_appendix_a() -> None:
    shapes = {name: tuple(value.shape) for name, value in QNetwork(6).named_parameters()}
    weighed = [shape for shape in shapes.values() if len(shape) > 1]
    assert weighed == [(32, 4, 8, 8), (64, 32, 4, 4), (64, 64, 3, 3), (512, 3136), (6, 512)]
    assert [module.stride[0] for module in QNetwork(6) if isinstance(module, nn.Conv2d)] == [
        4,
        2,
        1,
    ]
    assert sum(isinstance(module, nn.ReLU) for module in QNetwork(6)) == 4
    assert QNetwork(6)(torch.rand(2, 4, 84, 84)).shape == (2, 6)
