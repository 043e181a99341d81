"""Attacks on text: their words, columns and commands. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.cases import Case
from bench.kinds.text.options import TextOptions
from reports.kinds.text import explained, tables
from reports.reading import models
from reports.reading.kind import KindReport, workload_words
from semibackward_bench.grammar import counted

if TYPE_CHECKING:
    from bench.records.reading import Run
    from bench.records.types import ComparisonRecord
    from bench.statistics.anatomy import Anatomy
    from reports.table import Table

BERT = "bert-base"
"""The victim of table 5 in Bu 2022."""


class TextReport(KindReport):
    """Attacks on sentences."""

    outputs = "adversarial sentences"
    inputs = "sentence"
    forward_only_spares = True
    published = {"paper-text": "text"}  # noqa: RUF012 - a mapping that nobody changes
    plotted = ("attacks",)
    headline = ("queries",)

    @property
    def passes(self) -> str:
        return " (it is cut short to be looked into)"

    def shape(self, case: Case) -> str:
        return "sentences"

    def workload(self, case: Case) -> str:
        queries = TextOptions.of(case).queries
        name = models.attack(case)
        return name if queries is None else f"{name}, {_queries(queries)}"

    def budget(self, case: Case) -> list[str]:
        queries = TextOptions.of(case).queries
        return [] if queries is None else [f"at most {_queries(queries)}"]

    def setting(self, case: Case) -> str:
        return ""

    def cells(self, case: Case) -> dict[str, object]:
        return {**super().cells(case), "input_shape": "", "images": ""}

    def facets(self, case: Case) -> dict[str, str]:
        found = TextOptions.of(case)
        return {
            "sentences": f"sentences {found.sentences}",
            "queries": "" if found.queries is None else _queries(found.queries),
            "resources": "" if found.resources is None else f"resources {found.resources}",
        }

    def command(self, case: Case) -> list[object]:
        found = TextOptions.of(case)
        words: list[object] = ["explain", *workload_words(case)]
        words += ["--victim", case.model, "--queries", found.queries or 0]
        words += [] if found.sentences == "shipped" else ["--sentences", found.sentences]
        words += [] if found.resources is None else ["--resources", found.resources]
        return [*words, "--batch", case.batch]

    def tables(
        self, run: Run, records: Sequence[ComparisonRecord], asked: Mapping[str, Any]
    ) -> Iterator[Table]:
        """A row an attack, as in the paper's fifth table, and what they did."""
        return iter(tables.of(run, records))

    def reason(self, record: ComparisonRecord, found: Anatomy) -> str | None:
        return explained.reason(record, found)

    def mend(self, record: ComparisonRecord) -> str:
        return (
            "answer queries whose gradient nobody reads by a forward pass under"
            " `torch.inference_mode()`; or freeze every parameter, and let the embeddings' output"
            " require a gradient."
        )

    def summary(self, records: Sequence[ComparisonRecord]) -> str | None:
        return explained.summary(records)

    def as_published(self, case: Case, table: str) -> bool:
        """With as many queries as the attack makes."""
        return TextOptions.of(case).queries is None

    def repeats(self, case: Case, table: str, row: Mapping[str, Any]) -> bool:
        return case.model == BERT and row["attack"] == case.attack


def _queries(number: int) -> str:
    return counted(number, "query", "queries")
