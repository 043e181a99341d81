"""Attacks on token sequences: their words, columns and commands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bench.cases import Case
from bench.kinds.tokens.options import TokenOptions
from reports.kinds.tokens import tables
from reports.reading.kind import KindReport, workload_words

if TYPE_CHECKING:
    from bench.records.reading import Run
    from bench.records.types import ComparisonRecord
    from bench.statistics.anatomy import Anatomy
    from reports.table import Table

SHIPPED = "shipped"


class TokenReport(KindReport):
    """Attacks that seek a suffix by the gradients of its tokens."""

    outputs = "token sequences"
    inputs = "prompt"
    plotted = ("attacks",)
    headline = ("settings",)

    @property
    def passes(self) -> str:
        return " (of one step, to be looked into)"

    def shape(self, case: Case) -> str:
        return "tokens"

    def budget(self, case: Case) -> list[str]:
        return TokenOptions.of(case).settings()

    def cells(self, case: Case) -> dict[str, object]:
        return {**super().cells(case), "input_shape": "", "images": ""}

    def facets(self, case: Case) -> dict[str, str]:
        found = TokenOptions.of(case)
        return {
            "prompts": f"prompts {found.prompts}",
            "settings": ", ".join(found.settings()),
        }

    def command(self, case: Case) -> list[object]:
        found = TokenOptions.of(case)
        words: list[object] = ["explain", *workload_words(case), "--victim", case.model]
        words += ["--batch", case.batch, "--steps", found.steps]
        words += ["--suffix", found.suffix, "--top-k", found.top_k]
        if found.candidates is not None:
            words += ["--candidates", found.candidates]
        if found.candidate_batch is not None:
            words += ["--candidate-batch", found.candidate_batch]
        return [*words, *([] if found.prompts == SHIPPED else ["--prompts", found.prompts])]

    def portions(self, case: Case) -> tuple[int, str]:
        return case.batch * TokenOptions.of(case).steps, "a step"

    def tables(
        self, run: Run, records: Sequence[ComparisonRecord], asked: object
    ) -> Iterator[Table]:
        """What a step costs, what its memory is made of, and what became of the prompts."""
        return tables.of(run, records)

    def results(self, record: ComparisonRecord) -> dict[str, object]:
        return tables.cells_of(record)

    def reason(self, record: ComparisonRecord, found: Anatomy) -> str | None:
        return tables.reason(record)

    def mend(self, record: ComparisonRecord) -> str:
        return (
            "`torch.autograd.grad(loss, one_hot)` in place of `loss.backward()` (PyTorch 1.13 or"
            " newer, in eager mode), or `parameter.requires_grad_(False)` for every parameter"
            " before the forward pass."
        )
