"""A shard of what was asked, as --shard names it. Imports nothing heavy."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

OPTION = "--shard"
TASK = "SLURM_ARRAY_TASK_ID"
"""Where Slurm tells a job which task of its array it is."""
_SHORTEST = len("--sh")
"""Of what argparse takes for the option: others begin with the letter before."""
_MOST = 1_000_000


@dataclass(frozen=True)
class Shard:
    """One of several parts that together are everything, and have nothing in common.

    Attributes:
        number: which, from 1 on.
        count: how many there are.
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def parse(text: str) -> Shard:
    """A shard, "3/32"; or "32" alone, in a job array of Slurm, whose task then says which.

    Raises:
        ArgumentTypeError: it is none.
    """
    found = re.fullmatch(r"(?:(\d{1,9})/)?(\d{1,9})", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no shard; give which of how many, such as 3/32"
        )
    count = int(found[2])
    if not 1 <= count <= _MOST:
        raise argparse.ArgumentTypeError(f"{text} is too few or too many; give from 1 to {_MOST}")
    if found[1] is None:
        return Shard(_task(count), count)
    if not 1 <= int(found[1]) <= count:
        raise argparse.ArgumentTypeError(
            f"{text}: there is no shard {found[1]} of {count}; they count from 1 to {count}"
        )
    return Shard(int(found[1]), count)


def _task(count: int) -> int:
    """The task of the job array that this is."""
    told = os.environ.get(TASK)
    if not told:
        raise argparse.ArgumentTypeError(
            f"{count} says how many and not which, and there is no {TASK} here that would; give"
            f" both, such as 1/{count}"
        )
    if re.fullmatch(r"\d{1,9}", told, re.ASCII) is None or not 1 <= int(told) <= count:
        raise argparse.ArgumentTypeError(
            f"{TASK} is {told!r}, and there are shards 1 to {count}; ask for"
            f" #SBATCH --array=1-{count}, or give both numbers, such as 1/{count}"
        )
    return int(told)


def spelt_out(words: Sequence[str], shard: Shard | None) -> list[str]:
    """A command line that says which shard it was, whichever job gives it again.

    Args:
        words: of the command line.
        shard: that it came to.
    """
    words = list(words)
    place = _place(words)
    if shard is not None and place is not None:
        number, before = place
        words[number] = f"{before}{shard}"
    return words


def recorded(words: Sequence[str]) -> str | None:
    """The shard that a command line names; None where it names none."""
    place = _place(words)
    return None if place is None else words[place[0]].removeprefix(place[1])


def _place(words: Sequence[str]) -> tuple[int, str] | None:
    """Which word has the shard, and what stands before it in that word."""
    found = None
    for number, word in enumerate(words):
        name, equals, _ = word.partition("=")
        if len(name) >= _SHORTEST and OPTION.startswith(name):
            found = (number, f"{name}=") if equals else (number + 1, "")
    return found if found is not None and found[0] < len(words) else None
