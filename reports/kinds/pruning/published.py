"""What Lee et al. 2022 set and claim, kept as data in `reports/paper/`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.kinds.pruning.options import PruningOptions
from reports.kinds.pruning.measures import Pruned
from reports.reading import papers
from semibackward_bench.grammar import counted, form

FILE = Path(__file__).resolve().parents[2] / "paper" / "mad.json"
FIRST_LAYER, KEEPS, ORDER = "first layer", "keeps", "order"
"""The claims, as the file calls them."""


@dataclass(frozen=True)
class Claim:
    """What is claimed, in a sentence, and where it stands."""

    words: str
    where: str


def claim(name: str) -> Claim:
    """One of the claims; by its short name where the file can't be read."""
    found = {} if papers.fault(FILE) else papers.load(FILE).get("claims", {}).get(name, {})
    return Claim(found.get("claim", name), found.get("where", "-"))


def notes(group: Sequence[Pruned]) -> Iterator[str]:
    """That no numbers are known, and which settings are not the published ones.

    Args:
        group: networks that stand in a table.
    """
    if (said := papers.fault(FILE)) is not None:
        yield f"{said}."
        return
    found = papers.load(FILE)
    yield (
        f"Published: {found['source']}; {found['missing']}. So claims are judged, and no number is"
        " compared."
    )
    apart = list(_apart(group, found["settings"]))
    if apart:
        count = len(apart)
        yield (
            f"{counted(count, 'setting')} {form(count, 'is', 'are')} not as published:"
            f" {'; '.join(apart)}."
        )


def _apart(group: Sequence[Pruned], settings: dict[str, Any]) -> Iterator[str]:
    """Of each published setting that records tell of, where ours are others."""
    cases = [each.case for each in group]
    ours: dict[str, list[float]] = {
        "eps": [PruningOptions.of(case).eps for case in cases],
        "steps": [PruningOptions.of(case).steps for case in cases],
        "batch": [case.batch for case in cases],
        "percents": [each.first.percent for each in group if not each.is_dense],
        "epochs": [each.first.epochs for each in group if not each.is_dense],
    }
    for name, values in ours.items():
        known = settings[name]["value"]
        theirs = known if isinstance(known, list) else [known]
        others = sorted({value for value in values if value not in theirs})
        if others:
            said = " and ".join(f"{value:.3g}" for value in others)
            printed = " and ".join(f"{value:g}" for value in theirs)
            yield f"{settings[name]['words']} {said}, published {printed}"
