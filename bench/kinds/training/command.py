"""`train`: what was measured is trained to the end, with and without the trick. Imports no torch.

The worker trains an epoch at a time and leaves a checkpoint after each, so that a training which
was interrupted goes on from there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.cases import BASELINE, SEMI_BACKWARD, Case
from bench.errors import Ended, UsageError
from bench.kinds import numbers
from bench.kinds.command import Command, Session, reason
from bench.kinds.request import Request
from bench.kinds.training.plan import add_plan
from bench.kinds.training.record import LINE, TrainingRecord

VARIANTS = (BASELINE, SEMI_BACKWARD)


class Train(Command):
    """Measure steps of training, then train to the end."""

    name = "train"
    help = "measure training, and train to the end"
    description = (
        "Measure an optimisation step of each way to train, like `run --training`, then train to"
        " the end with and without the trick: accuracy, robustness, whether the weights are bit for"
        " bit the same, and the hours a long training would save. Methods: `list training`."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--epochs",
            type=numbers.at_least_one,
            default=5,
            metavar="N",
            help="how long to train (5)",
        )
        parser.add_argument(
            "--checkpoints",
            type=Path,
            metavar="FOLDER",
            help="where weights go, as safetensors (beside the records)",
        )
        add_plan(parser)

    def check(self, request: Request, records: Path) -> None:
        _checkpoints(request, records)

    def go_on(self, session: Session) -> None:
        cases = [
            comparison.case
            for comparison in session.comparisons
            if comparison.variant == SEMI_BACKWARD and session.ended.get(comparison.key) == "ok"
        ]
        folder = _checkpoints(session.request, session.records)
        Trainings(session, session.request.more["epochs"], folder).run(cases)


def _checkpoints(request: Request, records: Path) -> Path:
    """The folder of a training's checkpoints.

    Raises:
        UsageError: it holds another's.
    """
    folder: Path = request.more["checkpoints"] or records.with_suffix(".checkpoints")
    if not request.resume and folder.exists() and (folder.is_file() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty; go on with it by --resume, or name another")
    return folder


@dataclass(frozen=True)
class Trainings:
    """Trains cases.

    Attributes:
        session: what to work with.
        epochs: how long.
        folder: where the checkpoints go.
    """

    session: Session
    epochs: int
    folder: Path

    def run(self, cases: Sequence[Case]) -> list[TrainingRecord]:
        """Train each case in both variants, and append a record for each."""
        progress = self.session.progress
        done = self.session.done(LINE)
        asked = [(case, variant) for case in dict.fromkeys(cases) for variant in VARIANTS]
        waiting = [
            (case, variant)
            for case, variant in asked
            if (case.id, variant, self.epochs) not in done
        ]
        if len(waiting) < len(asked):
            progress.note(f"{len(asked) - len(waiting)} already trained, not repeated")
        written = []
        for number, (case, variant) in enumerate(waiting, 1):
            self.session.fresh()  # so that both variants begin in a fresh process
            progress.task(f"to the end, {variant}: {case}", number, len(waiting))
            record = self._train(case, variant)
            self.session.write(record)
            progress.note(f"  {_outcome(record)}")
            written.append(record)
        return written

    def _train(self, case: Case, variant: str) -> TrainingRecord:
        checkpoint = self.folder / f"{case.id}-{variant}-{self.epochs}.safetensors"
        record = TrainingRecord(
            case_id=case.id,
            case=case,
            variant=variant,
            status="failed",
            seed=self.session.request.seed,
            epochs=self.epochs,
        )
        while True:
            try:
                answer = self._ask(case, variant, checkpoint)
            except Ended as ended:
                why = reason(self.session, ended, "an epoch")
                return replace(record, status=ended.status, reason=why)
            loss = answer["loss"]
            self.session.progress.step(f"epoch {answer['epoch']} of {self.epochs}: loss {loss:.3f}")
            if answer["result"] is not None:
                result = dict(answer["result"])
                trained = replace(case, library_version=result.pop("library_version"))
                return replace(
                    record, status="ok", case=trained, checkpoint=checkpoint.name, **result
                )

    def _ask(self, case: Case, variant: str, checkpoint: Path) -> dict[str, Any]:
        request = {
            "do": "own",
            "server": "bench.kinds.training.learning:Server",
            "request": {
                "case": asdict(case),
                "variant": variant,
                "seed": self.session.request.seed,
                "epochs": self.epochs,
                "checkpoint": str(checkpoint.resolve()),
            },
        }
        return self.session.ask(case.library, request)


def _outcome(record: TrainingRecord) -> str:
    if record.clean_accuracy is None or record.robust_accuracy is None:
        return f"{record.status}: {record.reason}"
    return (
        f"{100 * record.clean_accuracy:.1f} % right, {100 * record.robust_accuracy:.1f} % after"
        f" {record.evaluation['attack']}; {sum(record.seconds):.0f} s"
    )
