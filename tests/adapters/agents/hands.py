"""Catch played by hand."""

from __future__ import annotations

import numpy

from adapters.agents.catch import BALL, CELL, LEFT, RIGHT, STAY, Frame


def best(seen: Frame) -> int:
    """The action that brings the paddle under the ball, in a picture."""
    board = seen[::CELL, ::CELL] == BALL
    ball, paddle = (int(numpy.nonzero(part)[-1][0]) for part in (board[:-1], board[-1]))
    return LEFT if ball < paddle else RIGHT if ball > paddle else STAY
