"""CUB-200-2011 (Wah et al. 2011) in a folder that the user has: which file is which bird, for
training or for testing. Imports no torch, and opens no picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from adapters.base import AdapterError

FOLDER = "CUB_200_2011"
CLASSES = 200
SIZE = 224
"""Side of the images, in pixels: the shorter side is scaled to it, and the centre kept."""
IMAGES = "images"

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """Pictures to train on, or to test on.

    Attributes:
        files: of the pictures.
        labels: the class of each, from 0.
    """

    files: tuple[Path, ...]
    labels: tuple[int, ...]


def read(place: Path) -> tuple[Part, Part]:
    """Those to train on, and those to test on.

    Args:
        place: the data set's own folder.

    Raises:
        AdapterError: a list can't be read or does not fit the others, or there is nothing to train
            on, or to test on.
    """
    names = _list(place, "images.txt", str)
    labels = _list(place, "image_class_labels.txt", _class)
    training = _list(place, "train_test_split.txt", _flag)
    for other, name in ((labels, "image_class_labels.txt"), (training, "train_test_split.txt")):
        odd = sorted(names.keys() ^ other.keys())
        if odd:
            raise _unreadable(place, f"images.txt and {name} differ in image {odd[0]}")
    lost = next((name for name in names.values() if not (place / IMAGES / name).is_file()), None)
    if lost is not None:
        raise _unreadable(place, f"{IMAGES}/{lost} is not there")
    parts = []
    for wanted, what in ((True, "train on"), (False, "test on")):
        chosen = [number for number in names if training[number] is wanted]
        if not chosen:
            raise _unreadable(place, f"train_test_split.txt has no image to {what}")
        files = tuple(place / IMAGES / names[number] for number in chosen)
        parts.append(Part(files, tuple(labels[number] for number in chosen)))
    return parts[0], parts[1]


def _list(place: Path, name: str, parse: Callable[[str], T]) -> dict[str, T]:
    """What a list says of each image, by the image's number.

    Raises:
        AdapterError: it can't be read.
    """
    try:
        lines = (place / name).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or type(error).__name__
        raise _unreadable(place, f"{name}: {said}") from error
    found: dict[str, T] = {}
    for number, line in enumerate(lines, 1):
        image, _, told = line.strip().partition(" ")
        try:
            if image in found or not told:
                raise ValueError
            found[image] = parse(told.strip())
        except ValueError as error:
            raise _unreadable(place, f"{name}, line {number}: {line.strip()[:60]!r}") from error
    return found


def _class(told: str) -> int:
    number = int(told)
    if not 1 <= number <= CLASSES:
        raise ValueError
    return number - 1


def _flag(told: str) -> bool:
    if told not in ("0", "1"):
        raise ValueError
    return told == "1"


def _unreadable(place: Path, said: str) -> AdapterError:
    return AdapterError(
        f"--data {place}: CUB-200-2011 can't be read: {said}; the folder must be as its authors"
        " packed it"
    )
