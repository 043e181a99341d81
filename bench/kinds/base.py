"""What a kind of workload is: one small interface, and one folder for each kind.

A kind has two sides. The choosing side, here, says what can be asked of it and makes cases of that;
it runs in the controlling process and imports no torch. The building side makes a case ready to
run; it lives in the worker, and is found through `Options.building`. What reports say of a kind is
found through `Kind.report`.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from adapters import registry
from bench.cases import A_A, SEMI_BACKWARD, Case, Findings, Options
from bench.errors import UsageError
from bench.kinds.command import Command, Session
from bench.kinds.group import ALL, Group
from bench.kinds.offering import attacks_of
from bench.kinds.record import OwnRecord
from bench.kinds.request import Request

if TYPE_CHECKING:
    from importlib.abc import Traversable

Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""Asks a worker. What it says is wrong is a UsageError; the answer of one that dies is empty."""


class Kind(ABC):
    """A kind of workload, seen from the controlling process.

    Attributes:
        name: as records and suites have it.
        subject: what its libraries attack, as `adapters.base.Adapter.subject` has it.
        options: what it adds to a case.
        group: what it adds to a suite's products.
        findings: what its records hold beyond the common part, if anything.
        lines: lines of records of its own, by what their `kind` is.
        own: the options that it adds to the command line, by name as in suites.
        takes: those that it can be asked with: its own, and perhaps another kind's.
        hint: what follows "--option is for" where one of them is out of place.
        advises: whether a user can do to a model for good what a variant does, as `advise` tells.
        by_users: the option by which users name workloads of their own.
        duels: whether two versions of a library can be held against each other with it.
        report: "package.module:attribute", its `reports.reading.kind.KindReport`.
        commands: of its own.
    """

    name: ClassVar[str]
    subject: ClassVar[str] = "images"
    options: ClassVar[type[Options]]
    group: ClassVar[type[Group]] = Group
    findings: ClassVar[type[Findings] | None] = None
    lines: ClassVar[Mapping[str, type[OwnRecord]]] = {}
    own: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[tuple[str, ...] | None] = None
    hint: ClassVar[str] = ""
    by_users: ClassVar[str] = "attack"
    advises: ClassVar[bool] = False
    duels: ClassVar[bool] = False
    report: ClassVar[str] = "reports.reading.kind:KindReport"
    commands: ClassVar[tuple[Command, ...]] = ()

    @property
    def topics(self) -> Mapping[str, Callable[[], str]]:
        """Topics of `list`, each with what makes its text."""
        return {}

    @abstractmethod
    def cases(self, group: Group, request: Request, device: str) -> Iterable[Case]:
        """The cases of one product.

        Args:
            group: what was chosen, with what was given in its place.
            request: what was asked.
            device: torch's name of the device.

        Raises:
            UsageError: they can't be measured as asked.
        """

    def add_arguments(self, what: argparse._ArgumentGroup) -> None:
        """Add its options to what can be measured; `own` names them."""

    def add_report_arguments(self, report: argparse.ArgumentParser) -> None:
        """Add what its part of a report can be told; reports find it by name."""

    def meant(self, request: Request) -> bool:
        """Whether what was asked, without a suite, is of this kind."""
        return any(name in request.given for name in self.own)

    def meant_by_name(self, request: Request) -> bool:
        """Whether the libraries that were named are all of its subject; without any, whether its
        options are given, or attacks that only such libraries have."""
        if request.libs:
            return all(registry.subject(name) == self.subject for name in request.libs)
        if any(name in request.given for name in self.own):
            return True
        there: dict[bool, set[str]] = {True: set(), False: set()}
        for name in registry.names() if request.attacks else ():
            there[registry.subject(name) == self.subject] |= set(attacks_of(name))
        return bool(request.attacks) and set(request.attacks or ()) <= there[True] - there[False]

    def suite(self, request: Request, device: str) -> str:
        """The suite that fits where none was named.

        Raises:
            UsageError: none does.
        """
        raise UsageError(f"{self.name} workloads come from suites: name one with --suite")

    def claims(self, table: Mapping[str, Any]) -> bool:
        """Whether a suite's table that names no kind is of this one."""
        return False

    def libraries(self) -> Iterable[str]:
        """The libraries that it can be asked of."""
        return registry.names()

    def attacks(self, libraries: Iterable[str]) -> list[str]:
        """The workloads that these libraries have, by name."""
        return list(dict.fromkeys(name for library in libraries for name in attacks_of(library)))

    def regrouped(self, groups: Sequence[Group], request: Request, suite: str) -> Sequence[Group]:
        """A suite's groups, where what was asked makes others of them.

        Raises:
            UsageError: nothing is left.
        """
        return groups

    def given(self, group: Group, request: Request) -> Group:
        """A group of this kind with what was given in its place."""
        names = {f.name for f in dataclasses.fields(group)}
        shared = {
            name: getattr(request, name)
            for name in ("libs", "attacks", "models", "batch", "dtype", "variants", "baseline")
        }
        said = {name: value for name, value in shared.items() if value is not None}
        said |= {name: _plain(value) for name, value in request.given.items() if name in names}
        return dataclasses.replace(group, **said)

    def offered(self, library: str) -> Iterable[str]:
        """The workloads that are this library's."""
        return self.attacks([library])

    def usual_attack(self, library: str) -> str | None:
        """The attack that stands for a library where none was named; None if it has none."""
        return next(iter(self.offered(library)), None)

    def attacks_for(self, library: str, group: Group, groups: Sequence[Group]) -> tuple[str, ...]:
        """What of a group a library is asked for, where no attacks were named.

        Args:
            library: one that was named.
            group: of this kind.
            groups: all of a suite's that are of this kind. A library that has none of their attacks
                is asked for its usual one.
        """
        there = {ALL, *self.attacks([library])}
        if not any(there & set(each.attacks) for each in groups):
            usual = self.usual_attack(library)
            return () if usual is None else (usual,)
        return tuple(name for name in group.attacks if name in there)

    def told(self, group: Group, request: Request, ask: Ask) -> Iterable[Group]:
        """A group with what only a worker can tell of it; it may become several.

        Args:
            group: with what was given in its place.
            request: what was asked.
            ask: asks a worker.

        Raises:
            UsageError: what is told can't be measured.
        """
        return (group,)

    def check_names(self, request: Request) -> None:
        """Check the kind's own options, before anything slow.

        Raises:
            UsageError: a name is unknown, or a file is missing.
        """

    def check_models(self, names: Iterable[str]) -> None:
        """Check what a case's model may be.

        Raises:
            UsageError: there is no such model.
        """

    def check(self, request: Request, groups: Sequence[Group], suite: str) -> None:
        """Look whether what was asked makes sense of these groups.

        Args:
            request: what was asked.
            groups: of every kind.
            suite: its name.

        Raises:
            UsageError: it does not.
        """

    def make_ready(self, session: Session, cases: Sequence[Case]) -> None:
        """Make what its cases lack, before any is measured; what can't be made, they will say.

        Args:
            session: what to work with.
            cases: of this kind.
        """

    def fitting(self, case: Case) -> tuple[str, ...]:
        """Every variant that a case can be held against its baseline in, and every part that such
        a variant can be made of."""
        return (SEMI_BACKWARD, A_A)

    def usual(self, case: Case) -> tuple[str, ...]:
        """Those that it is measured in if none is named."""
        return (SEMI_BACKWARD,)

    def files(self, request: Request) -> Iterable[Path]:
        """Files of the user's that its options name and that are measured."""
        return ()

    def files_of(self, case: Case) -> Iterable[Path]:
        """Files of the user's that a case names and that are measured."""
        return ()

    def from_schema_1(self, case: dict[str, Any]) -> dict[str, Any] | None:
        """The options of a case as the first version of records had it; None if it is no such case.

        What they are made of is taken out of the case.
        """
        return None

    def lift_findings(self, found: dict[str, Any]) -> None:
        """Make findings of what the first version of records had of this kind beside the rest.

        Args:
            found: a line, or what was prepared; changed in place.
        """

    def suites(self) -> Traversable | None:
        """The folder of the suites that come with it; None without one."""
        package = sys.modules[type(self).__module__].__package__
        return resources.files(package).joinpath("suites") if package else None

    def of(self, groups: Sequence[Group]) -> list[Group]:
        """Those of this kind."""
        return [group for group in groups if group.kind == self.name]


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
