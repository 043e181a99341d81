"""Real photographs: the two that ship with scikit-learn, or a folder of the user's own."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import itertools
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.base import AdapterError
from adapters.decoding import read

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from adapters.decoding import Deep, Pixels

SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)


_RGB = 3


def preload() -> None:
    """Import what `load` does, where it is installed."""
    with contextlib.suppress(ImportError):
        importlib.import_module("numpy")
        importlib.import_module("PIL.Image")
        importlib.import_module("PIL.ImageOps")


def files_in(folder: Path) -> list[Path]:
    """The image files of a folder, by name.

    Of a folder that holds none itself but has folders that do, as torchvision's `ImageFolder` wants
    it, those of the subfolders in turn: the first of each, then the second of each. What begins
    with a dot is left out.

    Raises:
        AdapterError: it is no folder, or holds no image.
    """
    if not folder.is_dir():
        raise AdapterError(f"{folder} is not a folder")
    try:
        found = _images_of(folder) or _in_turn(
            [_below(each, {folder.resolve()}) for each in _folders_of(folder)]
        )
    except OSError as error:
        where = error.filename or folder
        raise AdapterError(f"{where} can't be read: {error.strerror}") from error
    if not found:
        raise AdapterError(
            f"{folder} holds no image, nor do its subfolders ({', '.join(sorted(SUFFIXES))})"
        )
    return found


def _below(folder: Path, seen: set[Path]) -> list[Path]:
    """The images of a folder and those of its subfolders; a link to one that was seen is not
    followed."""
    if folder.resolve() in seen:
        return []
    seen.add(folder.resolve())
    deeper = [path for each in _folders_of(folder) for path in _below(each, seen)]
    return [*_images_of(folder), *deeper]


def _images_of(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not path.is_dir()
    )


def _folders_of(folder: Path) -> list[Path]:
    """Its subfolders by name, but for hidden ones and what macOS packs beside files."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name != "__MACOSX"
    )


def _in_turn(groups: Iterable[Iterable[Path]]) -> list[Path]:
    rounds = itertools.zip_longest(*groups)
    return [path for turn in rounds for path in turn if path is not None]


def load(count: int, size: int, folder: Path | None = None) -> Tensor:
    """Load `count` different square images.

    Photographs are shared out evenly. One that serves once is scaled and cropped at its centre;
    one that serves several times is cut into that many different, possibly overlapping, tiles.

    Args:
        count: number of images.
        size: side of an image, in pixels.
        folder: the user's photographs; scikit-learn's two if None.

    Returns:
        float32 tensor of shape (count, 3, size, size), values in [0, 1].

    Raises:
        AdapterError: a file in the folder can't be read.
    """
    import numpy
    import torch

    photographs = (
        _shipped() if folder is None else [read(path) for path in files_in(folder)[:count]]
    )
    tiles: list[Pixels] = []
    for position, photograph in enumerate(photographs):
        share = (count + len(photographs) - 1 - position) // len(photographs)
        tiles.extend(cut(photograph, share, size))
    stacked = torch.from_numpy(numpy.stack(tiles)).permute(0, 3, 1, 2)
    return stacked.contiguous().float() / 255.0


def of_shape(count: int, shape: tuple[int, int, int], folder: Path | None = None) -> Tensor:
    """Load `count` different images of any height, width and number of channels.

    They are what `load` makes of the longer side, cropped at their centre. One channel is the
    luminance (ITU-R 601, as Pillow's "L"); any other number takes red, green and blue in turn.

    Args:
        count, folder: as `load` has them.
        shape: (channels, height, width).

    Returns:
        float32 tensor of shape (count, *shape), values in [0, 1].

    Raises:
        AdapterError: as `load`.
    """
    channels, height, width = shape
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    loaded = load(count, side, folder)[:, :, top : top + height, left : left + width]
    if channels == 1:
        weights = loaded.new_tensor([0.299, 0.587, 0.114])[:, None, None]
        loaded = (loaded * weights).sum(dim=1, keepdim=True).clamp(0, 1)
    elif channels != _RGB:
        loaded = loaded[:, [channel % _RGB for channel in range(channels)]]
    return loaded.contiguous()


def cut(photograph: Image | Deep, count: int, size: int) -> list[Pixels]:
    """Cut a photograph into `count` different tiles of size × size pixels, RGB.

    Places are spread evenly over all there are; a photograph with too few is enlarged first.
    """
    import numpy

    if count <= 0:
        return []
    if count == 1:
        photograph = _scale_to(photograph, size)
        left, top = (photograph.width - size) // 2, (photograph.height - size) // 2
        return [numpy.asarray(photograph.crop((left, top, left + size, top + size)))]
    # Room to move by an eighth of the tile, and at least enough places.
    room = max(size // 8, math.ceil(math.sqrt(count)))
    if min(photograph.size) < size + room:
        photograph = _scale_to(photograph, size + room)
    pixels = numpy.asarray(photograph)
    columns = photograph.width - size + 1
    places = columns * (photograph.height - size + 1)
    return [
        pixels[top : top + size, left : left + size]
        for top, left in (divmod(i * (places - 1) // (count - 1), columns) for i in range(count))
    ]


def _scale_to(photograph: Image | Deep, side: int) -> Image | Deep:
    """Scale so that the shorter side has `side` pixels."""
    factor = side / min(photograph.size)
    width, height = (max(side, round(length * factor)) for length in photograph.size)
    return photograph.resize((width, height))


def _shipped() -> list[Image | Deep]:
    """What `sklearn.datasets.load_sample_images` returns, read without importing scikit-learn: the
    import takes a second, and the reader of scikit-learn 1.0, which the paper's version of ART
    pulls in, breaks with Pillow 12.3."""
    found = importlib.util.find_spec("sklearn")
    if found is None or found.origin is None:
        raise AdapterError(
            "the photographs come with scikit-learn, which is not installed:"
            " python -m pip install scikit-learn; or give your own with --images FOLDER"
        )
    folder = Path(found.origin).parent / "datasets" / "images"
    return [read(folder / name) for name in ("china.jpg", "flower.jpg")]
