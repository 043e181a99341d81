"""Pruning by adversarial saliency: its words, columns and commands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from adapters.data import DIGITS, facts
from adapters.models.trained.catalogue import networks
from adapters.papers.mad.methods import EVALUATED, PERCENTS
from bench.cases import Case
from bench.kinds.pruning.findings import CLEAN, PrunedRecord, ScoredRecord
from bench.kinds.pruning.options import TRAINED, WITHOUT_ATTACK, PruningOptions
from bench.kinds.record import OwnRecord
from reports.kinds.pruning import measures, tables
from reports.kinds.pruning.layers import rank_of_first
from reports.kinds.pruning.words import inside, is_attacked, percent, trained, usual_eps
from reports.reading.kind import KindReport, weights_words, workload_words
from semibackward_bench.grammar import counted

if TYPE_CHECKING:
    from bench.records.reading import Run
    from bench.records.types import ComparisonRecord
    from bench.statistics.anatomy import Anatomy
    from reports.table import Table

_USUAL = {name: field.default for name, field in PruningOptions.__dataclass_fields__.items()}


class PruningReport(KindReport):
    """The stages of pruning by adversarial saliency, and what the pruned networks come to."""

    plots = "reports.kinds.pruning.figures:of_points"
    own_plots = "reports.kinds.pruning.figures:of_runs"
    outputs = "results"
    inputs = "image"
    workloads = "stages of pruning"
    plotted = ("attacks",)
    columns = ("attack", "model", "percent", "inside", "batch")
    headline = ("settings",)

    def size(self, case: Case) -> str:
        return f"{counted(case.batch, self.inputs)} of {self.shape(case)}"

    def shape(self, case: Case) -> str:
        return "×".join(str(length) for length in PruningOptions.of(case).input_shape)

    def budget(self, case: Case) -> list[str]:
        return [told for told in (percent(case), inside(case), *self._settings(case)) if told]

    def _settings(self, case: Case) -> list[str]:
        """What else a timing depends on, and of the network what is not usual."""
        found = PruningOptions.of(case)
        told = []
        if is_attacked(case):
            told.append(counted(found.steps, "step"))
            told += [] if found.eps == usual_eps(case) else [f"ε = {found.eps:.3g}"]
        return [*told, *filter(None, [trained(case)])]

    def cells(self, case: Case) -> dict[str, object]:
        found = super().cells(case)
        found.pop("image_size", None)
        return {**found, "input_shape": self.shape(case)}

    def facets(self, case: Case) -> dict[str, str]:
        found = PruningOptions.of(case)
        return {
            "size": self.shape(case),
            "percent": percent(case),
            "inside": found.inside if is_attacked(case) else "",
            "settings": ", ".join(self._settings(case)),
            "images": f"images {found.data}",
            "classes": counted(found.classes, "class", "classes"),
        }

    def command(self, case: Case) -> list[object]:
        found = PruningOptions.of(case)
        words: list[object] = ["explain", *workload_words(case), "--models", case.model]
        words += ["--batch", case.batch]
        if found.percent not in (None, PERCENTS[0]):
            words += ["--percent", f"{found.percent:g}"]
        words += _unusual(found, "pretraining", "inside")
        words += [] if found.eps == usual_eps(case) else ["--radius", repr(found.eps)]
        words += _unusual(found, "steps")
        words += _shown(case)
        return [*words, *([] if case.weights == TRAINED else weights_words(case))]

    def tables(
        self, run: Run, records: Sequence[ComparisonRecord], asked: Mapping[str, Any]
    ) -> Iterator[Table]:
        """What stages take, what networks come to, what the paper claims, and the layers."""
        return tables.of(run, records)

    def ending(self, run: Run, records: Sequence[ComparisonRecord]) -> Iterator[Table]:
        """Accuracy by criterion, and the whole pipeline's seconds by stage."""
        return tables.narrow(run)

    def rows(self, record: OwnRecord) -> dict[str, object]:
        """What it came to; nothing of what did not come to its end."""
        if isinstance(record, ScoredRecord):
            return _scored(record)
        assert isinstance(record, PrunedRecord)
        return _pruned(record)

    def results(self, record: ComparisonRecord) -> dict[str, object]:
        found = measures.findings(record)
        if found is None:
            return {}
        return {
            "network_weights": found.weights,
            "prunable_layers": found.layers,
            "prunable_weights": found.prunable,
            "left_dense": len(found.dense),
        }

    def reason(self, record: ComparisonRecord, found: Anatomy) -> str | None:
        return _REASONS.get(record.case.attack)

    def mend(self, record: ComparisonRecord) -> str:
        if record.case.attack in WITHOUT_ATTACK:
            return (
                "`parameter.requires_grad_(False)` for every parameter before the forward pass:"
                " what the stage reads are gradients of masks or of layers' outputs."
            )
        return (
            "`torch.autograd.grad(loss, images)` in the attack in place of `loss.backward()`"
            " (PyTorch 1.13 or newer, in eager mode), or `parameter.requires_grad_(False)` for"
            " every parameter while it attacks."
        )


_REASONS = {
    "masks": "the gradient of a mask takes what the gradient of its weight takes, in both variants",
    "factors": "the covariances of layers take time that is the same in both variants",
    "closed-form": "it takes no gradient",
    "saliency": (
        "masks and covariances take the same in both variants, so that only what the attack and"
        " gradients of the rest take can be spared"
    ),
    "finetuning": "the update computes every gradient of a parameter, in both variants",
}
"""What of a stage keeps its gain as small as it is."""


def _unusual(found: PruningOptions, *names: str) -> list[object]:
    """The words of options that are not what stands where nobody gives one."""
    words: list[object] = []
    for name in names:
        value = getattr(found, name)
        words += [] if value == _USUAL[name] else [f"--{name}", value]
    return words


def _shown(case: Case) -> list[object]:
    """The words that name what the network is shown."""
    found = PruningOptions.of(case)
    told: list[object] = [] if found.data == DIGITS else ["--data", found.data]
    network = networks().get(case.model)
    usual = network and found.data == DIGITS and network.side(facts(DIGITS))
    if usual != found.input_shape[-1]:
        told += ["--input", "x".join(map(str, found.input_shape))]
    return told


def _scored(record: ScoredRecord) -> dict[str, object]:
    if not record.layers:
        return {}
    weights = sum(layer.weights for layer in record.layers)
    negative = sum(layer.negative for layer in record.layers)
    return {
        "network_weights": record.source,
        "prunable_layers": len(record.layers),
        "prunable_weights": weights,
        "left_dense": len(record.dense),
        "saliency_below_0": negative / weights if weights else None,
        "rank_of_first_layer": rank_of_first(record.layers),
    }


def _pruned(record: PrunedRecord) -> dict[str, object]:
    cells: dict[str, object] = {"percent": record.percent, "sparsity": record.sparsity}
    if record.judged:
        cells["attacked_images"] = max(found.images for found in record.judged)
    known = {CLEAN: "clean", **{name: name.replace("-", "_") for name in EVALUATED}}
    for found in record.judged:
        if found.attack in known:
            cells[f"accuracy_{known[found.attack]}"] = measures.right(found)
    return cells
