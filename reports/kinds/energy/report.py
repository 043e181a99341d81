"""Energy attacks: their words, columns and commands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.cases import Case
from bench.kinds.energy.findings import EnergyRecord, Reached
from bench.kinds.energy.options import TRAINED, EnergyOptions
from bench.kinds.record import OwnRecord
from reports.kinds.energy import measures, recovery, tables
from reports.kinds.energy.published import DIGITS
from reports.reading.kind import KindReport, weights_words, workload_words
from semibackward_bench.grammar import counted

if TYPE_CHECKING:
    from bench.records.reading import Run
    from bench.records.types import ComparisonRecord
    from bench.statistics.anatomy import Anatomy
    from reports.table import Table


class EnergyReport(KindReport):
    """Attacks that make dynamic networks execute what they would skip."""

    plots = "reports.kinds.energy.figures:of_points"
    own_plots = "reports.kinds.energy.figures:of_runs"
    outputs = "perturbed images"
    inputs = "image"
    workloads = "energy attacks"
    plotted = ("attacks",)
    columns = ("attack", "model", "batch")
    headline = ("steps", "settings")

    def size(self, case: Case) -> str:
        return f"{counted(case.batch, self.inputs)} of {self.shape(case)}"

    def shape(self, case: Case) -> str:
        return "×".join(str(length) for length in EnergyOptions.of(case).input_shape)

    def budget(self, case: Case) -> list[str]:
        found = EnergyOptions.of(case)
        return [counted(found.steps, "step"), *found.settings()]

    def cells(self, case: Case) -> dict[str, object]:
        found = super().cells(case)
        del found["image_size"]
        return {**found, "input_shape": self.shape(case)}

    def facets(self, case: Case) -> dict[str, str]:
        found = EnergyOptions.of(case)
        return {
            "size": self.shape(case),
            "steps": counted(found.steps, "step"),
            "settings": ", ".join(found.settings()),
            "iterations": counted(found.iterations, "iteration"),
            "images": f"images {found.data}",
            "classes": counted(found.classes, "class", "classes"),
        }

    def command(self, case: Case) -> list[object]:
        found = EnergyOptions.of(case)
        words: list[object] = ["explain", *workload_words(case), "--models", case.model]
        words += ["--batch", case.batch, "--steps", found.steps]
        words += [] if found.data == DIGITS else ["--data", found.data]
        usual = EnergyOptions.__dataclass_fields__
        for name in ("alpha", "power", "space", "norm"):
            value = getattr(found, name)
            if value != usual[name].default:
                words += [f"--{name}", f"{value:g}" if isinstance(value, float) else value]
        words += ["--keep-label"] if found.keep_label else []
        return [*words, *([] if case.weights == TRAINED else weights_words(case))]

    def tables(
        self, run: Run, records: Sequence[ComparisonRecord], asked: Mapping[str, Any]
    ) -> Iterator[Table]:
        """What a step costs, what attacks recover, and how they stand against ILFO."""
        return tables.of(run, records)

    def portions(self, case: Case) -> tuple[int, str]:
        return EnergyOptions.of(case).steps, "a step"

    def ending(self, run: Run, records: Sequence[ComparisonRecord]) -> Iterator[Table]:
        """What the attacks recover."""
        return recovery.narrow(measures.ended(run, records))

    def rows(self, record: OwnRecord) -> dict[str, object]:
        """What it came to, without the images; nothing of what did not come to its end."""
        assert isinstance(record, EnergyRecord)
        there = ", ".join(
            f"{name} {recovered:.1f}"
            for name, found in record.elsewhere.items()
            if (recovered := measures.arp(found)) is not None
        )
        return {**_cells(record.reached), "arp_elsewhere": there or None}

    def results(self, record: ComparisonRecord) -> dict[str, object]:
        found = measures.findings(record)
        return {} if found is None else _cells(found.reached)

    def reason(self, record: ComparisonRecord, found: Anatomy) -> str | None:
        batch = measures.findings(record)
        if batch is None:
            return None
        passes = counted(batch.backwards, "backward pass", "backward passes")
        return f"each of its steps makes {passes} through the network"

    def mend(self, record: ComparisonRecord) -> str:
        return (
            "`torch.autograd.grad(loss, perturbation)` for each loss in place of `loss.backward()`"
            " (PyTorch 1.13 or newer, in eager mode), or `parameter.requires_grad_(False)` for"
            " every parameter before the forward pass."
        )


def _cells(found: Reached | None) -> dict[str, object]:
    """What perturbed images come to, in plain cells."""
    if found is None or not found.images:
        return {}
    error = measures.mse(found)
    return {
        "attacked_images": found.images,
        "undefined": found.recovery.count(None),
        "arp": measures.arp(found),
        "mse": error,
        "psnr": measures.psnr(error) if error > 0 else None,
        "accuracy_clean": measures.clean_accuracy(found),
        "accuracy": measures.accuracy(found),
        "executed_clean": measures.clean_executed(found),
        "executed": measures.executed(found),
    }
