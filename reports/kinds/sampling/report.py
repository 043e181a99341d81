"""Attacks by Monte-Carlo gradients: their words, columns and commands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from adapters.data import DIGITS, facts
from adapters.models.classifiers.catalogue import NETWORKS
from bench.cases import Case
from bench.kinds.record import OwnRecord
from bench.kinds.sampling.findings import AgentRecord, RobustnessRecord
from bench.kinds.sampling.options import TRAINED, SamplingOptions
from reports.kinds.sampling import agents, measures, tables
from reports.kinds.sampling.words import NOISE, OWN, defended
from reports.reading.kind import KindReport, weights_words, workload_words
from semibackward_bench.grammar import counted

if TYPE_CHECKING:
    from bench.records.reading import Run
    from bench.records.types import ComparisonRecord
    from bench.statistics.anatomy import Anatomy
    from reports.table import Table

_USUAL = {name: field.default for name, field in SamplingOptions.__dataclass_fields__.items()}


class SamplingReport(KindReport):
    """Attacks on networks that may draw at random, by gradients averaged over samples."""

    plots = "reports.kinds.sampling.figures:of_points"
    own_plots = "reports.kinds.sampling.figures:of_runs"
    outputs = "adversarial images"
    inputs = "image"
    workloads = "attacks by sampling"
    plotted = ("attacks",)
    columns = ("attack", "model", "defence", "samples", "batch")
    headline = ("settings",)

    def size(self, case: Case) -> str:
        return f"{counted(case.batch, self._input(case))} of {self.shape(case)}"

    def _input(self, case: Case) -> str:
        return "image" if SamplingOptions.of(case).environment is None else "observation"

    def shape(self, case: Case) -> str:
        return "×".join(str(length) for length in SamplingOptions.of(case).input_shape)

    def budget(self, case: Case) -> list[str]:
        found = SamplingOptions.of(case)
        sampled = [] if case.attack == NOISE else [counted(found.samples, "sample")]
        return [defended(case), *sampled, *self._settings(case)]

    def _settings(self, case: Case) -> list[str]:
        """What a timing depends on, and of λ and k what is not usual."""
        found = SamplingOptions.of(case)
        told = found.settings(case)
        told += [f"λ = {found.strength:g}"] if found.strength != _USUAL["strength"] else []
        told += [f"k = {found.step:g}"] if found.step != _USUAL["step"] else []
        return told

    def cells(self, case: Case) -> dict[str, object]:
        found = super().cells(case)
        del found["image_size"]
        return {**found, "input_shape": self.shape(case)}

    def facets(self, case: Case) -> dict[str, str]:
        found = SamplingOptions.of(case)
        place = f"images {found.data}" if found.environment is None else found.environment
        return {
            "size": self.shape(case),
            "defence": defended(case),
            "samples": "" if case.attack == NOISE else counted(found.samples, "sample"),
            "settings": ", ".join(self._settings(case)),
            "images": place,
            "classes": counted(found.classes, "class", "classes"),
        }

    def command(self, case: Case) -> list[object]:
        found = SamplingOptions.of(case)
        words: list[object] = ["explain", *workload_words(case), "--models", case.model]
        words += ["--defences", found.defence, "--samples", found.samples, "--batch", case.batch]
        words += _shown(case)
        words += [] if found.chunk is None else ["--chunk", found.chunk]
        for name in ("strength", "step"):
            value = getattr(found, name)
            words += [] if value == _USUAL[name] else [f"--{name}", f"{value:g}"]
        words += [] if found.gradient == OWN else ["--gradients", found.gradient]
        return [*words, *([] if case.weights == TRAINED else weights_words(case))]

    def tables(
        self, run: Run, records: Sequence[ComparisonRecord], asked: Mapping[str, Any]
    ) -> Iterator[Table]:
        """What a gradient costs, what networks and agents come to, and what the paper says."""
        return tables.of(run, records)

    def portions(self, case: Case) -> tuple[int, str]:
        return SamplingOptions.of(case).steps(case), "a gradient"

    def ending(self, run: Run, records: Sequence[ComparisonRecord]) -> Iterator[Table]:
        """Accuracies and rewards under attack."""
        return tables.narrow(run)

    def rows(self, record: OwnRecord) -> dict[str, object]:
        """What it came to, by λ; nothing of what did not come to its end."""
        if isinstance(record, RobustnessRecord):
            return _judged(record)
        assert isinstance(record, AgentRecord)
        return _played(record)

    def results(self, record: ComparisonRecord) -> dict[str, object]:
        found = measures.findings(record)
        if found is None:
            return {}
        return {"chunk_taken": found.chunk, "passes": found.passes, "relus": found.relus}

    def reason(self, record: ComparisonRecord, found: Anatomy) -> str | None:
        batch = measures.findings(record)
        if batch is None or not batch.passes:
            return None
        samples = SamplingOptions.of(record.case).samples
        steps = SamplingOptions.of(record.case).steps(record.case)
        each = "each of its gradients is" if steps > 1 else "its gradient is"
        passes = counted(batch.passes, "pass", "passes")
        return f"{each} averaged over {counted(samples, 'sample')}, {passes} of a run"

    def mend(self, record: ComparisonRecord) -> str:
        return (
            "`torch.autograd.grad(loss, images)` for each pass in place of `loss.backward()`"
            " (PyTorch 1.13 or newer, in eager mode), or `parameter.requires_grad_(False)` for"
            " every parameter before the forward pass."
        )


def _shown(case: Case) -> list[object]:
    """The words that name what the network is shown."""
    found = SamplingOptions.of(case)
    if found.environment is not None:
        return ["--environments", found.environment]
    told: list[object] = [] if found.data == DIGITS else ["--data", found.data]
    network = NETWORKS.get(case.model)
    usual = network and found.data == DIGITS and network.side(facts(DIGITS))
    if usual != found.input_shape[-1]:
        told += ["--input", "x".join(map(str, found.input_shape))]
    return told


def _judged(record: RobustnessRecord) -> dict[str, object]:
    cells: dict[str, object] = {}
    if record.judged:
        cells["attacked_images"] = max(found.images for found in record.judged)
    for found in record.judged:
        cells[f"accuracy_at_{found.strength:g}"] = measures.accuracy(found)
    for found in record.judged:
        cells[f"calibration_error_at_{found.strength:g}"] = measures.calibration(found)
    return cells


def _played(record: AgentRecord) -> dict[str, object]:
    cells: dict[str, object] = {}
    if record.played:
        cells["episodes"] = max(len(found.rewards) for found in record.played)
    for found in record.played:
        cells[f"reward_at_{found.strength:g}"] = agents.mean_of(found)
    return cells
