"""Digests of what was run, so that a run is resumed only with the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from adapters import custom
from bench.cases import Comparison
from bench.kinds import registry
from bench.kinds.request import Request

_ROOT = Path(__file__).resolve().parent.parent.parent
_MEASURING = ("bench", "adapters", "semibackward", "semibackward_bench")
_DIGITS = 16


def code() -> str:
    """Digest of this program's modules, as far as they can change a measurement."""
    found = hashlib.sha256()
    for package in _MEASURING:
        for path in sorted((_ROOT / package).rglob("*.py")):
            found.update(str(path.relative_to(_ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:_DIGITS]


def files(attacks: Iterable[str], others: Iterable[Path]) -> dict[str, str]:
    """Digest of each file of the user's that is measured.

    Args:
        attacks: what --attack was given, already checked.
        others: what other options name.
    """
    return {str(path): digest(path) for path in (*own_files(attacks), *others)}


def own_files(attacks: Iterable[str]) -> list[Path]:
    """The files among what --attack was given."""
    specs = [custom.parse(text) for text in attacks]
    return [Path(spec.place) for spec in specs if spec.is_file]


def named(request: Request, comparisons: Iterable[Comparison]) -> Iterator[Path]:
    """Files of the user's that are measured, but for attacks; each once."""
    if request.weights is not None:
        yield request.weights
    for kind in registry.every():
        yield from kind.files(request)
    for case in dict.fromkeys(comparison.case for comparison in comparisons):
        yield from registry.get(case.kind).files_of(case)


def digest(path: Path) -> str:
    """Of a file.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        found = hashlib.sha256()
        while chunk := file.read(2**20):
            found.update(chunk)
    return found.hexdigest()[:_DIGITS]
