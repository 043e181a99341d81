"""Ratios of several environments: a process of each in turn, with workers that a script stands in
for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.cases import Comparison
from bench.choosing.suites import Limits
from bench.kinds.request import Request
from bench.matrix import timing
from bench.matrix.asked import Library
from bench.matrix.environments import Base, NotInstalled, Planned
from bench.matrix.filling import Block
from bench.matrix.timing import Timing
from bench.records.matrix import CellRecord
from bench.running.progress import PlainProgress
from tests.cases import image_case
from tests.workers import ScriptedWorker

ASKED = Comparison(image_case(), "semi-backward")
GONE = "gone"


@dataclass
class Here:
    """What `Timing` asks of a session, and its journal."""

    limits: Limits = field(
        default_factory=lambda: Limits(precision=0.02, max_seconds=60, processes=2)
    )
    request: Request = field(default_factory=Request)
    progress: PlainProgress = field(default_factory=PlainProgress)
    pauses: None = None
    cells: list[CellRecord] = field(default_factory=list)

    @property
    def journal(self) -> Here:
        return self

    def append(self, cell: CellRecord) -> None:
        self.cells.append(cell)


class Environments:
    """Those of every torch but one."""

    @contextlib.contextmanager
    def base(self, planned: Planned) -> Iterator[Base]:
        if planned.torch == GONE:
            raise NotInstalled("it is gone")
        yield Base(planned, Path(planned.torch), {})

    def layer(self, base: Base, library: Library) -> None:
        return None


def timed(monkeypatch: pytest.MonkeyPatch, *torches: str) -> tuple[list[str], list[CellRecord]]:
    """The torch of each process in the order of their starts, and the cells."""
    started: list[str] = []

    def starting(base: Base, layer: Any, jobs: int) -> Any:
        def start(*_: str) -> ScriptedWorker:
            started.append(base.planned.torch)
            return ScriptedWorker()

        return start

    monkeypatch.setattr(timing, "starting", starting)
    monkeypatch.setattr(timing, "installed", lambda pool, case: {"python": "3.10"})
    here: Any = Here()
    environments: Any = Environments()
    blocks = [Block(Planned(torch, torch), Library(), (ASKED,)) for torch in torches]
    Timing(here, environments).run(blocks)
    return started, here.cells


def test_a_process_of_each_environment_before_any_has_its_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started, cells = timed(monkeypatch, "1.0", "2.0", "3.0")
    assert started[:6] == ["1.0", "2.0", "3.0", "1.0", "2.0", "3.0"]
    assert [cell.torch for cell in cells] == ["1.0", "2.0", "3.0"]
    for cell in cells:
        assert cell.answer.speedup is not None  # type: ignore[union-attr]
        assert cell.answer.speedup.estimate == pytest.approx(1.5)  # type: ignore[union-attr]


def test_what_can_t_be_had_keeps_no_other_from_being_timed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, cells = timed(monkeypatch, "1.0", GONE)
    assert [cell.torch for cell in cells] == ["1.0"]
