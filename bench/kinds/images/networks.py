"""What kinds have in common whose libraries attack networks of one sort, by images. Imports no
torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters import data, registry
from adapters.base import AdapterError
from adapters.data import Facts
from adapters.models import catalogue as models
from adapters.models import custom as own_models
from adapters.models.classifiers.catalogue import NETWORKS
from bench.cases import Case
from bench.errors import UsageError
from bench.kinds.base import Ask, Kind
from bench.kinds.group import Group
from bench.kinds.images.kind import declared_shapes, files_of
from bench.kinds.offering import attacks_of
from bench.kinds.request import Request, flag
from bench.words import closest


def check_network(name: str, *more: str) -> None:
    """Look whether there is such a network: one of timm's, one that a recipe trains, or the user's.

    Args:
        name: as --models takes it.
        more: names of networks that only the kind knows.

    Raises:
        UsageError: there is none.
    """
    if own_models.is_own(name):
        try:
            own_models.check(name)
        except AdapterError as error:
            raise UsageError(str(error)) from error
        return
    if name in (*more, *NETWORKS) or not models.timm_names() or models.is_known(name):
        return
    near = closest(name, [*more, *models.names()])
    raise UsageError(
        f"unknown network {name!r}{near}; trained by recipe: {', '.join([*NETWORKS, *more])}; your"
        f" own: {own_models.EXAMPLE}"
    )


def known(where: str) -> Facts:
    """What is known of the data that --data names.

    Raises:
        UsageError: they are not there.
    """
    try:
        return data.facts(where)
    except AdapterError as error:
        raise UsageError(str(error)) from error


class OnNetworks(Kind):
    """A kind with libraries of its own subject; its groups have an `input`, the shape of images,
    which a user's network may declare."""

    def claims(self, table: Mapping[str, Any]) -> bool:
        return any(registry.subject(str(name)) == self.subject for name in table.get("libs", ()))

    def libraries(self) -> Iterable[str]:
        return [name for name in registry.names() if registry.subject(name) == self.subject]

    def offered(self, library: str) -> Iterable[str]:
        return attacks_of(library)

    def files_of(self, case: Case) -> Iterable[Path]:
        return files_of(case)

    def told(self, group: Group, request: Request, ask: Ask) -> Iterable[Group]:
        shapes = declared_shapes(group.models, request, ask)
        if not shapes:
            return (group,)
        usual: tuple[int, ...] | None = getattr(group, "input", None)
        of_model: dict[str, Any]
        found = []
        for name in group.models:
            of_model = {"models": (name,), "input": shapes.get(name, usual)}
            found.append(replace(group, **of_model))
        return found

    def only_ours(
        self, request: Request, groups: Sequence[Group], suite: str, command: str, attacks: str
    ) -> list[Group]:
        """Those groups that are of this kind, where nothing was asked that is for other attacks.

        Args:
            request: what was asked.
            groups: of every kind.
            suite: its name.
            command: of the kind's own, which takes no other groups.
            attacks: the kind's, in words.

        Raises:
            UsageError: something was.
        """
        ours = self.of(groups)
        if request.command == command and len(ours) < len(groups):
            raise UsageError(f"suite {suite} is not of {attacks}: leave it out, or use run")
        for name, given in (
            ("attack", request.own),
            ("pretrained", request.pretrained),
            ("max_batch_search", request.max_batch_search),
            ("training", request.option("training")),
        ):
            if ours and given:
                raise UsageError(f"{flag(name)} is for attacks on images: leave it out")
        return ours
