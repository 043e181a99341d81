"""Waiting until other programs leave the cores that a block needs."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from bench.running import pauses
from bench.running.pauses import AT_ONCE, Pauses
from tests.workers import FEWEST_BLOCKS, Notes, ScriptedWorker, comparison, runner


class Machine:
    """A clock that only sleeping moves, and cores that others keep busy.

    Args:
        others: how many, at a time.
    """

    def __init__(self, others: Callable[[float], float]) -> None:
        self.now = 0.0
        self.spent = 0.0
        self.told = 0
        self._others = others

    def sleep(self, seconds: float) -> None:
        self.spent += self._others(self.now) * seconds
        self.now += seconds

    def tell(self) -> None:
        self.told += 1

    def pauses(self, seconds: float = 100.0, threads: int = 2, cores: int = 2) -> Pauses:
        return Pauses(
            seconds,
            threads,
            cores=cores,
            busy=lambda: self.spent,
            clock=lambda: self.now,
            sleep=self.sleep,
        )


def test_a_quiet_machine_costs_one_look() -> None:
    machine = Machine(lambda now: 0.02)
    found = machine.pauses()
    found.wait(machine.tell)
    assert machine.now == pauses.WINDOW
    assert (found.waited, machine.told) == (0.0, 0)


def test_it_returns_when_the_other_program_pauses() -> None:
    machine = Machine(lambda now: 1.0 if now < 3.0 else 0.0)
    found = machine.pauses()
    found.wait(machine.tell)
    assert machine.now == pytest.approx(3.0 + pauses.WINDOW, abs=1.5 * pauses.WINDOW)
    assert found.waited == pytest.approx(machine.now)
    assert machine.told == 1


def test_what_never_pauses_is_not_waited_for_for_ever() -> None:
    machine = Machine(lambda now: 1.0)
    found = machine.pauses(seconds=2.5 * AT_ONCE)
    ends = []
    for _ in range(5):
        found.wait(machine.tell)
        ends.append(machine.now)
    waits = [later - earlier for earlier, later in itertools.pairwise([0.0, *ends])]
    assert waits == pytest.approx([AT_ONCE, AT_ONCE, AT_ONCE / 2, 0, 0], abs=2 * pauses.WINDOW)


@pytest.mark.parametrize(
    ("others", "threads", "cores", "waits"),
    [(3.0, 4, 8, False), (5.0, 4, 8, True), (1.0, 1, 2, False), (1.0, 16, 8, True)],
)
def test_only_cores_that_a_block_needs_are_waited_for(
    others: float, threads: int, cores: int, waits: bool
) -> None:
    machine = Machine(lambda now: others)
    found = machine.pauses(threads=threads, cores=cores)
    found.wait(machine.tell)
    assert bool(machine.told) is waits


def test_where_nobody_tells_nothing_is_waited_for() -> None:
    machine = Machine(lambda now: 1.0)
    found = Pauses(
        100.0, 2, cores=2, busy=lambda: None, clock=lambda: machine.now, sleep=machine.sleep
    )
    found.wait(machine.tell)
    assert (found.waited, machine.told) == (0.0, 0)


def test_a_process_and_each_of_its_blocks_wait() -> None:
    asked = []

    class Counted(Pauses):
        def wait(self, told: Callable[[], object] = lambda: None) -> None:
            asked.append(len(worker.orders))

    worker = ScriptedWorker(lambda letter, run: 1.5 if letter == "A" else 1.0)
    measuring = runner(worker, processes=1)
    measuring.slots[0].pauses = Counted(1.0, 1)
    measuring.run([comparison()], Notes())
    warmup = len(worker.orders) - FEWEST_BLOCKS
    assert asked == [0, *range(warmup, len(worker.orders))]


def test_waiting_is_no_measuring_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    class Slow(Pauses):
        def wait(self, told: Callable[[], object] = lambda: None) -> None:
            nonlocal now
            now += 1e3

    monkeypatch.setattr("bench.running.measuring.time.perf_counter", lambda: now)
    measuring = runner(ScriptedWorker(), processes=1, max_seconds=60.0, timeout=1e9)
    measuring.slots[0].pauses = Slow(1.0, 1)
    (record,) = measuring.run([comparison()], Notes())
    assert record.stop_reason == "precise"
