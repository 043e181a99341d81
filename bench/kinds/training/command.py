"""Train what was measured to the end, with and without the trick, and write it down.

Imports no torch. The worker trains an epoch at a time and leaves a checkpoint after each, so that a
training which was interrupted goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.cases import BASELINE, SEMI_BACKWARD, Case
from bench.records.journal import Journal
from bench.records.types import TrainingRecord
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied, WorkerTimeout
from bench.running.progress import Progress

VARIANTS = (BASELINE, SEMI_BACKWARD)


@dataclass
class TrainRunner:
    """Trains cases.

    Attributes:
        workers: where workers come from.
        seed: of everything random.
        epochs: how long.
        folder: where the checkpoints go.
        patience: wall seconds after which an epoch is given up.
        progress: who tells the user.
        verbose: show the trace of what failed.
    """

    workers: WorkerPool
    seed: int
    epochs: int
    folder: Path
    patience: float
    progress: Progress
    verbose: bool = False

    def run(self, cases: Sequence[Case], journal: Journal) -> list[TrainingRecord]:
        """Train each case in both variants, and append a record for each."""
        done = journal.trained()
        asked = [(case, variant) for case in dict.fromkeys(cases) for variant in VARIANTS]
        waiting = [
            (case, variant)
            for case, variant in asked
            if (case.id, variant, self.epochs) not in done
        ]
        if len(waiting) < len(asked):
            self.progress.note(f"{len(asked) - len(waiting)} already trained, not repeated")
        written = []
        for number, (case, variant) in enumerate(waiting, 1):
            self.workers.replace()  # so that both variants begin in a fresh process
            self.progress.training(case, variant, number, len(waiting))
            record = self._train(case, variant)
            journal.append(record)
            self.progress.note(f"  {_outcome(record)}")
            written.append(record)
        return written

    def _train(self, case: Case, variant: str) -> TrainingRecord:
        checkpoint = self.folder / f"{case.id}-{variant}-{self.epochs}.safetensors"
        record = TrainingRecord(
            case_id=case.id,
            case=case,
            variant=variant,
            status="failed",
            seed=self.seed,
            epochs=self.epochs,
        )
        while True:
            try:
                answer = self._ask(case, variant, checkpoint)
            except WorkerTimeout:
                said = f"an epoch was not done after {self.patience:g} s; raise --timeout"
                return replace(record, status="timeout", reason=said)
            except WorkerDied as died:
                return replace(record, reason=str(died))
            if not answer["ok"]:
                if self.verbose:
                    self.progress.note(answer["trace"])
                return replace(record, status=answer["status"], reason=answer["reason"])
            self.progress.epoch(answer["epoch"], self.epochs, answer["loss"])
            if answer["result"] is not None:
                result = dict(answer["result"])
                trained = replace(case, library_version=result.pop("library_version"))
                return replace(
                    record, status="ok", case=trained, checkpoint=checkpoint.name, **result
                )

    def _ask(self, case: Case, variant: str, checkpoint: Path) -> dict[str, Any]:
        request = {
            "do": "train",
            "case": asdict(case),
            "variant": variant,
            "seed": self.seed,
            "epochs": self.epochs,
            "checkpoint": str(checkpoint.resolve()),
        }
        try:
            answer: dict[str, Any] = self.workers.get(case.library).ask(request, self.patience)
        except WorkerDied:
            self.workers.replace()
            raise
        return answer


def _outcome(record: TrainingRecord) -> str:
    if record.clean_accuracy is None or record.robust_accuracy is None:
        return f"{record.status}: {record.reason}"
    return (
        f"{100 * record.clean_accuracy:.1f} % right, {100 * record.robust_accuracy:.1f} % after"
        f" {record.evaluation['attack']}; {sum(record.seconds):.0f} s"
    )
