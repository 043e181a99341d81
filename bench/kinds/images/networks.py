"""What kinds have in common whose libraries attack networks of one sort, by images. Imports no
torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters import registry
from bench.cases import Case
from bench.errors import UsageError
from bench.kinds.base import Ask, Kind
from bench.kinds.group import Group
from bench.kinds.images.kind import declared_shapes, files_of
from bench.kinds.offering import attacks_of
from bench.kinds.request import Request, flag


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
