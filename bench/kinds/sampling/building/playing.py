"""In the worker: an agent plays while what it observes is attacked, at several strengths."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from adapters.agents import playing
from adapters.models.weights import digest
from adapters.papers.sap import attack
from bench.cases import SEMI_BACKWARD, Case
from bench.kinds.sampling.building import chunk_of, settings
from bench.kinds.sampling.building.networks import attacked
from bench.kinds.sampling.options import SamplingOptions
from bench.worker import state
from bench.worker.variants import applied


class Server:
    """Plays; every request is an agent under one attack, at several strengths."""

    def answer(
        self, case: dict[str, Any], seed: int, levels: list[float], passes: int, episodes: int
    ) -> dict[str, Any]:
        """What becomes of an agent's rewards.

        Args:
            case: as JSON.
            seed: that the agent was trained with; draws the episodes, which are the same for every
                strength and defence.
            levels: of λ, rising.
            passes: that values are averaged over.
            episodes: at each level.

        Returns:
            fields of an `AgentRecord`.

        Raises:
            AdapterError: the agent can't be attacked in this way.
        """
        asked = Case.from_json(case)
        options = SamplingOptions.of(asked)
        assert options.environment is not None
        state.clear(asked.device)
        started = time.perf_counter()
        found = attacked(asked, seed, asked.batch)
        told = settings(asked, chunk_of(asked, found).samples)
        dtype, each = found.images.dtype, attack.EACH[asked.attack]
        followed = found.model if told.gradient == "own" else found.dense

        def values(observations: Tensor) -> Tensor:
            with torch.no_grad():
                made = [found.model(observations.to(dtype)) for _ in range(passes)]
            return torch.stack(made).mean(0)

        def perturbing(level: float) -> playing.Perturb:
            def perturb(observations: Tensor, actions: Tensor) -> Tensor:
                (made,) = each(*(followed, observations.to(dtype), actions, [level]), settings=told)
                return made

            return perturb

        played = []
        with applied(SEMI_BACKWARD, found.model):
            for level in levels:
                state.reset(found.model, seed)
                rewards = playing.play(
                    options.environment,
                    values,
                    episodes=episodes,
                    seed=seed,
                    perturb=perturbing(level) if level else None,
                    device=asked.device,
                )
                played.append({"strength": level, "rewards": rewards})
        return {
            "weights": digest(found.dense),
            "source": found.source,
            "played": played,
            "seconds": round(time.perf_counter() - started, 3),
        }
