"""Image files as pictures, whatever their depth, mode and orientation.

What is transparent is shown on white. Of what is animated, or has pages, the first is read.
"""

from __future__ import annotations

import contextlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.base import AdapterError

if TYPE_CHECKING:
    import numpy
    from PIL.Image import Image

    Pixels = numpy.ndarray[Any, numpy.dtype[Any]]

WHITE = 255.0
TRANSPARENT = ("LA", "La", "PA", "RGBA", "RGBa")
BITS_PER_SAMPLE = 258
"""The tag of a TIFF file that tells of how many bits a value is."""
BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error)
"""What Pillow raises of files that are cut off or are none."""
BRIGHT = 32.0
"""What floats must reach, at least, to be taken for values up to 255."""
ROUNDING = 1e-3


@dataclass(frozen=True)
class Deep:
    """A grey picture of more than 8 bits, with what `adapters.images` needs of Pillow's `Image`.

    Attributes:
        plane: Pillow's image of mode F, black at 0 and white at 255.
    """

    plane: Image

    @property
    def width(self) -> int:
        """In pixels."""
        return self.plane.width

    @property
    def height(self) -> int:
        """In pixels."""
        return self.plane.height

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in pixels."""
        return self.plane.size

    def resize(self, size: tuple[int, int]) -> Deep:
        """Scaled as Pillow scales a picture of 8 bits."""
        return Deep(self.plane.resize(size))

    def crop(self, box: tuple[int, int, int, int]) -> Deep:
        """What lies between left, top, right and bottom."""
        return Deep(self.plane.crop(box))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Pixels:
        """Pixels of three equal channels, (height, width, 3), float32 from 0 to 255."""
        import numpy

        # Scaling overshoots at edges; of 8 bits Pillow cuts that off itself.
        grey = numpy.asarray(self.plane, dtype=numpy.float32).clip(0, WHITE)
        return numpy.repeat(grey[:, :, None], 3, axis=2).astype(dtype or numpy.float32)


def read(path: Path) -> Image | Deep:
    """Read an image file, the right way up.

    Args:
        path: of the file.

    Returns:
        Pillow's image of mode RGB; where a value has more than 8 bits, and Pillow keeps them, what
        stands in for one.

    Raises:
        AdapterError: it can't be read, or nobody can tell which of its values is white.
    """
    from PIL import Image

    try:
        with Image.open(path) as opened:
            opened.load()
            upright = _upright(opened)
            if opened.mode == "F" or opened.mode.startswith("I"):
                return _deep(upright, _white(opened, path))
            return _on_white(upright)
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise AdapterError(f"{path} can't be read as an image: {error}") from error


def _upright(opened: Image) -> Image:
    """Turned and mirrored as its EXIF data say; an orientation that can't be read is none."""
    from PIL import ImageOps

    with contextlib.suppress(*BROKEN, KeyError, TypeError):
        return ImageOps.exif_transpose(opened)
    return opened


def _on_white(opened: Image) -> Image:
    from PIL import Image

    if opened.mode not in TRANSPARENT and "transparency" not in opened.info:
        return opened.convert("RGB")
    shown = opened.convert("RGBA")
    white = Image.new("RGBA", shown.size, "white")
    return Image.alpha_composite(white, shown).convert("RGB")


def _deep(opened: Image, white: float) -> Deep:
    import numpy
    from PIL import Image

    values = numpy.asarray(opened).astype(numpy.float32)
    return Deep(Image.fromarray(values * numpy.float32(WHITE / white)))


def _white(opened: Image, path: Path) -> float:
    """Which value of a picture in a deep mode is white.

    Raises:
        AdapterError: the file doesn't tell, and its values don't either.
    """
    import numpy

    if opened.mode.startswith("I;16"):
        bits = getattr(opened, "tag_v2", {}).get(BITS_PER_SAMPLE, (16,))
        return float(2 ** bits[0] - 1)
    if opened.mode == "I" and opened.format != "TIFF":
        return float(2**16 - 1)  # older Pillow's mode of PNG with 16 bits, and of PGM
    values = numpy.asarray(opened)
    lowest, highest = float(values.min()), float(values.max())
    told = f"{path} holds {values.dtype.name} values from {lowest:.6g} to {highest:.6g}"
    if opened.mode == "I":
        raise AdapterError(f"{told}, and nothing tells which is white; save it with 8 or 16 bits")
    if lowest >= -ROUNDING and highest <= 1 + ROUNDING:
        return 1.0
    if lowest >= -ROUNDING and BRIGHT <= highest <= WHITE:
        return WHITE
    raise AdapterError(f"{told}: neither within [0, 1] nor from 0 to 255; scale them to [0, 1]")
