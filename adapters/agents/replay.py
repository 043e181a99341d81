"""The most recent transitions of an agent, from which minibatches are drawn.

Each picture is kept once, not in the four observations that it is a part of.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy

from adapters.agents.environments import FRAMES, SIDE
from semibackward_bench.grammar import counted

Array = numpy.ndarray[Any, Any]
_COLUMNS = {
    "actions": numpy.int64,
    "rewards": numpy.float32,
    "terminal": numpy.bool_,
    "first": numpy.bool_,
    "last": numpy.bool_,
}
"""Of each picture: what was done then, what came of it, whether the episode was over with that;
whether it is the first of its episode, and whether nothing was done any more."""
_BLOCK = 4096
"""Pictures that are packed together."""


@dataclass(frozen=True)
class Minibatch:
    """Transitions, by number.

    Attributes:
        observations, next_observations: uint8 (N, 4, 84, 84).
        actions: int64 (N,).
        rewards: float32 (N,).
        terminal: bool (N,), whether the episode ended, so that what was seen next is worth nothing.
    """

    observations: Array
    actions: Array
    rewards: Array
    terminal: Array
    next_observations: Array


class Replay:
    """A ring of pictures with what was done at each.

    After an episode its last picture takes a place too, as it was seen next.

    Args:
        places: how many pictures are kept.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self._frames = numpy.zeros((places, SIDE, SIDE), numpy.uint8)
        self._columns: dict[str, Array] = {
            name: numpy.zeros(places, kind) for name, kind in _COLUMNS.items()
        }
        self._added = 0
        self._begins = True

    def __len__(self) -> int:
        """Pictures that are there."""
        return min(self._added, self.places)

    def add(self, frame: Array, action: int, reward: float, terminal: bool) -> None:
        """A transition.

        Args:
            frame: the newest picture of what was seen, uint8 (84, 84).
            action: that was taken then.
            reward: that came of it.
            terminal: whether the episode ended with it.
        """
        self._put(frame, action, reward, terminal, last=False)

    def end(self, frame: Array) -> None:
        """An episode is over, or is not gone on with; `frame` is the last picture of it."""
        self._put(frame, 0, 0.0, False, last=True)
        self._begins = True

    def draw(self, number: int, random: numpy.random.Generator) -> Minibatch:
        """Transitions, each as likely as any other, with replacement.

        Raises:
            ValueError: none is there.
        """
        chosen = numpy.zeros(0, numpy.int64)
        ages = numpy.arange(len(self)) if len(self) <= number else None
        if ages is not None and not self._whole(ages).any():
            raise ValueError(f"no transition is among {counted(len(self), 'picture')}")
        while len(chosen) < number:
            tried = random.integers(len(self), size=number)
            chosen = numpy.concatenate([chosen, tried[self._whole(tried)]])
        at = self._at(chosen[:number])
        columns = self._columns
        return Minibatch(
            self._observed(at),
            columns["actions"][at],
            columns["rewards"][at],
            columns["terminal"][at],
            self._observed((at + 1) % self.places),
        )

    def packed(self) -> dict[str, Array]:
        """All that is there, by name, the pictures compressed."""
        kept = {name: column[: len(self)] for name, column in self._columns.items()}
        for start in range(0, len(self), _BLOCK):
            block = self._frames[start : min(start + _BLOCK, len(self))]
            packed = zlib.compress(block.tobytes(), 1)
            kept[f"frames.{start}"] = numpy.frombuffer(packed, numpy.uint8)
        kept["added"] = numpy.array([self._added])
        return kept

    def unpack(self, kept: dict[str, Array]) -> None:
        """Take what `packed` gave; an episode begins with the next picture.

        Raises:
            ValueError: it is damaged, or of another number of places.
            KeyError: it lacks something.
        """
        self._added = int(kept["added"][0])
        for name, column in self._columns.items():
            column[: len(self)] = kept[name]
        for start in range(0, len(self), _BLOCK):
            block = self._frames[start : min(start + _BLOCK, len(self))]
            try:
                flat = zlib.decompress(kept[f"frames.{start}"].tobytes())
            except zlib.error as error:
                raise ValueError(str(error)) from error
            block[:] = numpy.frombuffer(flat, numpy.uint8).reshape(block.shape)
        self._begins = True

    def _put(self, frame: Array, action: int, reward: float, terminal: bool, *, last: bool) -> None:
        at = self._added % self.places
        self._frames[at] = frame
        values = (action, reward, terminal, self._begins, last)
        for column, value in zip(self._columns.values(), values, strict=True):
            column[at] = value
        self._added += 1
        self._begins = False

    def _whole(self, ages: Array) -> Array:
        """Whether a place holds a transition with all that was seen, by how long after the oldest
        it was filled: of the oldest some pictures before them may be gone, and after the newest
        nothing was seen yet."""
        forgotten = FRAMES - 1 if self._added > self.places else 0
        inside: Array = (ages >= forgotten) & (ages < len(self) - 1)
        return inside & ~self._columns["last"][self._at(ages)]

    def _at(self, ages: Array) -> Array:
        """Places, by how long after the oldest they were filled."""
        return (max(0, self._added - self.places) + ages) % self.places

    def _observed(self, at: Array) -> Array:
        """Each picture after the three before it; before an episode's first it is repeated."""
        places = [at]
        for _ in range(FRAMES - 1):
            newest = places[-1]
            before = numpy.where(self._columns["first"][newest], newest, newest - 1)
            places.append(before % self.places)
        observed: Array = self._frames[numpy.stack(places[::-1], 1)]
        return observed
