"""Little data sets, laid out in folders as their authors pack them."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

from adapters import birds, data, tiny_images

SVHN = "a folder of any name"
NAMES = {
    data.CIFAR10_FOLDER: "cifar10",
    data.CIFAR100_FOLDER: "cifar100",
    SVHN: "svhn",
    tiny_images.FOLDER: "tiny_imagenet",
    birds.FOLDER: "cub200",
}

Make = Callable[[Path, pytest.MonkeyPatch], None]


def cifar(name: str, folder: str, key: str, meta: str, above: Path, allow: Any) -> None:
    """One whose digests torchvision is told; others it would not unpickle."""
    from torchvision import datasets  # here, for who only collects tests

    place = above / folder
    place.mkdir()
    drawn = numpy.random.default_rng(0)

    def write(file: str, content: dict[str, Any]) -> list[str]:
        (place / file).write_bytes(pickle.dumps(content))
        return [file, hashlib.md5((place / file).read_bytes()).hexdigest()]

    def batch(count: int) -> dict[str, Any]:
        pixels = drawn.integers(0, 256, (count, 3 * 32 * 32), dtype=numpy.uint8)
        return {"data": pixels, key: list(range(count))}

    known = getattr(datasets, name)
    allow.setattr(known, "train_list", [write("train", batch(6))])
    allow.setattr(known, "test_list", [write("test", batch(3))])
    file, digest = write("meta", {meta: list("abcdefghij")})
    allow.setattr(known, "meta", {"filename": file, "key": meta, "md5": digest})


def cifar10(above: Path, allow: pytest.MonkeyPatch) -> None:
    cifar("CIFAR10", data.CIFAR10_FOLDER, "labels", "label_names", above, allow)


def cifar100(above: Path, allow: pytest.MonkeyPatch) -> None:
    cifar("CIFAR100", data.CIFAR100_FOLDER, "fine_labels", "fine_label_names", above, allow)


def svhn(above: Path, allow: pytest.MonkeyPatch) -> None:
    """Six house numbers to train on and three to test on; the digit 0 is of their class 10."""
    from scipy import io
    from torchvision import datasets

    place = above / SVHN
    place.mkdir()
    drawn = numpy.random.default_rng(0)
    known = dict(datasets.SVHN.split_list)
    for split, file, count in (("train", "train_32x32.mat", 6), ("test", "test_32x32.mat", 3)):
        pixels = drawn.integers(0, 256, (32, 32, 3, count), dtype=numpy.uint8)
        labels = numpy.array([[10], [1], [2], [3], [4], [5]], dtype=numpy.uint8)[:count]
        io.savemat(place / file, {"X": pixels, "y": labels})
        known[split] = ["", file, hashlib.md5((place / file).read_bytes()).hexdigest()]
    allow.setattr(datasets.SVHN, "split_list", known)


WNIDS = [f"n0000000{number}" for number in range(6)]


def tiny(above: Path, allow: pytest.MonkeyPatch) -> None:
    """A picture of each of six classes to train on, and of three of them, by a list, to test on."""
    place = above / tiny_images.FOLDER
    for number, name in enumerate(WNIDS):
        file = place / "train" / name / "images" / f"{name}_0.JPEG"
        file.parent.mkdir(parents=True)
        Image.new("RGB", (64, 64), (0, 255, 20 * number)).save(file)
        (file.parent.parent / f"{name}_boxes.txt").write_text(f"{name}_0.JPEG\t0\t0\t1\t1\n")
    tested = place / "val"
    (tested / "images").mkdir(parents=True)
    told = []
    for number, name in enumerate(WNIDS[3:]):
        Image.new("RGB", (64, 64)).save(tested / "images" / f"val_{number}.JPEG")
        told.append(f"val_{number}.JPEG\t{name}\t0\t32\t44\t62\n")
    (tested / tiny_images.LIST).write_text("".join(told))


def cub(above: Path, allow: pytest.MonkeyPatch) -> None:
    """Nine pictures of as many plain colours, a broad one first, the first six to train on."""
    place = above / birds.FOLDER
    lists: dict[str, list[str]] = {name: [] for name in LISTS}
    for number in range(1, 10):
        name = f"{number:03}.Some_Bird/Some_Bird_{number}.png"
        file = place / birds.IMAGES / name
        file.parent.mkdir(parents=True)
        Image.new("RGB", (9, 6), (0, 255, 20 * number)).save(file)
        for listed, told in zip(LISTS, (name, number, int(number <= 6)), strict=True):
            lists[listed].append(f"{number} {told}")
    for listed, lines in lists.items():
        (place / listed).write_text("\n".join(lines) + "\n")


LISTS = ("images.txt", "image_class_labels.txt", "train_test_split.txt")
ALL: dict[str, Make] = {
    data.CIFAR10_FOLDER: cifar10,
    data.CIFAR100_FOLDER: cifar100,
    SVHN: svhn,
    tiny_images.FOLDER: tiny,
    birds.FOLDER: cub,
}
IN_ANY_FOLDER = (SVHN,)
"""What has no folder of its own name."""
