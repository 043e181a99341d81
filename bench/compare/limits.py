"""How much worse each metric of each case may get: defaults, --fail-if, --overrides. Pure."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from bench import files
from bench.cases import Case
from bench.compare import thresholds
from bench.compare.values import Kind
from bench.errors import UsageError
from bench.kinds import registry
from bench.words import closest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULTS: Mapping[Kind, Mapping[str, float]] = {
    "counts": dict.fromkeys(("gradients", "passes", "flops", "memory", "kernels", "host"), 0.0),
    "comparisons": {"speedup": 0.05, "memory": 0.05, "seconds": 0.25, "gradients": 0.0},
    "pytest-benchmark": {"seconds": 0.10},
}
"""The metrics of each kind of file, and how much worse each may get."""

Facts = Mapping[str, object]
"""What an override can ask of a case, by name."""


@dataclass(frozen=True)
class Override:
    """Other limits for the cases that fit.

    Attributes:
        wanted: what the case must be; of texts a pattern, as `tests/*`.
        shares: by metric.
    """

    wanted: tuple[tuple[str, object], ...]
    shares: tuple[tuple[str, float], ...]

    def fits(self, case: Facts) -> bool:
        """Whether it is about this case."""
        return all(_fits(case.get(name), value) for name, value in self.wanted)


@dataclass(frozen=True)
class Allowed:
    """How much worse each metric may get.

    Attributes:
        shares: by metric; infinite where nothing of it fails.
        overrides: the last that fits a case goes before the others.
        named: the metrics that --fail-if or an override names.
        apart: those whose values were made in environments that differ.
    """

    shares: Mapping[str, float]
    overrides: tuple[Override, ...] = ()
    named: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()

    def share(self, metric: str, case: Facts) -> float:
        """Of one metric of one case."""
        found = self.shares[metric]
        for override in self.overrides:
            if override.fits(case):
                found = dict(override.shares).get(metric, found)
        return found

    def unused(self, cases: Iterable[Facts]) -> list[str]:
        """The overrides that fit none of these cases, in words."""
        known = list(cases)
        return [
            ", ".join(f"{name} = {value!r}" for name, value in override.wanted)
            for override in self.overrides
            if not any(override.fits(case) for case in known)
        ]


def allowed(kind: Kind, fail_if: Iterable[str], overrides: Path | None) -> Allowed:
    """What is allowed in files of a kind.

    Args:
        kind: of both files.
        fail_if: what --fail-if was given.
        overrides: what --overrides was given.

    Raises:
        UsageError: a metric is not one of these files, a share is none, or the file is none.
    """
    shares = dict(DEFAULTS[kind])
    given = [thresholds.parse(text, shares) for text in fail_if]
    shares.update({threshold.metric: threshold.share for threshold in given})
    _below_one(shares, "--fail-if")
    found = () if overrides is None else _read(overrides, shares)
    named = {threshold.metric for threshold in given}
    named |= {metric for override in found for metric, _ in override.shares}
    return Allowed(shares, found, frozenset(named))


def facts(case: Case, variant: str) -> Facts:
    """What an override can ask of a case."""
    known = {name: getattr(case, name) for name in _SHARED}
    return {**known, **case.options.facts(), "variant": variant}


_SHARED = tuple(field.name for field in fields(Case) if field.name != "options")


def _keys() -> list[str]:
    """What can be asked of the cases of any kind."""
    own = (name for kind in registry.every() for name in kind.options.fact_names())
    return list(dict.fromkeys((*_SHARED, *own, "image_size", "variant", "name")))


def _fits(found: object, wanted: object) -> bool:
    """Whether a fact is what an override wants: exactly, or as a pattern; brackets stand for
    themselves too, as in the names of pytest's cases."""
    if found == wanted or not (isinstance(found, str) and isinstance(wanted, str)):
        return found == wanted
    literal = wanted.replace("[", "[[]")
    return fnmatchcase(found, wanted) or fnmatchcase(found, literal)


def _read(path: Path, metrics: Mapping[str, float]) -> tuple[Override, ...]:
    try:
        table = tomllib.loads(files.text(path))
    except files.Unreadable as error:
        raise UsageError(f"--overrides {path}: can't be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--overrides {path}: no TOML: {error}") from error
    groups = table.get("case")
    if set(table) != {"case"} or not isinstance(groups, list) or not groups:
        raise UsageError(f"--overrides {path}: it must hold [[case]] tables and nothing else")
    return tuple(
        _override(group, metrics, f"--overrides {path}: [[case]] {number}")
        for number, group in enumerate(groups, 1)
    )


def _override(group: Any, metrics: Mapping[str, float], where: str) -> Override:
    if not isinstance(group, dict):
        raise UsageError(f"{where}: it is no table")
    wanted, shares = [], []
    for key, value in group.items():
        if key in metrics:
            shares.append((key, _share(value, f"{where}: {key}")))
        elif key in _keys():
            wanted.append((key, value))
        else:
            raise UsageError(f"{where}: unknown key {key!r}{closest(key, (*metrics, *_keys()))}")
    if not shares:
        raise UsageError(f"{where}: it names no limit; there are {', '.join(metrics)}")
    _below_one(dict(shares), where)
    return Override(tuple(wanted), tuple(shares))


def _share(value: object, where: str) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number and not isinstance(value, str):
        raise UsageError(f'{where}: {value!r} is no share; give "5%", 0.05 or "off"')
    return thresholds.share(str(value), where)


def _below_one(shares: Mapping[str, float], where: str) -> None:
    share = shares.get("speedup", 0.0)
    if 1 <= share < math.inf:
        raise UsageError(f"{where}: a speedup can't lose {100 * share:g} %; give less than 100 %")
