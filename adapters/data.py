"""Labelled images to train on: scikit-learn's digits, or CIFAR-10, CIFAR-100, SVHN, CUB-200-2011 or
Tiny-ImageNet from a folder the user has.

`Facts` are known without torch; `load` imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from adapters import birds, by_torchvision, tiny_images
from adapters.base import AdapterError, UnsupportedSettings, quiet

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from adapters.parts import Part

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
        name: "digits", "cifar10", "cifar100", "svhn", "tiny_imagenet" or "cub200".
        classes: how many.
        size: side of its images, in pixels.
        images: how many there are to train on.
        test_images: how many to test on.
        eps: radius of the L-infinity ball, on images in [0, 1].
        augmented: whether training images are shifted.
        mirrored: whether half of those are mirrored, too.
    """

    name: str
    classes: int
    size: int
    images: int
    test_images: int
    eps: float
    augmented: bool
    mirrored: bool = True


_DIGITS = Facts("digits", 10, 32, 1437, 360, eps=32 / 255, augmented=False)
_CIFAR10 = Facts("cifar10", 10, 32, 50_000, 10_000, eps=8 / 255, augmented=True)
_CIFAR100 = Facts("cifar100", 100, 32, 50_000, 10_000, eps=8 / 255, augmented=True)
_SVHN = Facts("svhn", 10, 32, 73_257, 26_032, eps=8 / 255, augmented=True, mirrored=False)
"""A digit's mirror image is another sign, or none; Lee et al. 2022 mirror them all the same."""


@dataclass(frozen=True)
class _OfUsers:
    """A data set that users have in a folder.

    Attributes:
        facts: from its place to what is known.
        load: from its place to images and labels, of training and of testing.
        folder: what its authors call it; empty where its files lie in a folder of any name.
        files: that are there, where the folder's name does not tell.
    """

    facts: Callable[[Path], Facts]
    load: Callable[[Path], tuple[Images, Tensor, Images, Tensor]]
    folder: str = ""
    files: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """What a folder has that holds it."""
        return f"{self.folder}/" if self.folder else " with ".join(self.files)

    def place(self, folder: Path) -> Path | None:
        """Where it is in a folder; None where it is not."""
        place = folder / self.folder
        whole = place.is_dir() and all((place / name).is_file() for name in self.files)
        return place if whole else None


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
    named = {folder.name, folder.resolve().name} - {""}
    for known in _KNOWN:
        if folder.is_dir() and known.folder in named:
            return folder, known
    there = [(place, known) for known in _KNOWN if (place := known.place(folder)) is not None]
    if not there:
        *some, last = (known.what for known in _KNOWN)
        raise AdapterError(
            f"--data {where}: give {DIGITS}, or a folder that holds {', '.join(some)} or {last} as"
            " its authors packed it; nothing is downloaded"
        )
    if len(there) > 1:
        held = " and ".join(known.what for _, known in there)
        one = next(place for place, known in there if known.folder)
        apart = "; files need a folder of their own" if any(k.files for _, k in there) else ""
        raise AdapterError(f"--data {where}: it holds {held}; name one, as --data {one}{apart}")
    return there[0]


def augment(images: Tensor, generator: torch.Generator, *, mirrored: bool = True) -> Tensor:
    """Shift each image by up to four pixels, or an eighth of its side, and mirror half of them (He
    et al. 2016, section 4.2).

    Args:
        images: (N, C, H, W).
        generator: what is drawn from.
        mirrored: whether any is mirrored.
    """
    import torch

    count, _, height, width = images.shape
    pad = max(PAD, height // 8)
    padded = torch.nn.functional.pad(images, (pad,) * 4)
    down, right = (torch.randint(2 * pad + 1, (count,), generator=generator) for _ in range(2))
    rows = (down[:, None] + torch.arange(height))[:, None, :, None]
    columns = (right[:, None] + torch.arange(width))[:, None, None, :]
    if mirrored:
        turned = torch.rand(count, generator=generator) < 0.5
        columns = torch.where(turned[:, None, None, None], columns.flip(-1), columns)
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


def _tiny_facts(place: Path) -> Facts:
    classes, train, test = tiny_images.read(place)
    counts = len(train.labels), len(test.labels)
    return Facts("tiny_imagenet", classes, tiny_images.SIZE, *counts, eps=8 / 255, augmented=True)


def _birds_facts(place: Path) -> Facts:
    train, test = birds.read(place)
    counts = len(train.labels), len(test.labels)
    return Facts("cub200", birds.CLASSES, birds.SIZE, *counts, eps=8 / 255, augmented=True)


def _pictures(parts: tuple[Part, Part], size: int) -> tuple[Images, Tensor, Images, Tensor]:
    """Those to train on and to test on, read when they are asked for."""
    import torch

    from adapters.pictures import Pictures

    train, test = parts
    return (
        *(Pictures(train.files, size), torch.tensor(train.labels)),
        *(Pictures(test.files, size), torch.tensor(test.labels)),
    )


_KNOWN = (
    _OfUsers(
        lambda _: _CIFAR10,
        lambda place: by_torchvision.cifar("CIFAR10", place),
        folder=CIFAR10_FOLDER,
    ),
    _OfUsers(
        lambda _: _CIFAR100,
        lambda place: by_torchvision.cifar("CIFAR100", place),
        folder=CIFAR100_FOLDER,
    ),
    _OfUsers(lambda _: _SVHN, by_torchvision.svhn, files=by_torchvision.SVHN_FILES),
    _OfUsers(
        _tiny_facts,
        lambda place: _pictures(tiny_images.read(place)[1:], tiny_images.SIZE),
        folder=tiny_images.FOLDER,
    ),
    _OfUsers(
        _birds_facts,
        lambda place: _pictures(birds.read(place), birds.SIZE),
        folder=birds.FOLDER,
    ),
)
