"""A session of a kind's command whose workers are this process."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.base import AdapterError
from bench.cases import Comparison, Status
from bench.errors import Ended
from bench.kinds.command import Progress
from bench.kinds.record import OwnRecord
from bench.kinds.request import Request


@dataclass
class Told(Progress):
    """Remembers what the user is told."""

    lines: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.lines.append(text)

    def task(self, text: str, number: int, total: int) -> None:
        self.lines.append(f"[{number}/{total}] {text}")

    def step(self, text: str) -> None:
        self.lines.append(text)


@dataclass
class Here:
    """A session whose workers are this process.

    Attributes:
        most: requests after which the user stops it.
    """

    request: Request
    comparisons: list[Comparison] = field(default_factory=list)
    ended: Mapping[tuple[str, str], Status] = field(default_factory=dict)
    patience: float = 60.0
    records: Path = Path("runs/x.jsonl")
    progress: Told = field(default_factory=Told)
    written: list[OwnRecord] = field(default_factory=list)
    most: int = 10_000
    _servers: dict[str, Any] = field(default_factory=dict)

    def ask(self, library: str, asked: dict[str, Any]) -> dict[str, Any]:
        self.most -= 1
        if self.most < 0:
            raise KeyboardInterrupt
        module, _, name = asked["server"].partition(":")
        if asked["server"] not in self._servers:
            self._servers[asked["server"]] = getattr(importlib.import_module(module), name)()
        server = self._servers[asked["server"]]
        try:
            answer: dict[str, Any] = server.answer(**asked["request"])
        except (AdapterError, ArithmeticError) as error:
            raise Ended("failed", str(error)) from error
        return answer

    def fresh(self) -> None:
        self._servers.clear()

    def write(self, record: OwnRecord) -> None:
        self.written.append(record)

    def done(self, line: str) -> set[tuple[Any, ...]]:
        return {record.key for record in self.written if record.status == "ok"}
