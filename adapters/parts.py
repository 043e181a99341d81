"""Pictures in files, to train on or to test on, and what is said where they can't be read. Imports
no torch, and opens no picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from adapters.base import AdapterError


@dataclass(frozen=True)
class Part:
    """Pictures to train on, or to test on.

    Attributes:
        files: of the pictures.
        labels: the class of each, from 0.
    """

    files: tuple[Path, ...]
    labels: tuple[int, ...]


def lines(file: Path, title: str, place: Path) -> list[str]:
    """Of a list that a data set comes with.

    Args:
        file: the list.
        title: of the data set.
        place: its own folder.

    Raises:
        AdapterError: it can't be read.
    """
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or type(error).__name__
        raise unreadable(place, title, f"{file.name}: {said}") from error


def unreadable(place: Path, title: str, said: str) -> AdapterError:
    """What to raise of a data set.

    Args:
        place: its own folder.
        title: of the data set.
        said: what is wrong with it.
    """
    return AdapterError(
        f"--data {place}: {title} can't be read: {said}; the folder must be as its authors packed"
        " it"
    )
