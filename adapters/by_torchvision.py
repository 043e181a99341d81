"""CIFAR and SVHN, read by torchvision from a folder that the user has; it opens only files whose
digest is that of the original. Imports torch when it is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.base import AdapterError

if TYPE_CHECKING:
    from torch import Tensor

    Tensors = tuple[Tensor, Tensor, Tensor, Tensor]

SVHN_FILES = ("train_32x32.mat", "test_32x32.mat")


def cifar(name: str, place: Path) -> Tensors:
    """Images and labels to train on, and to test on, of either CIFAR.

    Args:
        name: torchvision's for it.
        place: its own folder.

    Raises:
        AdapterError: it can't be read.
    """

    def parts() -> list[Any]:
        from torchvision import datasets

        class Here(getattr(datasets, name)):  # type: ignore[misc]
            """The folder may be a link of another name."""

            base_folder = place.name

        above = str(place.parent)
        return [Here(above, train=train, download=False) for train in (True, False)]

    title = "CIFAR-" + name.removeprefix("CIFAR")
    mend = f"the folder {place.name} must be as its authors packed it"
    import torch

    found: list[Tensor] = []
    for part in _read(place, title, mend, parts):
        found.append(torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous().float() / 255)
        found.append(torch.tensor(part.targets))
    return found[0], found[1], found[2], found[3]


def svhn(place: Path) -> Tensors:
    """The same of SVHN (Netzer et al. 2011), whose class 10 is that of the digit 0.

    Args:
        place: where its files are.

    Raises:
        AdapterError: it can't be read.
    """

    def parts() -> list[Any]:
        from torchvision import datasets

        return [
            datasets.SVHN(str(place), split=split, download=False) for split in ("train", "test")
        ]

    mend = f"{' and '.join(SVHN_FILES)} must be as their authors packed them"
    import torch

    found: list[Tensor] = []
    for part in _read(place, "SVHN", mend, parts):
        found.append(torch.from_numpy(part.data).contiguous().float() / 255)
        found.append(torch.from_numpy(part.labels))
    return found[0], found[1], found[2], found[3]


def _read(place: Path, title: str, mend: str, parts: Callable[[], list[Any]]) -> list[Any]:
    """What torchvision makes of them, to train on and to test on."""
    try:
        return parts()
    except Exception as error:
        said = str(error).partition(".")[0]
        raise AdapterError(
            f"--data {place}: {title} can't be read: {type(error).__name__}: {said}; {mend}"
        ) from error
