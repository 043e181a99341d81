"""`robustness`: every defence is evaluated, on test images or in episodes. Imports no torch."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.cases import SEMI_BACKWARD, Case
from bench.errors import Ended, UsageError
from bench.kinds import numbers, trained
from bench.kinds.command import Command, Session, reason
from bench.kinds.record import OwnRecord
from bench.kinds.request import Request
from bench.kinds.sampling import training
from bench.kinds.sampling.findings import (
    JUDGED,
    PLAYED,
    AgentRecord,
    Bin,
    Judged,
    Played,
    RobustnessRecord,
)
from bench.kinds.sampling.options import ITERATIVE, TRAINED, SamplingOptions
from semibackward_bench.grammar import counted

LEVELS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Of λ, that Dhillon et al. 2018 consider (section 4)."""
BUILDING = "bench.kinds.sampling.building"


class Robustness(Command):
    """Evaluate defended networks under attack."""

    name = "robustness"
    help = "evaluate networks that draw at random, under attack"
    description = (
        "Attack each defended network at several strengths: accuracy and calibration of outputs"
        " averaged over passes, on test images, or the rewards of an agent whose observations are"
        " attacked, beside what was published. Nothing is timed: `run` does that. Networks that"
        " have not been trained yet are trained first, and kept. Defences: `list defences`."
    )
    measures = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        trained.add_arguments(parser)
        parser.add_argument(
            "--levels",
            nargs="+",
            type=numbers.not_negative,
            default=list(LEVELS),
            metavar="λ",
            help="strengths to judge at, on a scale of 0 to 255 (0 1 2 4 8 16 32 64); of iterative"
            " attacks those up to --strength",
        )
        parser.add_argument(
            "--passes",
            type=numbers.at_least_one,
            default=20,
            metavar="N",
            help="forward passes that outputs are averaged over, where they differ (20)",
        )
        parser.add_argument(
            "--episodes",
            type=numbers.at_least_one,
            default=10,
            metavar="N",
            help="episodes of an agent at each strength (10)",
        )

    def check(self, request: Request, records: Path) -> None:
        if request.variants is not None and SEMI_BACKWARD not in request.variants:
            raise UsageError(f"robustness attacks with {SEMI_BACKWARD}: name it too")
        if request.a_a:
            raise UsageError("--a-a is for `run`: robustness times nothing")

    def go_on(self, session: Session) -> None:
        cases = [one.case for one in session.comparisons if one.variant == SEMI_BACKWARD]
        more = session.request.more
        asked = Asked(
            images=more["test_images"],
            levels=tuple(sorted(set(map(float, more["levels"])))),
            passes=more["passes"],
            episodes=more["episodes"],
        )
        seeds = range(session.request.seed, session.request.seed + more["seeds"])
        Evaluation(session, asked).run(list(dict.fromkeys(cases)), seeds)


@dataclass(frozen=True)
class Asked:
    """How networks are evaluated.

    Attributes:
        images: that are attacked.
        levels: of λ, rising.
        passes: that outputs are averaged over, where they differ.
        episodes: of an agent, at each level.
    """

    images: int
    levels: tuple[float, ...]
    passes: int
    episodes: int

    def levels_of(self, case: Case) -> tuple[float, ...]:
        """Those that a case is judged at: of an iterative attack, up to its own strength."""
        most = SamplingOptions.of(case).strength
        if case.attack != ITERATIVE:
            return self.levels
        return tuple(level for level in self.levels if level <= most) or (most,)


@dataclass(frozen=True)
class Evaluation:
    """Evaluates cases, and appends a record for each.

    Attributes:
        session: what to work with.
        asked: how.
    """

    session: Session
    asked: Asked

    def run(self, cases: Sequence[Case], seeds: Iterable[int]) -> None:
        """Evaluate each case with networks of each seed, unless an earlier run has."""
        progress = self.session.progress
        done = {*self.session.done(JUDGED), *self.session.done(PLAYED)}
        questions = [self._question(case, seed) for seed in seeds for case in cases]
        waiting = [one for one in questions if one.key not in done]
        if len(waiting) < len(questions):
            progress.note(f"{len(questions) - len(waiting)} already evaluated, not repeated")
        for seed in dict.fromkeys(one.network_seed for one in waiting):
            mine = [one.case for one in waiting if one.network_seed == seed]
            training.train(self.session, mine, seed)
        self.session.fresh()
        for number, question in enumerate(waiting, 1):
            case = question.case
            told = f", networks of seed {question.network_seed}" if case.weights == TRAINED else ""
            progress.task(f"{_what(case)}{told}", number, len(waiting))
            record = self._answered(question)
            self.session.write(record)
            progress.note(f"  {_outcome(record)}")

    def _question(self, case: Case, seed: int) -> RobustnessRecord | AgentRecord:
        """A record that has no answer yet."""
        options = SamplingOptions.of(case)
        kind = RobustnessRecord if options.environment is None else AgentRecord
        return kind(
            case_id=case.id,
            case=case,
            variant=SEMI_BACKWARD,
            status="failed",
            seed=self.session.request.seed,
            network_seed=seed,
            passes=self.asked.passes if options.draws else 1,
        )

    def _answered(self, question: RobustnessRecord | AgentRecord) -> OwnRecord:
        try:
            if isinstance(question, AgentRecord):
                answer = self._ask(question, "playing", episodes=self.asked.episodes)
                played = [Played(**one) for one in answer["played"]]
                return replace(question, status="ok", played=played, **_shared(answer))
            answer = self._ask(question, "judging", images=self.asked.images)
            judged = [_judged(**one) for one in answer["judged"]]
            return replace(question, status="ok", judged=judged, **_shared(answer))
        except Ended as ended:
            return replace(question, status=ended.status, reason=reason(self.session, ended))

    def _ask(
        self, question: RobustnessRecord | AgentRecord, where: str, **more: int
    ) -> dict[str, Any]:
        """What the worker says.

        Raises:
            Ended: it can't be evaluated.
        """
        case = question.case
        asked = {
            "case": asdict(case),
            "seed": question.network_seed,
            "levels": list(self.asked.levels_of(case)),
            "passes": question.passes,
            **more,
        }
        request = {"do": "own", "server": f"{BUILDING}.{where}:Server", "request": asked}
        return self.session.ask(case.library, request)


def _shared(answer: dict[str, Any]) -> dict[str, Any]:
    """What answers of both sorts have."""
    return {name: answer[name] for name in ("weights", "source", "seconds")}


def _judged(*, bins: list[dict[str, Any]], **found: Any) -> Judged:
    return Judged(**found, bins=[Bin(**one) for one in bins])


def _what(case: Case) -> str:
    options = SamplingOptions.of(case)
    samples = f", {counted(options.samples, 'sample')}" if options.samples > 1 else ""
    whose = " by the dense network's gradient" if options.gradient == "dense" else ""
    where = "" if options.environment is None else f" in {options.environment}"
    return f"{case.model} with {options.defence}{where}: {case.attack}{whose}{samples}"


def _outcome(record: OwnRecord) -> str:
    if record.status != "ok":
        return f"{record.status}: {record.reason}"
    if isinstance(record, RobustnessRecord):
        told = [f"{100 * one.right / one.images:.0f}" for one in record.judged]
        levels = [f"{one.strength:g}" for one in record.judged]
        unit, seconds = "% right", record.seconds
    else:
        assert isinstance(record, AgentRecord)
        told = [f"{sum(one.rewards) / len(one.rewards):.1f}" for one in record.played]
        levels = [f"{one.strength:g}" for one in record.played]
        unit, seconds = "mean reward", record.seconds
    return f"{unit} {' '.join(told)} at λ {' '.join(levels)}; {seconds:.0f} s"
