"""The largest batch that fits: the search itself, and with real memory."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from bench.cases import Comparison
from bench.running.batch_search import CEILING, BatchSearch, SearchFailed, search
from bench.running.pool import WorkerPool
from bench.running.process import WorkerDied, WorkerProcess
from bench.worker import protocol
from tests.cases import changed, image_case
from tests.workers import ScriptedWorker, comparison


@pytest.mark.parametrize("start", [1, 4, 64, 1000])
@pytest.mark.parametrize("largest", [1, 2, 3, 7, 30, 64, 1000, 12345])
def test_the_edge_is_found(start: int, largest: int) -> None:
    tried: list[int] = []

    def fits(size: int) -> bool:
        tried.append(size)
        return size <= largest

    good, bad = search(fits, start)
    assert bad is not None
    assert good <= largest < bad
    assert bad - good <= max(1, good // 30)
    assert len(set(tried)) == len(tried) < 40


def test_nothing_fits_and_everything_does() -> None:
    assert search(lambda size: False, 16) == (0, 1)
    assert search(lambda size: True, 16) == (CEILING, None)


class Limited(ScriptedWorker):
    """Has room for so many images of the original, and for twice as many when frozen.

    Of these a step that is not the first takes away `kept`.
    """

    def __init__(
        self, room: int, dies: bool = False, reason: str = "out-of-memory", kept: int = 0
    ) -> None:
        super().__init__()
        self.room = room
        self.dies = dies
        self.reason = reason
        self.limit: int | None = None
        self.kept = kept
        self.tried: list[tuple[int, int | None]] = []

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        if request["do"] == "limit":
            self.limit = request["count"]
            return {"ok": True}
        assert request["do"] == "try"
        asked = request["comparison"]
        steps = asked["case"]["options"]["steps"]
        self.tried.append((asked["case"]["batch"], steps))
        room = self.room * (2 if asked["variant"] == "semi-backward" else 1)
        room -= self.kept * ((steps or 1) - 1)
        if asked["case"]["batch"] <= room:
            return {"ok": True}
        if self.dies:
            raise WorkerDied("killed")
        return {"ok": False, "status": self.reason, "reason": "no room", "tainted": True}


@pytest.mark.parametrize("dies", [False, True])
def test_both_variants_are_searched(dies: bool) -> None:
    workers: list[Limited] = []

    def start(*_: str) -> Limited:
        workers.append(Limited(room=10, dies=dies))
        return workers[-1]

    found = BatchSearch(limit=12345, timeout=1.0).run(comparison(), WorkerPool(start), seed=0)
    assert found.largest == {"original": 10, "semi-backward": 20}
    assert found.failed == {"original": 11, "semi-backward": 21}
    assert found.limit == 12345
    assert {worker.limit for worker in workers} == {12345}


def tried(of: Comparison, **worker: Any) -> tuple[list[tuple[int, int | None]], Any]:
    """(batch, steps) of each try, and what was found."""
    workers: list[Limited] = []

    def start(*_: str) -> Limited:
        workers.append(Limited(**worker))
        return workers[-1]

    found = BatchSearch(limit=1, timeout=1.0).run(of, WorkerPool(start), seed=0)
    return [one for worker in workers for one in worker.tried], found


def test_batches_are_tried_in_one_step_and_what_is_found_once_as_it_was_asked() -> None:
    assert comparison().case.options.steps == 5  # type: ignore[attr-defined]
    tries, found = tried(comparison(), room=10)
    assert found.largest == {"original": 10, "semi-backward": 20}
    assert [one for one in tries if one[1] != 1] == [(10, 5), (20, 5)]
    assert len(tries) > 6


def test_what_does_not_fit_as_it_was_asked_is_searched_for_below() -> None:
    tries, found = tried(comparison(), room=100, kept=3)
    assert found.largest["original"] <= 100 - 3 * 4 < found.failed["original"]
    assert found.failed["original"] - found.largest["original"] <= 3
    assert (found.largest["original"], 5) in tries


def test_a_case_without_steps_is_tried_as_it_is() -> None:
    own = Comparison(image_case("user", "f.py:attack", steps=None), "semi-backward")
    tries, found = tried(own, room=10)
    assert {steps for _, steps in tries} == {None}
    assert found.largest["original"] == 10


def test_another_failure_is_not_taken_for_too_little_memory() -> None:
    pool = WorkerPool(lambda *_: Limited(room=10, reason="failed"))
    with pytest.raises(SearchFailed, match="batch 16: no room"):
        BatchSearch(limit=1, timeout=1.0).run(comparison(), pool, seed=0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no such limit here")
def test_a_real_worker_runs_out_of_memory_and_says_so() -> None:
    attack = "tests/data/attacks.py:hungry"  # ten million bytes an image
    case = image_case("user", attack, steps=None)
    worker = WorkerProcess()
    try:
        assert worker.ask({"do": "limit", "count": 400_000_000, "device": "cpu"}, 60.0)["ok"]
        answers = []
        for batch in (2, 200, 2):
            asked = Comparison(changed(case, batch=batch), "semi-backward")
            answers.append(worker.ask({"do": "try", **protocol.asked(asked, 0)}, 120.0))
    finally:
        worker.close()
    assert [answer.get("status") for answer in answers] == [None, "out-of-memory", None]
    assert answers[1]["tainted"]
