"""The networks and agents that cases need, trained where nobody has yet. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.agents import kept
from adapters.base import AdapterError
from adapters.models.trained.cache import Trained
from bench.cases import Case
from bench.errors import UsageError
from bench.kinds import trained
from bench.kinds.command import Session
from bench.kinds.sampling.options import AGENT, TRAINED, SamplingOptions
from bench.kinds.trained import Wanted
from semibackward_bench.grammar import counted


@dataclass(frozen=True)
class Agent:
    """An agent that a recipe makes.

    Attributes:
        library: whose worker trains.
        environment: that it acts in.
        seed: of its weights and of what it does.
        device: where it is trained.
    """

    library: str
    environment: str
    seed: int
    device: str

    server = "bench.kinds.sampling.learning:Server"

    @property
    def what(self) -> str:
        return f"{AGENT} in {self.environment}, seed {self.seed}"

    @property
    def file(self) -> Path:
        """Where it is kept.

        Raises:
            UsageError: nobody knows where to keep it.
        """
        try:
            return kept.path(self.environment, self.seed)
        except AdapterError as error:
            raise UsageError(str(error)) from error

    @property
    def request(self) -> Mapping[str, Any]:
        return {
            "environment": self.environment,
            "seed": self.seed,
            "file": str(self.file),
            "device": self.device,
        }

    def fault(self) -> str | None:
        return kept.fault(self.file)

    def step(self, answer: Mapping[str, Any]) -> str:
        steps = counted(answer["steps"], "step")
        return f"{answer['step']} of {steps}: {_reward(answer['reward'])}"

    def outcome(self) -> str:
        facts = kept.facts(self.file)
        steps = counted(facts.steps, "step")
        return f"{_reward(facts.reward)} after {steps}; {facts.seconds:.0f} s"


def wanted(cases: Iterable[Case], seed: int) -> list[trained.Lacking]:
    """What cases need, each once: networks first, then agents."""
    networks: dict[Wanted, None] = {}
    agents: dict[Agent, None] = {}
    for case in cases:
        options = SamplingOptions.of(case)
        if case.weights != TRAINED:
            continue
        if options.environment is not None:
            agents[Agent(case.library, options.environment, seed, case.device)] = None
            continue
        asked = (case.library, case.model, options.data, options.classes, seed, case.device)
        networks[Wanted(*asked, told)] = None
    return [*networks, *agents]


def train(session: Session, cases: Iterable[Case], seed: int) -> None:
    """Train what cases need and is not there."""
    trained.make(session, wanted(cases, seed))


def told(facts: Trained) -> str:
    """How good a trained network is, in words."""
    return f"{100 * facts.accuracy:.1f} % right; {facts.seconds:.0f} s"


def _reward(mean: float | None) -> str:
    return "no episode is over yet" if mean is None else f"mean reward {mean:.1f}"
