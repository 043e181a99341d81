"""The transitions that minibatches are drawn from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy
import pytest

from adapters.agents import replay
from adapters.agents.replay import Minibatch, Replay


def frame(number: int) -> replay.Array:
    """A picture that tells which it is."""
    return numpy.full((84, 84), number, numpy.uint8)


def filled(lengths: list[int], places: int) -> Replay:
    """Episodes of so many steps; picture n is seen at step n of all, and the action is n too."""
    kept, number = Replay(places), 0
    for length in lengths:
        for step in range(length):
            kept.add(frame(number), number, float(number), terminal=step == length - 1)
            number += 1
        kept.end(frame(number))
        number += 1
    return kept


def rows(drawn: Minibatch) -> Iterator[tuple[int, list[int], list[int], bool]]:
    """Of each transition: action, numbers of the pictures seen and seen next, whether it ends."""
    for row in range(len(drawn.actions)):
        seen, following = drawn.observations[row, :, 0, 0], drawn.next_observations[row, :, 0, 0]
        yield int(drawn.actions[row]), seen.tolist(), following.tolist(), bool(drawn.terminal[row])


def all_of(kept: Replay) -> dict[int, tuple[list[int], list[int], bool]]:
    drawn = kept.draw(400, numpy.random.default_rng(0))
    assert (drawn.rewards == drawn.actions).all()
    return {action: (seen, following, ends) for action, seen, following, ends in rows(drawn)}


def test_no_picture_of_another_episode_is_seen() -> None:
    assert all_of(filled([3, 2], places=20)) == {
        0: ([0, 0, 0, 0], [0, 0, 0, 1], False),
        1: ([0, 0, 0, 1], [0, 0, 1, 2], False),
        2: ([0, 0, 1, 2], [0, 1, 2, 3], True),
        4: ([4, 4, 4, 4], [4, 4, 4, 5], False),
        5: ([4, 4, 4, 5], [4, 4, 5, 6], True),
    }


def test_of_what_was_overwritten_nothing_is_seen() -> None:
    """Fifteen pictures in ten places: the oldest is the fifth, and it takes four to see."""
    found = all_of(filled([14], places=10))
    assert set(found) == set(range(8, 14))
    assert found[8] == ([5, 6, 7, 8], [6, 7, 8, 9], False)
    assert found[13] == ([10, 11, 12, 13], [11, 12, 13, 14], True)


def test_what_comes_after_the_newest_is_not_known_yet() -> None:
    kept = Replay(10)
    for number in range(3):
        kept.add(frame(number), number, float(number), terminal=False)
    assert set(all_of(kept)) == {0, 1}


def test_transitions_are_drawn_alike() -> None:
    drawn = filled([2, 2], places=20).draw(2_000, numpy.random.default_rng(0))
    shares = numpy.unique(drawn.actions, return_counts=True)[1] / 2_000
    assert shares == pytest.approx([0.25] * 4, abs=0.03)


def test_nothing_can_be_drawn_from_nothing() -> None:
    kept = Replay(10)
    kept.end(frame(0))
    with pytest.raises(ValueError, match="no transition is among 1 picture"):
        kept.draw(2, numpy.random.default_rng(0))


@pytest.mark.parametrize("lengths", [[3, 2], [14], [6, 6, 6]])
def test_what_was_packed_is_there_again(
    lengths: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "_BLOCK", 4)
    kept, again = filled(lengths, places=10), Replay(10)
    again.unpack(kept.packed())
    for one in (kept, again):
        for number in range(3):
            one.add(frame(100 + number), number, 1.0, terminal=False)
    drawn, second = (one.draw(50, numpy.random.default_rng(1)) for one in (kept, again))
    for name in Minibatch.__dataclass_fields__:
        assert (getattr(drawn, name) == getattr(second, name)).all(), name


def test_damaged_pictures_are_told() -> None:
    packed = filled([3], places=10).packed()
    packed["frames.0"] = packed["frames.0"][:-9]
    with pytest.raises(ValueError):
        Replay(10).unpack(packed)
