"""What reports say of a kind of workload: one small interface. Pure.

A kind overrides what is its own and has the rest from here, so that one which says nothing is
reported all the same. Its `report` is named by `bench.kinds.base.Kind.report`, and found by `of`.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar

from bench.cases import AS_BUILT, Case
from bench.errors import UsageError
from bench.kinds import registry
from reports.reading import causes, models
from semibackward_bench.grammar import counted

if TYPE_CHECKING:
    from bench.kinds.record import OwnRecord
    from bench.records.reading import Run
    from bench.records.types import ComparisonRecord, Environment
    from bench.statistics.anatomy import Anatomy
    from reports.table import Table

USER = "user"
"""The library of workloads that users wrote themselves."""


class KindReport:
    """How one kind is told of.

    Attributes:
        outputs: what a run makes, in words.
        inputs: what a run is given, in words, one of them.
        workloads: what its cases are, in words.
        each: what passes are told for, in words.
        forward_only_spares: whether forward-only leaves operations out, and not only bookkeeping.
        published: for each suite of a paper's, the table of the published numbers it repeats.
        plots: "package.module:function" that makes plots of its own from all points, as those of
            `reports.figures` do.
        own_plots: the same from whole runs, of lines that only it has.
        plotted: the plots that all kinds share and its comparisons stand in: "libraries" beside
            each other, "attacks" by speedup, "scaling" with the batch size and the model.
        vain: what is counted as computed in vain.
        freezing: what to do where freezing gains, as a command.
        columns: facets that have a column in a short table wherever they vary, in their order.
        headline: facets that its title tells, where all its cases share them.
    """

    outputs: ClassVar[str] = "outputs"
    inputs: ClassVar[str] = "input"
    workloads: ClassVar[str] = "attacks"
    each: ClassVar[str] = "an image"
    forward_only_spares: ClassVar[bool] = False
    published: ClassVar[Mapping[str, str]] = {}
    plots: ClassVar[str | None] = None
    own_plots: ClassVar[str | None] = None
    plotted: ClassVar[tuple[str, ...]] = ("libraries", "attacks", "scaling")
    freezing: ClassVar[str] = "put the attack into `with semi_backward(model):`"
    vain: ClassVar[str] = "parameter gradients that are computed and never read"
    columns: ClassVar[tuple[str, ...]] = ("library", "attack", "model", "batch")
    headline: ClassVar[tuple[str, ...]] = ()

    @property
    def passes(self) -> str:
        """What passes are counted for, behind their number."""
        return f" per {self.inputs}"

    def name(self, case: Case) -> str:
        """The workload in a few words; a user's by its file's name and the function's."""
        return f"{case.library} {models.attack(case)}"

    def workload(self, case: Case) -> str:
        """The workload in a cell beside its library's, with what it may spend."""
        return ", ".join([models.attack(case), *self.budget(case)])

    def size(self, case: Case) -> str:
        """How many inputs there are, and how large."""
        return counted(case.batch, self.inputs)

    def shape(self, case: Case) -> str:
        """One input, in a cell."""
        return "-"

    def budget(self, case: Case) -> list[str]:
        """What it may spend, or whatever else its options say, each in words; in a case's name only
        where it would be another's."""
        return [told for told in self.facets(case).values() if told]

    def setting(self, case: Case) -> str:
        """What a title says of a case behind its size."""
        return "".join(f", {each}" for each in self.budget(case))

    def portions(self, case: Case) -> tuple[int, str]:
        """Into how many equal portions a short table divides a run's seconds, and what one is
        called; 1 and nothing for a whole run."""
        return 1, ""

    def ending(self, run: Run, records: Sequence[ComparisonRecord]) -> Iterator[Table]:
        """Narrow tables that a run ends with in a terminal, behind the one of speedups.

        Args:
            run: what was measured.
            records: its comparisons of this kind.
        """
        yield from ()

    def title(self, case: Case, column: str) -> str:
        """What cases have in common that differ in the named column only."""
        names = [
            "" if column == "library" else case.library,
            "" if column == "attack" else case.attack,
            "" if column == "model" else f"on {models.name(case)}",
        ]
        told = " ".join(name for name in names if name)
        size = f"{self.size(case)}{self.setting(case)}"
        rest = (case.dtype, models.weights(case), case.device)
        more = models.apart(case, besides=rest)
        return f"{told}, {size}, {', '.join(filter(None, (*rest, *more)))}"

    def family(self, case: Case) -> str:
        """Cases of other families get tables of their own."""
        return ""

    def cells(self, case: Case) -> dict[str, object]:
        """The case's options as plain cells, by the names of their columns."""
        return {name: _plain(value) for name, value in case.options.facts().items()}

    def facets(self, case: Case) -> dict[str, str]:
        """What it is beyond what all cases are, each in a word or two; "" for nothing to tell."""
        found = {}
        for field in fields(case.options):
            value = getattr(case.options, field.name)
            if field.name != "kind":
                name = field.name.replace("_", " ")
                found[name] = "" if value is None else f"{name} {_plain(value)}"
        return found

    def command(self, case: Case) -> list[object] | None:
        """The words that repeat a case, between the program's and the dtype; None where only its
        whole run can be repeated."""
        return None

    def tables(
        self, run: Run, records: Sequence[ComparisonRecord], asked: Mapping[str, Any]
    ) -> Iterator[Table] | None:
        """The tables of a run; None for the usual ones, with a column a library.

        Args:
            run: what was measured.
            records: its comparisons of this kind.
            asked: what the command line said, by name.
        """
        return None

    def rows(self, record: OwnRecord) -> dict[str, object]:
        """A line of records of its own as plain cells, beyond those of its case."""
        return {}

    def results(self, record: ComparisonRecord) -> dict[str, object]:
        """What a comparison found beyond what all do, as plain cells."""
        return {}

    def too_small(self, record: ComparisonRecord) -> str:
        """What is computed in vain, where its share of the time is too small to show."""
        found = record.gradients or {}
        if causes.shares(record):
            return causes.are_computed(record)
        return f"{causes.are_computed(record)}, and {found.get(record.variant)} when frozen"

    def nothing_left(self, record: ComparisonRecord, environment: Environment) -> str | None:
        """Why there is nothing to spare; None for the usual reason."""
        return None

    def in_vain_briefly(self, record: ComparisonRecord) -> tuple[str, ...]:
        """What is computed in vain, in a few words, the longest first."""
        return causes.computed_briefly(record)

    def nothing_left_briefly(self, record: ComparisonRecord) -> tuple[str, ...]:
        """Why there is nothing to spare, in a few words, the longest first; nothing for the usual
        reason."""
        return ()

    def reason(self, record: ComparisonRecord, found: Anatomy) -> str | None:
        """What else explains a gain."""
        return None

    def mend(self, record: ComparisonRecord) -> str:
        """What a library's maintainer can do."""
        return (
            f"`torch.autograd.grad(loss, {self.inputs}s)` in place of `loss.backward()` (PyTorch"
            " 1.13 or newer, in eager mode), or `parameter.requires_grad_(False)` for every"
            " parameter before the forward pass."
        )

    def pasted(self, record: ComparisonRecord) -> tuple[str, Sequence[str], str] | None:
        """What `advise` says to paste for a variant: before the lines, the lines, behind them; None
        for those that shape a `model`."""
        return None

    def summary(self, records: Sequence[ComparisonRecord]) -> str | None:
        """A sentence on its comparisons."""
        return None

    def as_published(self, case: Case, table: str) -> bool:
        """Whether a case is one that the paper ran, whichever suite it is of."""
        return False

    def repeats(self, case: Case, table: str, row: Mapping[str, Any]) -> bool:
        """Whether a case repeats a published row, but for what its suite makes smaller."""
        return False


def of(case: Case) -> KindReport:
    """How a case's kind is told of."""
    return named(case.kind)


def named(kind: str) -> KindReport:
    """How a kind is told of.

    Raises:
        UsageError: there is no such kind, or what it says can't be loaded.
    """
    return _made(kind, registry.get(kind).report)


def every() -> dict[str, KindReport]:
    """Those of all kinds, by name.

    Raises:
        UsageError: one can't be loaded.
    """
    return {kind.name: _made(kind.name, kind.report) for kind in registry.every()}


@functools.cache
def _made(kind: str, path: str) -> KindReport:
    try:
        report: KindReport = named_by(path)()
    except Exception as error:
        raise UsageError(
            f"what reports say of {kind} ({path}) can't be loaded: {type(error).__name__}: {error};"
            " mend or uninstall the package that ships it"
        ) from error
    return report


def named_by(path: str) -> Any:
    """What an import path of the form "package.module:name" names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def workload_words(case: Case) -> list[object]:
    """The words that name a library's workload, or a user's."""
    if case.library == USER:
        return ["--attack", case.attack]
    return ["--libs", case.library, "--attacks", case.attack]


def weights_words(case: Case) -> list[object]:
    """The words that name a model's weights."""
    if case.weights in ("random", AS_BUILT):
        return []
    return ["--pretrained"] if case.weights == "pretrained" else ["--weights", case.weights]


def _plain(value: object) -> object:
    return "×".join(map(str, value)) if isinstance(value, tuple) else value


_FIRST = (
    *("library", "attack", "model", "batch", "input_shape", "steps", "dtype", "device", "eps"),
    *("step_size", "random_start", "weights", "images", "classes", "training", "replays"),
    *("sentences", "queries", "resources"),
)
_LAST = ("library_version",)


def flat(case: Case) -> dict[str, object]:
    """A case as plain cells: what all cases have, and what their kinds add."""
    found = {**case.shared, "library_version": case.library_version, **of(case).cells(case)}
    own = [name for name in found if name not in (*_FIRST, *_LAST)]
    return {name: found.get(name) for name in (*_FIRST, *own, *_LAST)}
