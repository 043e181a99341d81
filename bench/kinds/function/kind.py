"""Workloads that a `setup` makes: what can be asked of them, and the cases. Imports no torch."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from adapters import custom
from adapters.base import AdapterError
from adapters.workloads import custom as workloads
from adapters.workloads.base import EXAMPLE
from bench.cases import AS_BUILT, Case
from bench.errors import UsageError
from bench.kinds.base import Ask, Kind
from bench.kinds.function.findings import FunctionFindings
from bench.kinds.function.options import FunctionOptions
from bench.kinds.group import ALL, Group
from bench.kinds.offering import attacks_of
from bench.kinds.request import Request

BEYOND = "beyond"
"""The library of the workloads that are shipped, and the suite of all of them."""
OWN = "workload"
"""The suite of a user's own."""
TAKEN = "bench.kinds.function.building.taking:Server"
"""What tells in a worker what a `setup` takes."""


class Named(NamedTuple):
    """One workload, by the name of its library and its own."""

    library: str
    name: str


@dataclass(frozen=True, kw_only=True)
class FunctionGroup(Group):
    """A product of workloads.

    Attributes:
        workload: users' own, each FILE.py:setup or package.module:setup.
        batch: handed to those that take one; empty for what each has by itself.
    """

    libs: tuple[str, ...] = ()
    attacks: tuple[str, ...] = (ALL,)
    models: tuple[str, ...] = (AS_BUILT,)
    batch: tuple[int, ...] = ()
    workload: tuple[str, ...] = ()
    kind: str = "function"


class FunctionKind(Kind):
    """Steps of whatever program, with networks that they only pass through."""

    name = "function"
    subject = "functions"
    options = FunctionOptions
    group = FunctionGroup
    findings = FunctionFindings
    own = ("workload",)
    by_users = "workload"
    hint = "workloads, which no other suite has: leave that out, or the suite"
    advises = True
    duels = True
    report = "reports.kinds.function.report:FunctionReport"

    def add_arguments(self, what: argparse._ArgumentGroup) -> None:
        what.add_argument(
            "--workload",
            nargs="+",
            metavar="SPEC",
            help="a step of your own program that passes through networks it does not train, as"
            " FILE.py:setup or package.module:setup; docs/functions.md tells what that returns",
        )

    def meant(self, request: Request) -> bool:
        return self.meant_by_name(request)

    def suite(self, request: Request, device: str) -> str:
        return OWN if request.option("workload") and not request.libs else BEYOND

    def claims(self, table: Mapping[str, Any]) -> bool:
        return "workload" in table

    def given(self, group: Group, request: Request) -> Group:
        found = super().given(group, request)
        assert isinstance(found, FunctionGroup)
        if request.option("workload") and not request.libs:
            return replace(found, libs=(), attacks=(ALL,))
        return found

    def check_names(self, request: Request) -> None:
        for text in request.option("workload") or ():
            _parsed(text)
        if request.option("workload") and request.attacks and not request.libs:
            raise UsageError(
                "--attacks names workloads that are shipped: leave it out beside --workload, or add"
                f" --libs {BEYOND}"
            )

    def check_models(self, names: Iterable[str]) -> None:
        if any(name != AS_BUILT for name in names):
            raise UsageError("--models is for attacks: a workload brings its own networks")

    def check(self, request: Request, groups: Sequence[Group], suite: str) -> None:
        ours = self.of(groups)
        for group in ours:
            assert isinstance(group, FunctionGroup)
            if not group.libs and not group.workload:
                raise UsageError(
                    f"suite {suite} is for a workload of your own: name it with --workload"
                    f" {EXAMPLE}"
                )
            for text in group.workload:
                _parsed(text)
        for name, given in (
            ("attack", request.own),
            ("weights", request.weights),
            ("pretrained", request.pretrained),
            ("max-batch-search", request.max_batch_search),
        ):
            if ours and given:
                raise UsageError(f"--{name} is for attacks, not for workloads: leave it out")

    def told(self, group: Group, request: Request, ask: Ask) -> Iterable[Group]:
        """A group for each workload, with the batch sizes that it takes.

        Raises:
            UsageError: --batch or --dtype was given, and a workload takes none.
        """
        assert isinstance(group, FunctionGroup)
        asked = list(_named(group))
        wanted = {
            "do": "own",
            "server": TAKEN,
            "request": {"workloads": [[one.library, one.name] for one in asked]},
        }
        found: Mapping[str, Any] = ask(wanted).get("taken", {})
        return [_alone(group, one, found.get(one.name), request) for one in asked]

    def files(self, request: Request) -> Iterable[Path]:
        return _files(request.option("workload") or ())

    def files_of(self, case: Case) -> Iterable[Path]:
        return _files([case.attack] if case.library == custom.LIBRARY else [])

    def cases(self, group: Group, request: Request, device: str) -> Iterable[Case]:
        assert isinstance(group, FunctionGroup)
        for one in _named(group):
            for batch in group.batch or (1,):
                yield Case(
                    *(one.library, one.name, AS_BUILT, batch, group.dtype, device),
                    FunctionOptions(),
                    weights=AS_BUILT,
                )


def _named(group: FunctionGroup) -> Iterable[Named]:
    for library in group.libs:
        offered = attacks_of(library)
        wanted = offered if ALL in group.attacks else group.attacks
        for name in dict.fromkeys(wanted):
            if name in offered:
                yield Named(library, name)
    for text in group.workload:
        yield Named(custom.LIBRARY, text)


def _alone(
    group: FunctionGroup, one: Named, taken: Mapping[str, Any] | None, request: Request
) -> FunctionGroup:
    """A group of one workload.

    Args:
        group: what it is of.
        one: which.
        taken: what its `setup` takes; None where that could not be seen, of which its case tells.
        request: what was asked.

    Raises:
        UsageError: something was asked that it does not take.
    """
    users = one.library == custom.LIBRARY
    found = replace(
        group,
        libs=() if users else (one.library,),
        attacks=group.attacks if users else (one.name,),
        workload=(one.name,) if users else (),
    )
    if taken is None:
        return found
    for name, given in (("batch", request.batch), ("dtype", request.dtype)):
        if given and given != (1,) and name not in taken["names"]:
            what = one.name if users else f"{one.library} {one.name}"
            raise UsageError(
                f"--{name}: {what} takes no `{name}`; leave it out"
                + (", or add that parameter to it" if users else "")
            )
    if "batch" not in taken["names"]:
        return replace(found, batch=())
    usual = () if taken["batch"] is None else (taken["batch"],)
    return replace(found, batch=group.batch or usual)


def _parsed(text: str) -> custom.AttackSpec:
    try:
        return workloads.parse(text)
    except AdapterError as error:
        raise UsageError(str(error)) from error


def _files(texts: Iterable[str]) -> Iterable[Path]:
    return [Path(spec.place) for spec in map(_parsed, texts) if spec.is_file]
