"""The networks and agents that cases need, trained where nobody has yet. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.agents import kept
from adapters.base import AdapterError
from adapters.models.trained.cache import Trained
from bench.cases import Case
from bench.errors import Ended, UsageError
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


def train(session: Session, cases: Iterable[Case], seed: int) -> None:
    """Train what cases need and is not there; of what can't be, its cases will say so."""
    cases = [case for case in cases if case.weights == TRAINED]
    networks = [_network(case, seed) for case in cases if case.model != AGENT]
    trained.train(session, list(dict.fromkeys(networks)), told=told)
    agents = [_agent(case, seed) for case in cases if case.model == AGENT]
    _train_agents(session, list(dict.fromkeys(agents)))


def told(facts: Trained) -> str:
    """How good a trained network is, in words."""
    return f"{100 * facts.accuracy:.1f} % right; {facts.seconds:.0f} s"


def _network(case: Case, seed: int) -> Wanted:
    options = SamplingOptions.of(case)
    return Wanted(case.library, case.model, options.data, options.classes, seed, case.device)


def _agent(case: Case, seed: int) -> Agent:
    options = SamplingOptions.of(case)
    assert options.environment is not None  # the kind makes no other cases of it
    return Agent(case.library, options.environment, seed, case.device)


def _train_agents(session: Session, asked: Sequence[Agent]) -> None:
    waiting = [one for one in asked if not kept.ready(one.file)]
    for number, one in enumerate(waiting, 1):
        session.fresh()
        if one.file.exists():
            session.progress.note(f"{kept.fault(one.file)}; it is trained again")
        session.progress.task(
            f"training {AGENT} in {one.environment}, seed {one.seed}", number, len(waiting)
        )
        try:
            _to_the_end(session, one)
        except Ended as ended:
            session.progress.note(f"  {ended.status}: {ended.reason}")
        else:
            facts = kept.facts(one.file)
            session.progress.note(
                f"  {_reward(facts.reward)} after {counted(facts.steps, 'step')};"
                f" {facts.seconds:.0f} s"
            )
    if waiting:
        session.fresh()


def _to_the_end(session: Session, one: Agent) -> None:
    """Raises:
    Ended: it can't be trained.
    """
    request = {
        "do": "own",
        "server": "bench.kinds.sampling.learning:Server",
        "request": {
            "environment": one.environment,
            "seed": one.seed,
            "file": str(one.file),
            "device": one.device,
        },
    }
    done = False
    while not done:
        answer = session.ask(one.library, request)
        done = answer["done"]
        if not done:
            session.progress.step(
                f"{answer['step']} of {counted(answer['steps'], 'step')}:"
                f" {_reward(answer['reward'])}"
            )


def _reward(mean: float | None) -> str:
    return "no episode is over yet" if mean is None else f"mean reward {mean:.1f}"
