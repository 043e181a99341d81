"""CUB-200-2011 (Wah et al. 2011) in a folder that the user has: which file is which bird, for
training or for testing. Imports no torch, and opens no picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from adapters.parts import Part, lines, unreadable

FOLDER = "CUB_200_2011"
TITLE = "CUB-200-2011"
CLASSES = 200
SIZE = 224
"""Side of the images, in pixels: the shorter side is scaled to it, and the centre kept."""
IMAGES = "images"

T = TypeVar("T")


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
            raise unreadable(place, TITLE, f"images.txt and {name} differ in image {odd[0]}")
    lost = next((name for name in names.values() if not (place / IMAGES / name).is_file()), None)
    if lost is not None:
        raise unreadable(place, TITLE, f"{IMAGES}/{lost} is not there")
    parts = []
    for wanted, what in ((True, "train on"), (False, "test on")):
        chosen = [number for number in names if training[number] is wanted]
        if not chosen:
            raise unreadable(place, TITLE, f"train_test_split.txt has no image to {what}")
        files = tuple(place / IMAGES / names[number] for number in chosen)
        parts.append(Part(files, tuple(labels[number] for number in chosen)))
    return parts[0], parts[1]


def _list(place: Path, name: str, parse: Callable[[str], T]) -> dict[str, T]:
    """What a list says of each image, by the image's number.

    Raises:
        AdapterError: it can't be read.
    """
    found: dict[str, T] = {}
    for number, line in enumerate(lines(place / name, TITLE, place), 1):
        image, _, told = line.strip().partition(" ")
        try:
            if image in found or not told:
                raise ValueError
            found[image] = parse(told.strip())
        except ValueError as error:
            raise unreadable(
                place, TITLE, f"{name}, line {number}: {line.strip()[:60]!r}"
            ) from error
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
