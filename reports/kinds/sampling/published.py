"""The numbers of Dhillon et al. 2018, kept as data in `reports/paper/`, beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.papers.sap.methods import FAST
from bench.cases import Case
from reports.kinds.sampling.words import OWN, defence, is_dense, options
from reports.reading import papers

FILE = Path(__file__).resolve().parents[2] / "paper" / "sap.json"
COST, AGENTS, ADVERSARIAL_TRAINING = "4.4", "table 1", "4.1.3"
"""What the paper says of costs, of agents, and of adversarial training."""


@dataclass(frozen=True)
class Row:
    """A published row.

    Attributes:
        table: the section or the table it is in.
        caption: of that.
        values: as printed, by name.
    """

    table: str
    caption: str
    values: Mapping[str, Any]

    def at(self, strength: float, what: str = "accuracy") -> float | None:
        """What it has with one λ."""
        found = self.values.get(what, {}).get(f"{strength:g}")
        return float(found) if found is not None else None

    def cell(self, strength: float, what: str = "accuracy") -> str:
        """The same, as printed."""
        found = self.at(strength, what)
        return "-" if found is None else f"{found:.1f}"


def accuracy(case: Case, strength: float) -> tuple[Row, float] | None:
    """The published accuracy of the same network and defence under the same attack, in percent.

    Without a perturbation it is the same under every attack; with one, only of gradients averaged
    over as many samples.
    """
    for row in rows():
        values = row.values
        if "accuracy" not in values or not _same_network(case, values):
            continue
        found = row.at(strength)
        if found is not None and (strength == 0 or _same_attack(case, values)):
            return row, found
    return None


def gain(case: Case, strength: float) -> tuple[Row, float] | None:
    """By how much more than the adversarially trained network alone, in percentage points."""
    for row in rows(ADVERSARIAL_TRAINING):
        found = row.at(strength, "gain")
        if found is not None and _same_network(case, row.values):
            return row, found
    return None


def cost(case: Case) -> Row | None:
    """What one gradient of as many samples took; of the same defence, by draws or independent."""
    table = papers.tables(FILE).get(COST, {})
    if not table or not _same_network(case, table) or options(case).gradient != OWN:
        return None
    return next((r for r in rows(COST) if r.values["samples"] == options(case).samples), None)


def an_image_and_sample(row: Row) -> float:
    """Seconds, of such a row."""
    images = int(papers.tables(FILE)[COST]["images"])
    return float(row.values["seconds"]) / images / int(row.values["samples"])


def change(case: Case, strength: float) -> tuple[Row, float] | None:
    """The change of an agent's reward, in percent of the dense agent's."""
    game = (options(case).environment or "").casefold()
    table = papers.tables(FILE).get(AGENTS, {})
    for row in rows(AGENTS):
        found = row.at(strength, "change")
        known = row.values["environment"].casefold() in game
        if known and found is not None and _spec(case) == table.get("defence"):
            return row, found
    return None


def _same_network(case: Case, values: Mapping[str, Any]) -> bool:
    return bool(case.model == values["network"] and _spec(case) == values["defence"])


def _spec(case: Case) -> str:
    """The defence; of independent decisions, the one that they stand for."""
    return defence(case).spec.removesuffix(f"-{FAST}")


def _same_attack(case: Case, values: Mapping[str, Any]) -> bool:
    found = options(case)
    sampled = found.gradient == OWN and not is_dense(case)
    return bool(
        case.attack == values["attack"]
        and found.gradient == values["gradient"]
        and values.get("step", found.step) == found.step
        and (not sampled or values["samples"] == found.samples)
    )


def notes(found: Iterable[Row | None], cases: Sequence[Case]) -> Iterator[str]:
    """What was published on what, of the rows that stand in a table.

    Args:
        found: the rows.
        cases: what stands beside them.
    """
    captions = dict.fromkeys((row.table, row.caption) for row in found if row is not None)
    if captions:
        told = "; ".join(f"{_spelt(name)}: {caption}" for name, caption in captions)
        ours = " and ".join(dict.fromkeys(options(c).environment or options(c).data for c in cases))
        yield f"Published: {_source()}; {told}. Ours are measured on {ours}."
    if (said := fault()) is not None:
        yield f"{said}."


def missing(name: str) -> Iterator[str]:
    """What of a table or figure nobody can set beside ours."""
    table = papers.tables(FILE).get(name, {})
    if "missing" in table:
        yield f"Of {_spelt(name)}, {table['caption']}: {table['missing']}."


def fault() -> str | None:
    """Why no published number stands beside ours; None where they can be read."""
    return papers.fault(FILE)


def rows(table: str | None = None) -> list[Row]:
    """Every published row, or those of one table, in order."""
    return [
        Row(name, found["caption"], row)
        for name, found in papers.tables(FILE).items()
        for row in found["rows"]
        if table in (None, name)
    ]


def _spelt(name: str) -> str:
    return f"section {name}" if name[0].isdigit() else name


def _source() -> str:
    return str(papers.load(FILE)["source"])
