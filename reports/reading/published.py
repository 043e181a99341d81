"""The numbers that papers published, kept as data in `results/paper/`, beside ours."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cases import SEMI_BACKWARD, Case

FILE = Path(__file__).resolve().parent.parent.parent / "results" / "paper" / "semi_backward.json"
"""Bu 2022, arXiv 2211.04973, tables 1 to 5."""

BERT = "bert-base"
"""The victim of table 5."""

_SUITES = {
    "paper-libraries": "libraries",
    "paper-batch-sizes": "batch_sizes",
    "paper-models": "models",
    "paper-attacks": "attacks",
    "paper-text": "text",
}
_KEYS = {
    "libraries": ("library",),
    "batch_sizes": ("batch",),
    "models": ("model",),
    "attacks": ("library", "attack"),
    "text": ("attack",),
}


@dataclass(frozen=True)
class Published:
    """One published row.

    Attributes:
        original: seconds of the original.
        semi_backward: seconds with parameters frozen.
        speedup: as printed.
        what: what was measured, and on what.
    """

    original: float
    semi_backward: float
    speedup: float
    what: str


def find(case: Case, variant: str, suite: str | None) -> Published | None:
    """The published row that a comparison repeats.

    Args:
        case: what was measured.
        variant: the published one is semi-backward.
        suite: the suite it was run from; a suite's small twin is set beside the same row. Cases of
            other suites are set beside a row only if they are as published.
    """
    if variant != SEMI_BACKWARD:
        return None
    of_suite = _SUITES.get((suite or "").removesuffix("-small"))
    tables = [of_suite] if of_suite else [name for name in _SUITES.values() if _as_is(case, name)]
    for name in tables:
        for row in _read().get("tables", {}).get(name, {}).get("rows", ()):
            if _same(row, name, case):
                return Published(
                    row["original"], row["semi_backward"], row["speedup"], _what(name, case)
                )
    return None


def _as_is(case: Case, table: str) -> bool:
    """Whether a case is one that the paper ran: ResNet50, 16 images, unless that is what varies; of
    text, BERT-base and as many queries as the attack makes."""
    if case.of_text or table == "text":
        return case.of_text and table == "text" and case.queries is None
    return (
        case.input_shape == (3, 224, 224)
        and (case.model == "resnet50" or table == "models")
        and (case.batch == 16 or table == "batch_sizes")
        and (case.steps is None) == (table == "attacks")
    )


def _same(row: Mapping[str, Any], table: str, case: Case) -> bool:
    if case.of_text != (table == "text") or (case.of_text and case.model != BERT):
        return False
    if table in ("batch_sizes", "models") and (case.library, case.attack) != (
        "torchattacks",
        "pgd",
    ):
        return False
    if table == "libraries" and case.attack != "pgd":
        return False
    return all(row[key] == getattr(case, key) for key in _KEYS[table])


def _what(table: str, case: Case) -> str:
    found = _read()
    versions = found["versions"]
    distribution = {"art": "adversarial-robustness-toolbox"}.get(case.library, case.library)
    return (
        f"{found['tables'][table]['caption']}; {found['device']}, torch {versions['torch']},"
        f" {case.library} {versions[distribution]}"
    )


@functools.cache
def _read() -> dict[str, Any]:
    """The published tables; empty where the program was installed without them."""
    if not FILE.is_file():
        return {}
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found
