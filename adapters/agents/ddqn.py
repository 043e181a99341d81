"""Train an agent by Double DQN (van Hasselt et al. 2016), from checkpoint to checkpoint.

Every slice of a training begins with a new episode and with seeds of its own, so a training that
was interrupted goes on exactly as if it had not been.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy
import torch
from torch import Tensor
from torch.nn import functional

from adapters.agents import checkpoints, environments, kept
from adapters.agents.checkpoints import State
from adapters.agents.kept import Agent
from adapters.agents.network import QNetwork, seen
from adapters.agents.recipes import Recipe
from adapters.agents.recipes import recipe as recipe_for
from adapters.agents.replay import Array, Minibatch, Replay
from adapters.agents.rmsprop import RMSProp
from adapters.base import AdapterError
from adapters.models.weights import safetensors
from semibackward_bench.grammar import counted

CHECKPOINT = ".partial-checkpoint"
"""What a training's file is called as long as it lasts."""
RECENT = 100
"""Episodes whose rewards are kept."""


class Learner:
    """A training under way, or one that is over.

    Args:
        environment: that the agent acts in, as `environments.make` takes it.
        seed: of its weights, of the episodes, and of whatever else is drawn.
        file: what its weights are written to at the end; one that is there and whole is taken. The
            checkpoint is kept beside it.
        device: where it is trained.
        recipe: how; None for the environment's own.

    Attributes:
        agent: what is known of it so far.
        remarks: of files that can't be used; what they would have held is trained again.

    Raises:
        AdapterError: there is no such environment, or the file or the checkpoint is another
            training's.
        LibraryUnavailable: what it needs is not installed.
    """

    def __init__(
        self,
        environment: str,
        seed: int,
        file: Path,
        *,
        device: str = "cpu",
        recipe: Recipe | None = None,
    ) -> None:
        self._recipe = recipe_for(environment) if recipe is None else recipe
        self._file, self._device = file, device
        facts = environments.facts(environment)
        digest = self._recipe.digest(environment, seed)
        self.agent = Agent(environment, facts.actions, seed, digest)
        self.remarks: list[str] = []
        self.done = self._is_there()
        if self.done:
            return
        safetensors()  # known to be there before a step is made
        self._environment = environments.make(environment)
        self._state = self._new_state()
        if self.checkpoint.exists():
            self._go_on()

    @property
    def checkpoint(self) -> Path:
        """The file that it goes on from."""
        return self._file.with_name(self._file.name + CHECKPOINT)

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return self._recipe.steps

    def slice(self) -> None:
        """Train for a slice, and write the checkpoint; after the last, the network.

        Raises:
            ArithmeticError: the loss is not finite any more.
            AdapterError: a file can't be written.
        """
        if self.done:
            raise ValueError(f"the training of {self.agent.who} is over")
        started = time.perf_counter()
        first = self.agent.steps
        last = min(first + self._recipe.slice, self.steps)
        rewards = self._act_and_learn(first, last)
        self.agent = replace(
            self.agent,
            steps=last,
            rewards=(self.agent.rewards + rewards)[-RECENT:],
            seconds=round(self.agent.seconds + time.perf_counter() - started, 3),
        )
        if last == self.steps:
            checkpoints.write_network(self._file, self.agent, self._state.network)
            self.checkpoint.unlink(missing_ok=True)
            self._environment.close()
            self.done = True
        else:
            checkpoints.write(self.checkpoint, self.agent, self._state)

    def _act_and_learn(self, first: int, last: int) -> list[float]:
        """The steps from the first to before the last; rewards of the episodes that ended."""
        recipe, state, env = self._recipe, self._state, self._environment
        random = numpy.random.default_rng([self.agent.seed, first])
        observed, _ = env.reset(seed=int(random.integers(2**31)))
        rewards, running = [], 0.0
        for step in range(first, last):
            action = self._action(observed, recipe.epsilon(step), random)
            newest = observed[-1]
            observed, reward, terminal, truncated, _ = env.step(action)
            running += float(reward)
            # Mnih et al. 2015: rewards are clipped while an agent is trained.
            state.replay.add(newest, action, min(max(float(reward), -1.0), 1.0), terminal)
            if terminal or truncated or step + 1 == last:
                state.replay.end(observed[-1])
            if terminal or truncated:
                rewards.append(running)
                observed, running = env.reset()[0], 0.0
            if step >= recipe.start and step % recipe.every == 0:
                self._update(random)
            if step % recipe.target == 0:
                state.target.load_state_dict(state.network.state_dict())
        return rewards

    @torch.no_grad()
    def _action(self, observed: Array, epsilon: float, random: numpy.random.Generator) -> int:
        """ε-greedy."""
        if random.random() < epsilon:
            return int(random.integers(self.agent.actions))
        return int(self._state.network(self._frames(observed[None])).argmax())

    def _update(self, random: numpy.random.Generator) -> None:
        """One, with a minibatch; errors above 1 count by their size (Mnih et al. 2015)."""
        state, recipe = self._state, self._recipe
        drawn = state.replay.draw(recipe.batch, random)
        wanted = self._targets(drawn)
        values = state.network(self._frames(drawn.observations))
        actions = torch.from_numpy(drawn.actions).to(self._device)
        loss = functional.huber_loss(values.gather(1, actions[:, None])[:, 0], wanted)
        if not math.isfinite(float(loss.detach())):
            raise ArithmeticError(
                f"the loss of {self.agent.who} is not finite after"
                f" {counted(self.agent.steps, 'step')}: the training diverged; try another seed"
            )
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        state.optimizer.step()

    @torch.no_grad()
    def _targets(self, drawn: Minibatch) -> Tensor:
        following = self._frames(drawn.next_observations)
        return targets(
            torch.from_numpy(drawn.rewards).to(self._device),
            torch.from_numpy(drawn.terminal).to(self._device),
            self._state.network(following),
            self._state.target(following),
            self._recipe.discount,
        )

    def _frames(self, frames: Array) -> Tensor:
        return seen(torch.from_numpy(frames).to(self._device))

    def _new_state(self) -> State:
        recipe = self._recipe
        network = QNetwork(self.agent.actions, self.agent.seed).to(self._device)
        optimizer = RMSProp(
            network.parameters(),
            rate=recipe.rate,
            momentum=recipe.momentum,
            decay=recipe.decay,
            floor=recipe.floor,
        )
        return State(network, copy.deepcopy(network), optimizer, Replay(recipe.replay))

    def _is_there(self) -> bool:
        """Whether the file has what would be trained.

        Raises:
            AdapterError: it has something else, which is not to be overwritten.
        """
        if not self._file.exists():
            return False
        wrong = kept.fault(self._file)
        if wrong is not None:
            self.remarks.append(f"{wrong}; it is trained again")
            return False
        self._is_of_this(kept.facts(self._file), self._file)
        self.agent = kept.facts(self._file)
        return True

    def _go_on(self) -> None:
        """From the checkpoint; from the start where that is damaged.

        Raises:
            AdapterError: it is another training's.
        """
        wrong = kept.fault(self.checkpoint)
        if wrong is None:
            found = kept.facts(self.checkpoint)
            self._is_of_this(found, self.checkpoint)
            try:
                checkpoints.read(self.checkpoint, self._state)
            except ValueError as error:
                wrong = str(error)
                self._state = self._new_state()
            else:
                self.agent = found
        if wrong is not None:
            self.remarks.append(f"{wrong}; it is trained from the start")

    def _is_of_this(self, found: Agent, file: Path) -> None:
        if found.recipe != self.agent.recipe:
            raise AdapterError(
                f"{file} is of {found.who}, not of {self.agent.who}: remove it, or name another"
                " file"
            )


def targets(
    rewards: Tensor, terminal: Tensor, online: Tensor, target: Tensor, discount: float
) -> Tensor:
    """What the values should be: van Hasselt et al. 2016, eq. 4.

    Args:
        rewards: (N,).
        terminal: (N,), whether the episode ended.
        online: (N, A), values of the network that learns for what was seen next; it chooses.
        target: (N, A), values of the target network for the same; they count.
        discount: gamma.
    """
    chosen = online.argmax(1, keepdim=True)
    return rewards + discount * ~terminal * target.gather(1, chosen)[:, 0]
