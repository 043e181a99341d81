"""Labelled images to train on: scikit-learn's digits, or CIFAR-10 from a folder the user has.

`DataSet` facts are known without torch; `load` imports it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.base import AdapterError, quiet

if TYPE_CHECKING:
    import torch
    from torch import Tensor

DIGITS = "digits"
CIFAR10_FOLDER = "cifar-10-batches-py"
"""What torchvision's layout has in the folder."""
TEST_SHARE = 5
"""Of scikit-learn's digits every fifth image is for testing."""
PAD = 4
"""Pixels by which a CIFAR-10 image is padded before it is cropped again."""


@dataclass(frozen=True)
class Facts:
    """What is known of a data set before it is read.

    Attributes:
        name: "digits" or "cifar10".
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


def facts(where: str) -> Facts:
    """What `--data` names: "digits", or a folder that holds CIFAR-10 in torchvision's layout.

    Raises:
        AdapterError: there is no such folder, or CIFAR-10 is not in it.
    """
    if where == DIGITS:
        return _DIGITS
    if not Path(where, CIFAR10_FOLDER).is_dir():
        raise AdapterError(
            f"--data {where}: give {DIGITS}, or a folder that holds {CIFAR10_FOLDER}/ as"
            " torchvision lays it out; nothing is downloaded"
        )
    return _CIFAR10


@dataclass(frozen=True)
class Data:
    """Images (N, 3, size, size), float32 in [0, 1], and labels (N,), int64; on the CPU."""

    facts: Facts
    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def load(where: str) -> Data:
    """Read a data set; digits are enlarged four times and made grey of three channels.

    Raises:
        AdapterError: it can't be read.
    """
    known = facts(where)
    return Data(known, *(_digits() if where == DIGITS else _cifar10(Path(where))))


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift each image by up to four pixels and mirror half of them (He et al. 2016, section 4.2).

    Args:
        images: (N, C, H, W).
        generator: what is drawn from.
    """
    import torch

    count, _, height, width = images.shape
    padded = torch.nn.functional.pad(images, (PAD,) * 4)
    down, right = (torch.randint(2 * PAD + 1, (count,), generator=generator) for _ in range(2))
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
            " python -m pip install scikit-learn; or give CIFAR-10 with --data FOLDER"
        ) from error
    import torch

    pixels, classes = load_digits(return_X_y=True)
    images = torch.from_numpy(pixels).float().reshape(-1, 1, 8, 8) / 16
    images = images.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3).repeat(1, 3, 1, 1)
    labels = torch.from_numpy(classes).long()
    test = torch.arange(len(images)) % TEST_SHARE == 0
    return images[~test], labels[~test], images[test], labels[test]


def _cifar10(folder: Path) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    import torch

    try:
        from torchvision.datasets import CIFAR10

        # It unpickles only files whose digest is that of the original.
        parts = [CIFAR10(str(folder), train=train, download=False) for train in (True, False)]
    except Exception as error:
        said = str(error).partition(".")[0]
        raise AdapterError(
            f"--data {folder}: CIFAR-10 can't be read: {type(error).__name__}: {said}; the folder"
            f" {CIFAR10_FOLDER} must be as its authors packed it"
        ) from error
    found: list[Tensor] = []
    for part in parts:
        found.append(torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous().float() / 255)
        found.append(torch.tensor(part.targets))
    return found[0], found[1], found[2], found[3]
