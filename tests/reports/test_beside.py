"""Work that another process does meanwhile, and the page that is made so."""

from __future__ import annotations

import os
import sys

import pytest

from bench.records import reading
from reports.formats import page
from reports.reading.beside import beside
from tests.places import MACHINE

copies = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2,
    reason="only Linux with two cores copies a process",
)


@copies
def test_the_work_is_done_in_another_process() -> None:
    with beside(os.getpid) as answer:
        assert answer() != os.getpid()


def test_without_a_second_core_it_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "somewhere else")
    with beside(os.getpid) as answer:
        assert answer() == os.getpid()


def test_what_it_raises_is_raised_here() -> None:
    def work() -> None:
        raise ZeroDivisionError("by nobody")

    with beside(work) as answer, pytest.raises(ZeroDivisionError, match="by nobody"):
        answer()


@copies
def test_an_end_from_outside_is_told() -> None:
    with (
        beside(lambda: os._exit(1)) as answer,
        pytest.raises(RuntimeError, match="ended from outside"),
    ):
        answer()


def test_the_page_is_the_same_to_the_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [reading.read(MACHINE / "controls.jsonl")]
    alone = page.render(runs)
    monkeypatch.setattr(page, "_MANY", 0)
    assert page.render(runs) == alone
