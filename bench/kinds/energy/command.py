"""`energy`: what was measured is taken to its end, on test images. Imports no torch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.cases import SEMI_BACKWARD, Case
from bench.errors import Ended, UsageError
from bench.kinds import trained
from bench.kinds.command import Command, Session, reason
from bench.kinds.energy import training
from bench.kinds.energy.findings import LINE, EnergyRecord, Reached, Step
from bench.kinds.energy.options import TRAINED, EnergyOptions
from bench.kinds.request import Request
from semibackward_bench.grammar import counted


class Energy(Command):
    """Measure energy attacks, then take them to their end."""

    name = "energy"
    help = "measure energy attacks, and take them to their end"
    description = (
        "Measure an iteration of each energy attack, like `run`, with and without the trick; then"
        " attack test images to the end: how much of what a dynamic network saves the perturbed"
        " images cost, how they look, and whether they are classified as before, beside what was"
        " published. Networks that have not been trained yet are trained first, and kept: `list"
        " networks`."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        trained.add_arguments(parser)

    def check(self, request: Request, records: Path) -> None:
        if request.variants is not None and SEMI_BACKWARD not in request.variants:
            raise UsageError(f"energy compares {SEMI_BACKWARD} with the original: name it too")

    def go_on(self, session: Session) -> None:
        cases = [
            comparison.case
            for comparison in session.comparisons
            if comparison.variant == SEMI_BACKWARD and session.ended.get(comparison.key) == "ok"
        ]
        seeds = range(session.request.seed, session.request.seed + session.request.more["seeds"])
        Attacks(session, session.request.more["test_images"]).run(list(dict.fromkeys(cases)), seeds)


@dataclass(frozen=True)
class Attacks:
    """Takes attacks to their end.

    Attributes:
        session: what to work with.
        images: that are attacked.
    """

    session: Session
    images: int

    def run(self, cases: Sequence[Case], seeds: Sequence[int]) -> list[EnergyRecord]:
        """Attack with each case on networks of each seed, and append a record for each."""
        progress = self.session.progress
        done = self.session.done(LINE)
        asked = [(case, seed) for seed in seeds for case in cases]
        waiting = [
            (case, seed) for case, seed in asked if (case.id, SEMI_BACKWARD, seed) not in done
        ]
        if len(waiting) < len(asked):
            progress.note(f"{len(asked) - len(waiting)} already attacked, not repeated")
        for seed in dict.fromkeys(seed for _, seed in waiting):
            mine = [case for case, its in waiting if its == seed]
            training.train(self.session, training.wanted(mine, seed))
        written = []
        self.session.fresh()
        for number, (case, seed) in enumerate(waiting, 1):
            iterations = EnergyOptions.of(case).iterations
            told = f", networks of seed {seed}" if case.weights == TRAINED else ""
            progress.task(
                f"to the end, {counted(iterations, 'step')}{told}: {case}", number, len(waiting)
            )
            record = self._attack(case, seed)
            self.session.write(record)
            progress.note(f"  {_outcome(record)}")
            written.append(record)
        return written

    def _attack(self, case: Case, seed: int) -> EnergyRecord:
        record = EnergyRecord(
            case_id=case.id,
            case=case,
            variant=SEMI_BACKWARD,
            status="failed",
            seed=self.session.request.seed,
            network_seed=seed,
            iterations=EnergyOptions.of(case).iterations,
        )
        request = {
            "do": "own",
            "server": "bench.kinds.energy.building.attacking:Server",
            "request": {"case": asdict(case), "seed": seed, "images": self.images},
        }
        try:
            answer = self.session.ask(case.library, request)
        except Ended as ended:
            return replace(record, status=ended.status, reason=reason(self.session, ended))
        return replace(
            record,
            status="ok",
            weights=answer["weights"],
            reached=Reached(**answer["reached"]),
            steps=[Step(**step) for step in answer["steps"]],
            elsewhere={name: Reached(**told) for name, told in answer["elsewhere"].items()},
            left_out=answer["left_out"],
            seconds=answer["seconds"],
        )


def _outcome(record: EnergyRecord) -> str:
    if record.reached is None:
        return f"{record.status}: {record.reason}"
    known = [value for value in record.reached.recovery if value is not None]
    if not known:
        return "recovery undefined: every gate is on for the clean images"
    mse = sum(record.reached.mse) / len(record.reached.mse)
    return (
        f"{sum(known) / len(known):.1f} % recovered at a mean squared error of {mse:.3g}"
        f" (of 255²); {record.seconds:.0f} s"
    )
