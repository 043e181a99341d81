"""Training: its words, columns and commands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.cases import Case
from bench.kinds.record import OwnRecord
from bench.kinds.training.options import NO_ATTACK, TrainingOptions
from bench.kinds.training.plan import CIFAR10
from bench.kinds.training.record import TrainingRecord
from reports.kinds.images.report import OnImagesReport, steps_words
from reports.kinds.training import tables
from reports.reading import causes
from reports.reading.kind import weights_words, workload_words
from reports.reading.words import spelt
from semibackward_bench.grammar import counted, form

if TYPE_CHECKING:
    from bench.records.reading import Run
    from bench.records.types import ComparisonRecord, Environment
    from reports.table import Table


class TrainingReport(OnImagesReport):
    """Optimisation steps of training, and trainings to the end."""

    plots = "reports.kinds.training.figures:by_steps"
    workloads = "trainings"
    outputs = "weights"
    plotted = ("scaling",)
    vain = "backward passes whose parameter gradients are never read"
    columns = ("training", "library", "attack", "model", "batch", "steps")
    headline = ("training", "steps", "replays")

    def name(self, case: Case) -> str:
        return f"training {tables.name(case)}"

    def workload(self, case: Case) -> str:
        return f"training: {tables.name(case)}"

    def budget(self, case: Case) -> list[str]:
        """Nothing that its name does not tell."""
        return []

    def family(self, case: Case) -> str:
        return TrainingOptions.of(case).training

    def cells(self, case: Case) -> dict[str, object]:
        found = super().cells(case)
        del found["data"]
        return found

    def facets(self, case: Case) -> dict[str, str]:
        found = TrainingOptions.of(case)
        own = {
            "training": f"{found.training} training",
            "images": f"images {found.data}",
            "replays": "" if found.replays is None else f"m = {found.replays}",
        }
        if case.attack == NO_ATTACK:
            own |= {"library": "", "attack": ""}
        return {**super().facets(case), **own}

    def command(self, case: Case) -> list[object]:
        found = TrainingOptions.of(case)
        words: list[object] = ["--training", found.training]
        words += [] if case.attack == NO_ATTACK else workload_words(case)
        words += ["--models", case.model, "--batch", case.batch, "--data", found.data]
        words += [] if found.replays is None else ["--replays", found.replays]
        return [*words, *steps_words(case), *weights_words(case)]

    def tables(
        self, run: Run, records: Sequence[ComparisonRecord], asked: Mapping[str, Any]
    ) -> Iterator[Table]:
        return iter(tables.of(run, records, asked.get("plan", CIFAR10)))

    def in_vain_briefly(self, record: ComparisonRecord) -> tuple[str, ...]:
        found = record.gradients or {}
        before, after = (found.get(f"passes {name}") for name in (record.baseline, record.variant))
        if not isinstance(before, int) or not isinstance(after, int):
            return ()
        vain, total = before - after, found.get("passes")
        backward = counted(total, "backward pass", "backward passes")
        passes = form(total, "pass", "passes")
        return (
            f"{vain} of {backward} in vain",
            f"{vain} of {total} {passes} in vain",
            f"{vain} of {total} in vain",
        )

    def nothing_left_briefly(self, record: ComparisonRecord) -> tuple[str, ...]:
        if TrainingOptions.of(record.case).replays is not None:
            return ("every gradient is read", "all are read")
        if record.case.attack == NO_ATTACK:
            return ("no attack inside, every gradient is read", "no attack inside")
        if causes.freezes_itself(record) is not None:
            return ("the attack freezes the model itself", "freezes it itself")
        asked = str((record.gradients or {}).get("call")).split(" + ")
        return (f"its attack asks {asked[0]}", f"asks {asked[0]}")

    def rows(self, record: OwnRecord) -> dict[str, object]:
        assert isinstance(record, TrainingRecord)
        return {
            "last_loss": record.losses[-1] if record.losses else None,
            "seconds": sum(record.seconds) if record.seconds else None,
            **{f"evaluation_{key}": value for key, value in record.evaluation.items()},
        }

    def too_small(self, record: ComparisonRecord) -> str:
        found = record.gradients or {}
        computing = found.get(f"passes {record.baseline}")
        passes = counted(found.get("passes"), "backward pass", "backward passes")
        return (
            f"{computing} of {passes} {form(computing, 'computes', 'compute')} parameter"
            f" gradients, and {found.get(f'passes {record.variant}')} with the attack frozen"
        )

    def nothing_left(self, record: ComparisonRecord, environment: Environment) -> str | None:
        """Of a training whose attack computes no parameter gradient, or that has none."""
        found = record.gradients or {}
        if TrainingOptions.of(record.case).replays is not None:
            return (
                "each backward pass gives both gradients, the parameters' to the update and the"
                " images' to the perturbation, so none may be left out, and nothing is frozen"
            )
        if record.case.attack == NO_ATTACK:
            return "there is no attack, and the update reads every gradient"
        asked = str(found.get("call")).split(" + ")
        computing = found.get(f"passes {record.baseline}")
        passes = counted(found.get("passes"), "backward pass", "backward passes")
        by_itself = " by itself" if causes.skipped_by_torch(record) else ""
        eager = f" {causes.EAGER}" if by_itself or not record.observed else ""
        freezes = causes.freezes_itself(record)
        inside = "the attack inside"
        if freezes is not None:
            inside = f"{inside} freezes the model itself ({freezes}); it"
        return (
            f"{inside} asks by {spelt(asked[0])}, for which torch"
            f" {environment.torch['version']} computes no parameter gradient{by_itself}{eager};"
            f" {computing} of {passes} {form(computing, 'computes', 'compute')} them, for"
            " the update"
        )
