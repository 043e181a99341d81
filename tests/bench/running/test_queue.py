"""Which slot gets which comparison, from one thread and from many."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from bench.records.slot import Slot
from bench.records.types import ProcessRecord
from bench.running.under_way import Place, Queue, State
from bench.statistics.conditions import Conditions
from tests.workers import PREPARED, comparison

HERE: Place = ("here", 0, "GPU-0")
THERE: Place = ("there", 0, "GPU-1")
PATIENCE = 30.0
"""Seconds after which a thread that does not end hangs."""


def state(library: str, model: str = "resnet18", place: Place | None = None) -> State:
    made = State(comparison(library, model))
    if place is not None:
        made.parts.append(part(made, place))
    return made


def part(of: State, place: Place) -> ProcessRecord:
    from bench.records import parsing

    case = of.comparison.case
    return ProcessRecord(
        case.id,
        of.comparison.variant,
        0,
        parsing.prepared(PREPARED),
        [],
        "precise",
        0,
        True,
        Conditions(2, 0.0, 0.0, None),
        1.0,
        slot=Slot(*place),
    )


def queue(states: list[State], *places: Place | None) -> Queue:
    return Queue(states, dict(enumerate(places or (None,))))


def in_threads(*work: Callable[[], object]) -> None:
    """Run all at once, to their ends."""
    threads = [threading.Thread(target=one, daemon=True) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "a slot waits for ever"


def test_a_slot_stays_with_its_library_as_long_as_that_has_cases() -> None:
    states = [state(name, model) for model in "abc" for name in ("foolbox", "art")]
    to_do = queue(states, None, None)
    got: dict[int, list[str]] = {0: [], 1: []}
    for _ in range(3):
        for slot, names in got.items():
            found = to_do.take(slot, wait=False)
            assert found is not None
            names.append(found.comparison.case.library)
    assert got == {0: ["foolbox"] * 3, 1: ["art"] * 3}
    assert to_do.take(0, wait=False) is None


def test_a_slot_without_a_library_goes_where_the_fewest_are() -> None:
    states = [state(name, model) for name in ("foolbox", "art") for model in "abcd"]
    to_do = queue(states, None, None, None)
    found = [to_do.take(slot, wait=False) for slot in range(3)]
    libraries = Counter(one.comparison.case.library for one in found if one is not None)
    assert libraries == {"foolbox": 2, "art": 1}


@pytest.mark.parametrize("seed", range(5))
def test_under_threads_every_comparison_is_handed_out_and_ended_once(seed: int) -> None:
    """Slots take, end, give back and leave at random, but for one that always stays."""
    states = [state(name, str(n)) for n in range(60) for name in ("foolbox", "art", "ours")]
    slots = 12
    to_do = queue(states, *[None] * slots)
    ended: Counter[int] = Counter()
    noting = threading.Lock()

    def work(slot: int) -> None:
        drawn = random.Random(100 * seed + slot)
        mine: list[State] = []
        while (found := to_do.take(slot, wait=not mine)) is not None or mine:
            if found is not None:
                mine.append(found)
            if slot and drawn.random() < 0.03:
                to_do.give_back(slot, mine)
                return
            if found is None or drawn.random() < 0.5:
                with noting:
                    ended.update(id(one) for one in mine)
                mine.clear()

    in_threads(*(lambda slot=slot: work(slot) for slot in range(slots)))
    assert ended == {id(one): 1 for one in states}
    assert to_do.left() == 0


def test_what_a_lost_slot_had_wakes_one_that_waits() -> None:
    to_do = queue([state("foolbox")], None, None)
    taken = to_do.take(0, wait=False)
    assert taken is not None
    got: list[State | None] = []
    begun = threading.Event()

    def waits() -> None:
        begun.set()
        got.append(to_do.take(1, wait=True))
        got.append(to_do.take(1, wait=True))

    def is_lost() -> None:
        begun.wait(PATIENCE)
        to_do.give_back(0, [taken])

    in_threads(waits, is_lost)
    assert got == [taken, None]


def test_those_that_wait_end_when_nobody_can_give_anything_back() -> None:
    to_do = queue([state("foolbox")], None, None, None)
    taken = to_do.take(0, wait=False)
    got: list[State | None] = []
    ends = [lambda slot=slot: got.append(to_do.take(slot, wait=True)) for slot in range(3)]
    in_threads(*ends)
    assert got == [None] * 3
    assert taken is not None


def test_stop_ends_those_that_wait_and_those_to_come() -> None:
    to_do = queue([state("foolbox"), state("art")], None, None)
    assert to_do.take(0, wait=False) is not None
    assert to_do.take(0, wait=False) is not None
    got: list[State | None] = []
    in_threads(lambda: got.append(to_do.take(1, wait=True)), to_do.stop)
    assert got == [None]
    assert to_do.stopped
    to_do.give_back(0, [state("ours")])
    assert to_do.take(1, wait=True) is None


def test_what_has_begun_goes_to_the_slot_that_has_its_place() -> None:
    begun = [state("foolbox", model, place) for model in "ab" for place in (HERE, THERE)]
    to_do = queue([*begun, state("foolbox", "c")], HERE, THERE)
    for slot, place in enumerate((HERE, THERE)):
        for _ in range(2):
            found = to_do.take(slot, wait=False)
            assert found is not None
            assert found.place == place
    assert to_do.left() == 1


def test_what_has_begun_where_nobody_is_any_more_goes_to_anybody() -> None:
    begun = state("foolbox", place=("gone", 3, None))
    to_do = queue([begun], HERE)
    assert to_do.take(0, wait=False) is begun
    begun.keep_those_of(HERE)
    assert begun.parts == []


def test_what_a_lost_slot_had_begun_before_is_for_others() -> None:
    bound = state("foolbox", place=HERE)
    to_do = queue([bound], HERE, THERE)
    to_do.give_back(0, [])
    assert to_do.take(1, wait=False) is bound


@pytest.mark.parametrize("place", [HERE, None])
def test_what_ran_in_the_same_place_is_kept(place: Place | None) -> None:
    begun = state("foolbox", place=HERE)
    begun.keep_those_of(place)
    assert len(begun.parts) == 1


def test_elsewhere_also_what_was_given_up_is_tried_anew() -> None:
    begun = state("foolbox", place=HERE)
    begun.beside.append(part(begun, HERE))
    begun.given_up = "it was killed"
    begun.keep_those_of(THERE)
    assert not begun.parts
    assert not begun.beside
    assert begun.given_up is None
