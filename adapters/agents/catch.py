"""Catch: balls fall from the top, and a paddle at the bottom is to be under each.

Imports gymnasium. A small game of pixels, as Mnih et al. 2014, "Recurrent Models of Visual
Attention", and bsuite (Osband et al. 2020) have it.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy

CELLS = 7
"""Rows and columns of the board."""
CELL = 12
"""Pixels of a cell's side."""
PADDLE = 1
"""Cells that the paddle is wide."""
BALLS = 10
"""Of an episode, one after the other."""
STAY, LEFT, RIGHT = range(3)
"""The actions: where the paddle moves, by one cell."""
BOARD, BALL = 0, 160
"""Grey levels, of what is empty and of what is not. A brighter ball is learnt sooner, but λ must be
larger to hide it."""

Frame = numpy.ndarray[Any, numpy.dtype[numpy.uint8]]


class Catch(gymnasium.Env[Frame, Any]):
    """A ball falls by a row a step; whoever is under it in the last row gets a reward of 1.

    An observation is a grey picture, uint8 of shape (84, 84). An episode ends after `BALLS` balls,
    so that its rewards come to between 0 and `BALLS`.
    """

    def __init__(self) -> None:
        side = CELLS * CELL
        self.observation_space = gymnasium.spaces.Box(0, 255, (side, side), numpy.uint8)
        self.action_space = gymnasium.spaces.Discrete(3)
        self._balls = self._row = self._column = self._paddle = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frame, dict[str, Any]]:
        super().reset(seed=seed)
        self._balls = 0
        self._paddle = int(self.np_random.integers(CELLS - PADDLE + 1))
        self._drop()
        return self._seen(), {}

    def step(self, action: int) -> tuple[Frame, float, bool, bool, dict[str, Any]]:
        moved = self._paddle + {STAY: 0, LEFT: -1, RIGHT: 1}[int(action)]
        self._paddle = min(max(moved, 0), CELLS - PADDLE)
        self._row += 1
        reward = 0.0
        if self._row == CELLS - 1:
            reward = float(self._paddle <= self._column < self._paddle + PADDLE)
            self._balls += 1
            self._drop()
        return self._seen(), reward, self._balls == BALLS, False, {}

    def _drop(self) -> None:
        """The next ball is in the top row."""
        self._row = 0
        self._column = int(self.np_random.integers(CELLS))

    def _seen(self) -> Frame:
        board = numpy.full((CELLS, CELLS), BOARD, numpy.uint8)
        board[self._row, self._column] = BALL
        board[-1, self._paddle : self._paddle + PADDLE] = BALL
        return board.repeat(CELL, 0).repeat(CELL, 1)
