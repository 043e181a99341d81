"""Labelled images to train on: scikit-learn's digits, or CIFAR-10, CIFAR-100 or CUB-200-2011 from a
folder the user has.

`Facts` are known without torch; `load` imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from adapters import birds
from adapters.base import AdapterError, UnsupportedSettings, quiet

if TYPE_CHECKING:
    import torch
    from torch import Tensor

DIGITS = "digits"
CIFAR10_FOLDER = "cifar-10-batches-py"
CIFAR100_FOLDER = "cifar-100-python"
"""What torchvision's layout has in the folder."""
CHANNELS = 3
"""Of every data set's images."""
TEST_SHARE = 5
"""Of scikit-learn's digits every fifth image is for testing."""
PAD = 4
"""Pixels by which an image of 32 is padded before it is cropped again; larger ones by an eighth of
their side, as those are."""


@dataclass(frozen=True)
class Facts:
    """What is known of a data set before it is read.

    Attributes:
        name: "digits", "cifar10", "cifar100" or "cub200".
        classes: how many.
        size: side of its images, in pixels.
        images: how many there are to train on.
        test_images: how many to test on.
        eps: radius of the L-infinity ball, on images in [0, 1].
        augmented: whether training images are shifted and mirrored.
    """

    name: str
    classes: int
    size: int
    images: int
    test_images: int
    eps: float
    augmented: bool


_DIGITS = Facts("digits", 10, 32, 1437, 360, eps=32 / 255, augmented=False)
_CIFAR10 = Facts("cifar10", 10, 32, 50_000, 10_000, eps=8 / 255, augmented=True)
_CIFAR100 = Facts("cifar100", 100, 32, 50_000, 10_000, eps=8 / 255, augmented=True)


@dataclass(frozen=True)
class _OfUsers:
    """A data set that users have in a folder.

    Attributes:
        folder: what its authors call it.
        facts: from that folder's place to what is known.
        load: from that folder's place to images and labels, of training and of testing.
    """

    folder: str
    facts: Callable[[Path], Facts]
    load: Callable[[Path], tuple[Images, Tensor, Images, Tensor]]


def facts(where: str) -> Facts:
    """What `--data` names: "digits", or a folder that holds one of the data sets as its authors
    pack it, or is that data set's own.

    Raises:
        AdapterError: there is no such folder, or none of them in it, or several; or what it says of
            itself can't be read.
    """
    if where == DIGITS:
        return _DIGITS
    place, known = _found(where)
    return known.facts(place)


class Images(Protocol):
    """Images (N, 3, size, size), float32 in [0, 1], on the CPU: a tensor, or what reads them when
    they are asked for."""

    @property
    def shape(self) -> torch.Size: ...

    def __len__(self) -> int: ...

    def __getitem__(self, chosen: Any, /) -> Tensor: ...

    def split(self, size: int, /) -> Any:
        """Tensors of so many images, the last perhaps of fewer, one after the other."""


@dataclass(frozen=True)
class Data:
    """Images (N, 3, size, size) and labels (N,), int64; on the CPU."""

    facts: Facts
    images: Images
    labels: Tensor
    test_images: Images
    test_labels: Tensor


def load(where: str) -> Data:
    """Read a data set; digits are enlarged four times and made grey of three channels.

    Raises:
        AdapterError: it can't be read.
    """
    if where == DIGITS:
        return Data(_DIGITS, *_digits())
    place, known = _found(where)
    return Data(known.facts(place), *known.load(place))


def drawn(where: str, seed: int, count: int, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Test images in the shape that a network takes, and their labels; on the CPU.

    Args:
        where: as `facts` takes it.
        seed: draws them.
        count: how many; fewer where there are fewer.
        shape: (channels, height, width).

    Returns:
        (N, *shape), float32 in [0, 1], and (N,), int64.

    Raises:
        AdapterError: the data can't be read, or not be brought into that shape.
    """
    import torch

    read = load(where)
    order = torch.randperm(len(read.test_labels), generator=torch.Generator().manual_seed(seed))
    chosen = order[:count]
    return in_shape(read.test_images[chosen], shape), read.test_labels[chosen]


def in_shape(images: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Images (N, 3, h, w) as (N, *shape).

    Args:
        images: of red, green and blue.
        shape: (channels, height, width).

    Raises:
        UnsupportedSettings: of other channels than grey or red, green and blue.
    """
    from torch.nn import functional

    channels, *sides = shape
    if channels not in (1, CHANNELS):
        raise UnsupportedSettings(
            f"images of {channels} channels can't be made of the data's {CHANNELS}; the network"
            f" must take 1 or {CHANNELS}"
        )
    if channels == 1:
        images = images.mean(dim=1, keepdim=True)
    if list(images.shape[2:]) != sides:
        images = functional.interpolate(images, size=sides, mode="bilinear", align_corners=False)
    return images


def _found(where: str) -> tuple[Path, _OfUsers]:
    """The place of the one data set in a folder, or that it is, and which.

    Raises:
        AdapterError: there is none, or more than one.
    """
    folder = Path(where)
    for known in _KNOWN:
        if folder.is_dir() and known.folder in (folder.name, folder.resolve().name):
            return folder, known
    there = [known for known in _KNOWN if (folder / known.folder).is_dir()]
    if not there:
        *some, last = (f"{known.folder}/" for known in _KNOWN)
        raise AdapterError(
            f"--data {where}: give {DIGITS}, or a folder that holds {', '.join(some)} or {last} as"
            " its authors packed it; nothing is downloaded"
        )
    if len(there) > 1:
        held = " and ".join(f"{known.folder}/" for known in there)
        raise AdapterError(
            f"--data {where}: it holds {held}; name one, as --data {folder / there[0].folder}"
        )
    return folder / there[0].folder, there[0]


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift each image by up to four pixels, or an eighth of its side, and mirror half of them (He
    et al. 2016, section 4.2).

    Args:
        images: (N, C, H, W).
        generator: what is drawn from.
    """
    import torch

    count, _, height, width = images.shape
    pad = max(PAD, height // 8)
    padded = torch.nn.functional.pad(images, (pad,) * 4)
    down, right = (torch.randint(2 * pad + 1, (count,), generator=generator) for _ in range(2))
    rows = (down[:, None] + torch.arange(height))[:, None, :, None]
    columns = (right[:, None] + torch.arange(width))[:, None, None, :]
    mirrored = torch.rand(count, generator=generator) < 0.5
    columns = torch.where(mirrored[:, None, None, None], columns.flip(-1), columns)
    every = torch.arange(count)[:, None, None, None]
    channels = torch.arange(images.shape[1])[None, :, None, None]
    return padded[every, channels, rows, columns]


def _digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    try:
        with quiet():
            from sklearn.datasets import load_digits
    except ImportError as error:
        raise AdapterError(
            "the digits come with scikit-learn, which can't be imported:"
            " python -m pip install scikit-learn; or give a folder of your own with --data"
        ) from error
    import torch

    pixels, classes = load_digits(return_X_y=True)
    images = torch.from_numpy(pixels).float().reshape(-1, 1, 8, 8) / 16
    images = images.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3).repeat(1, 3, 1, 1)
    labels = torch.from_numpy(classes).long()
    test = torch.arange(len(images)) % TEST_SHARE == 0
    return images[~test], labels[~test], images[test], labels[test]


def _cifar(name: str, place: Path) -> tuple[Images, Tensor, Images, Tensor]:
    """Either of the two.

    Args:
        name: torchvision's for it.
        place: its own folder.
    """
    import torch

    try:
        from torchvision import datasets

        class Here(getattr(datasets, name)):  # type: ignore[misc]
            """The folder may be a link of another name."""

            base_folder = place.name

        # It unpickles only files whose digest is that of the original.
        above = str(place.parent)
        parts = [Here(above, train=train, download=False) for train in (True, False)]
    except Exception as error:
        said = str(error).partition(".")[0]
        title = "CIFAR-" + name.removeprefix("CIFAR")
        raise AdapterError(
            f"--data {place}: {title} can't be read: {type(error).__name__}: {said}; the folder"
            f" {place.name} must be as its authors packed it"
        ) from error
    found: list[Tensor] = []
    for part in parts:
        found.append(torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous().float() / 255)
        found.append(torch.tensor(part.targets))
    return found[0], found[1], found[2], found[3]


def _birds_facts(place: Path) -> Facts:
    train, test = birds.read(place)
    counts = len(train.labels), len(test.labels)
    return Facts("cub200", birds.CLASSES, birds.SIZE, *counts, eps=8 / 255, augmented=True)


def _birds(place: Path) -> tuple[Images, Tensor, Images, Tensor]:
    import torch

    from adapters.pictures import Pictures

    train, test = birds.read(place)
    return (
        Pictures(train.files, birds.SIZE),
        torch.tensor(train.labels),
        Pictures(test.files, birds.SIZE),
        torch.tensor(test.labels),
    )


_KNOWN = (
    _OfUsers(CIFAR10_FOLDER, lambda _: _CIFAR10, lambda place: _cifar("CIFAR10", place)),
    _OfUsers(CIFAR100_FOLDER, lambda _: _CIFAR100, lambda place: _cifar("CIFAR100", place)),
    _OfUsers(birds.FOLDER, _birds_facts, _birds),
)
