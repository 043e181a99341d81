"""In the worker: an agent is trained, a slice of its frames at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.agents.ddqn import Learner


class Server:
    """Trains; every request is a slice of an agent's training."""

    def __init__(self) -> None:
        self._learner: Learner | None = None
        self._of: tuple[str, ...] = ()

    def answer(self, environment: str, seed: int, file: str, device: str) -> dict[str, Any]:
        """Train for a slice, from the checkpoint if there is one.

        Args:
            environment: that it acts in.
            seed: of its weights and of what it does.
            file: where the weights go.
            device: where to train.

        Raises:
            AdapterError: the environment or the checkpoint can't be used.
            ArithmeticError: the training diverged.
        """
        asked = (environment, str(seed), file, device)
        if self._learner is None or self._of != asked:
            self._of = asked
            self._learner = Learner(environment, seed, Path(file), device=device)
        learner = self._learner
        if not learner.done:
            learner.slice()
        return {
            "done": learner.done,
            "step": learner.agent.steps,
            "steps": learner.steps,
            "reward": learner.agent.reward,
        }
