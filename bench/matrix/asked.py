"""What a matrix is of: versions of torch, and of libraries. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from adapters import custom, registry
from adapters.base import AdapterError
from bench.cases import Case
from bench.errors import UsageError

LATEST = "latest"
OURS = "torch"
"""The distribution of adapters whose methods are this program's own."""
_FORM = "give NAME==VERSION or NAME==VERSION,VERSION, as torchattacks==3.4.0,3.5.1"


@dataclass(frozen=True)
class Library:
    """A version of a distribution.

    Attributes:
        distribution: its name; "" of what is this program's own, and needs nothing but torch.
        version: as asked; None for the newest that goes with the torch.
    """

    distribution: str = ""
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.distribution}=={self.version}" if self.version else self.distribution


def torches(asked: Sequence[str]) -> list[str]:
    """Versions of torch, each once, as asked.

    Raises:
        UsageError: one is none.
    """
    for text in asked:
        if text != LATEST:
            _check(text, f"--torch {text}: give versions, as 2.0.1, or {LATEST}")
    return list(dict.fromkeys(asked))


def libraries(asked: Iterable[str]) -> dict[str, list[Library]]:
    """The versions that are asked for, by the canonical name of the distribution.

    Args:
        asked: each NAME==VERSION,VERSION,...; the name of a library or of its distribution.

    Raises:
        UsageError: one is none of that.
    """
    found: dict[str, list[Library]] = {}
    for text in asked:
        name, equals, versions = text.partition("==")
        if not name or not equals or not versions:
            raise UsageError(f"--versions {text}: {_FORM}")
        distribution = _distribution(name.strip())
        mine = found.setdefault(canonicalize_name(distribution), [])
        for version in versions.split(","):
            _check(
                version, f"--versions {text}: {version or 'an empty word'} is no version; {_FORM}"
            )
            if (library := Library(distribution, version.strip())) not in mine:
                mine.append(library)
    return found


def crossed(cases: Iterable[Case], versions: dict[str, list[Library]]) -> dict[Library, list[Case]]:
    """The cases that each version of a library is asked for, in the order of the cases.

    A function of the user's is asked for with each version that is no chosen library's.

    Raises:
        UsageError: versions are asked for of what no case uses.
    """
    every = list(cases)
    mine = {case.library: distribution_of(case.library) for case in every}
    known = {canonicalize_name(name) for name in mine.values() if name}
    others = [each for name, found in versions.items() if name not in known for each in found]
    own = custom.LIBRARY in mine
    if others and not own:
        named = ", ".join(dict.fromkeys(each.distribution for each in others))
        raise UsageError(f"--versions names {named}, which no chosen case uses; name it in --libs")
    crossed: dict[Library, list[Case]] = {}
    for case in every:
        name = mine[case.library]
        wanted = versions.get(canonicalize_name(name), [Library(name)]) if name else [Library()]
        if case.library == custom.LIBRARY and others:
            wanted = others
        for library in wanted:
            crossed.setdefault(library, []).append(case)
    return crossed


def distribution_of(library: str) -> str:
    """The distribution of a library by the name that --libs takes; "" of our own methods, and of
    the user's."""
    if library not in registry.names():
        return ""
    found = registry.get(library).distribution
    return "" if found == OURS else found


def _distribution(name: str) -> str:
    """Of a library's or a distribution's name."""
    for library in registry.names():
        try:
            distribution = registry.get(library).distribution
        except AdapterError:
            continue  # another's broken adapter is no concern of this
        if name == library or canonicalize_name(name) == canonicalize_name(distribution):
            if distribution == OURS:
                break
            return distribution
    if canonicalize_name(name) == OURS or name in registry.names():
        raise UsageError(
            f"--versions {name}: this comes with the program; versions of torch are"
            " named with --torch"
        )
    return name


def _check(version: str, said: str) -> None:
    try:
        Version(version)
    except InvalidVersion:
        raise UsageError(said) from None
