"""Pictures in files as if they were a tensor: each is read when it is first asked for, and kept as
bytes, so that thousands of them need a quarter of what floating-point numbers would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from adapters.decoding import read
from adapters.images import cut


class Pictures:
    """Images (N, 3, size, size), float32 in [0, 1], as `adapters.data.Images`.

    Args:
        files: one for each image.
        size: to which its shorter side is scaled; the rest is cropped at the centre.
    """

    def __init__(self, files: Sequence[Path], size: int) -> None:
        self._files = tuple(files)
        self._size = size
        self._kept: dict[int, Tensor] = {}

    @property
    def shape(self) -> torch.Size:
        return torch.Size((len(self._files), 3, self._size, self._size))

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, chosen: Any) -> Tensor:
        """As a tensor takes indices of its first dimension.

        Raises:
            AdapterError: a file can't be read as a picture.
        """
        numbers = torch.arange(len(self))[chosen]
        if not numbers.ndim:
            return self._bytes(int(numbers)).float() / 255
        if not len(numbers):
            return torch.empty(0, *self.shape[1:])
        return torch.stack([self._bytes(number) for number in numbers.tolist()]).float() / 255

    def split(self, size: int) -> Iterator[Tensor]:
        """Tensors of so many images, the last perhaps of fewer."""
        return (self[start : start + size] for start in range(0, len(self), size))

    def _bytes(self, number: int) -> Tensor:
        """(3, size, size), uint8."""
        if number not in self._kept:
            (tile,) = cut(read(self._files[number]), 1, self._size)
            pixels = numpy.asarray(tile).round().astype(numpy.uint8)
            self._kept[number] = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
        return self._kept[number]
