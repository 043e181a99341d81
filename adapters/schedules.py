"""How a learning rate moves over a training. Pure."""

from __future__ import annotations

WARMING_UP = 0.3
"""Share of the updates over which the learning rate rises; it falls over the rest."""


def share_of_rate(update: int, updates: int) -> float:
    """Of the highest learning rate: up from near 0 in a straight line, and down to it again.

    Args:
        update: its number, from 0.
        updates: how many there are.
    """
    rising = WARMING_UP * updates
    done = update + 1
    share = done / rising if done <= rising else (updates - update) / (updates - rising + 1)
    return min(1.0, share)
