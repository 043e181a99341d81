"""Tiny-ImageNet (Stanford's CS231N, 2015) in a folder that the user has: which file is of which
class, for training or for testing. Imports no torch, and opens no picture.

What its authors call the validation set is tested on, as the test set has no labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.base import AdapterError
from adapters.images import files_in
from adapters.parts import Part, lines, unreadable

FOLDER = "tiny-imagenet-200"
TITLE = "Tiny-ImageNet"
SIZE = 64
"""Side of the images, in pixels."""
TRAIN, TEST = "train", "val"
LIST = "val_annotations.txt"
PICTURES = "images"


def read(place: Path) -> tuple[int, Part, Part]:
    """How many classes there are, and the pictures to train on and to test on.

    Classes are numbered in the order of their names, as torchvision's `ImageFolder` does. The
    pictures to test on lie in one folder with a list, as they are packed, or in a folder for each
    class, as many repack them for `ImageFolder`.

    Args:
        place: the data set's own folder.

    Raises:
        AdapterError: a folder or the list can't be read, or they do not fit each other.
    """
    classes = {name: number for number, name in enumerate(_folders(place, TRAIN))}
    test = place / TEST
    # Who moves the pictures into folders of their classes may leave this one, empty.
    if (test / LIST).is_file() and any((test / PICTURES).glob("*")):
        tested = _listed(place, classes)
    else:
        names = [name for name in _folders(place, TEST) if name != PICTURES]
        odd = next((name for name in names if name not in classes), None)
        if odd is not None:
            raise unreadable(place, TITLE, f"{TEST}/{odd} is of no class in {TRAIN}/")
        tested = _by_class(place, TEST, {name: classes[name] for name in names})
    return len(classes), _by_class(place, TRAIN, classes), tested


def _folders(place: Path, part: str) -> Sequence[str]:
    """Names of the classes that a part has folders of, in order."""
    try:
        found = sorted(path.name for path in (place / part).iterdir() if path.is_dir())
    except OSError as error:
        raise unreadable(place, TITLE, f"{part}: {error.strerror}") from error
    if not found:
        raise unreadable(place, TITLE, f"{part} has no folder of a class")
    return found


def _by_class(place: Path, part: str, classes: Mapping[str, int]) -> Part:
    """Pictures in folders of their classes; each class by the number that it has."""
    files: list[Path] = []
    labels: list[int] = []
    for name, number in classes.items():
        try:
            found = files_in(place / part / name)
        except AdapterError as error:
            raise unreadable(place, TITLE, str(error)) from error
        files += found
        labels += [number] * len(found)
    return Part(tuple(files), tuple(labels))


def _listed(place: Path, classes: Mapping[str, int]) -> Part:
    """Pictures in one folder; a line of the list has a file, its class, and where in it that is."""
    folder = place / TEST
    labels: dict[Path, int] = {}
    for number, line in enumerate(lines(folder / LIST, TITLE, place), 1):
        name, _, rest = line.partition("\t")
        label = classes.get(rest.partition("\t")[0].strip())
        file = folder / PICTURES / name
        if label is None or file in labels:
            raise unreadable(place, TITLE, f"{LIST}, line {number}: {line.strip()[:60]!r}")
        if not file.is_file():
            raise unreadable(place, TITLE, f"{TEST}/{PICTURES}/{name} is not there")
        labels[file] = label
    if not labels:
        raise unreadable(place, TITLE, f"{LIST} has no image to test on")
    return Part(tuple(labels), tuple(labels.values()))
