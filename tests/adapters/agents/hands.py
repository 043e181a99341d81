"""Catch played by hand."""

from __future__ import annotations

import numpy

from adapters.agents.catch import BALL, CELL, CELLS, LEFT, RIGHT, STAY, Frame


def found(seen: Frame) -> tuple[int, int, int]:
    """Row and column of the ball, and the paddle's column, in a picture."""
    board = seen[::CELL, ::CELL] == BALL
    row, column = (int(at[0]) for at in numpy.nonzero(board[:-1]))
    return row, column, int(numpy.nonzero(board[-1])[0][0])


def landing(seen: Frame, before: Frame) -> int:
    """The column that the ball will land in; where it is now, if it has just been dropped."""
    row, column, _ = found(seen)
    if row == 0:
        return column
    drift = column - found(before)[1]
    for _ in range(CELLS - 1 - row):
        drift = drift if 0 <= column + drift < CELLS else -drift
        column += drift
    return column


def best(seen: Frame, before: Frame) -> int:
    """The action that brings the paddle there."""
    paddle, wanted = found(seen)[2], landing(seen, before)
    return LEFT if wanted < paddle else RIGHT if wanted > paddle else STAY
