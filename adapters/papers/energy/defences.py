"""What stands before a network against perturbed images (GradMDM, section 6): functions from images
to images, by name, or a user's own. Imports no torch until one is built."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from adapters import custom
from adapters.base import AdapterError, UnsupportedSettings

if TYPE_CHECKING:
    from torch import Tensor

    Defence = Callable[[Tensor], Tensor]

OPTION = "--defences"
EXAMPLE = "my_defences.py:smooth"
"""What is right, for errors."""
QUALITY = 75
"""Of JPEG, in Pillow's numbers; its own default, and within what Das et al. 2017 try."""


def smoothed(images: Tensor) -> Tensor:
    """Spatial smoothing (Xu et al. 2018, section 3.2): each pixel becomes the median of a window of
    2 x 2 with itself at the lower right, in each channel; beyond the border the image is mirrored.

    Of four values it is the second largest, as SciPy's filter has it, which the authors use.

    Args:
        images: (N, C, H, W).
    """
    import torch

    left = torch.cat([images[..., :1], images[..., :-1]], dim=-1)
    pairs = torch.stack([images, left])
    above = torch.cat([pairs[..., :1, :], pairs[..., :-1, :]], dim=-2)
    return torch.cat([pairs, above]).sort(dim=0).values[2]


def compressed(images: Tensor) -> Tensor:
    """JPEG compression (Das et al. 2017): written and read again by Pillow, in 8 bits a value.

    Args:
        images: (N, 1 or 3, H, W), in [0, 1].

    Raises:
        UnsupportedSettings: they have other channels, or Pillow is not installed.
    """
    import numpy
    import torch

    try:
        from PIL import Image
    except ImportError as error:
        raise UnsupportedSettings(
            "JPEG compression needs more: python -m pip install pillow"
        ) from error
    if images.shape[1] not in (1, 3):
        raise UnsupportedSettings(f"JPEG has 1 or 3 channels, and these images {images.shape[1]}")
    found = []
    for pixels in (images.detach().cpu().double() * 255).round().byte().permute(0, 2, 3, 1):
        file = io.BytesIO()
        picture = Image.fromarray(
            pixels.squeeze(2).numpy() if pixels.shape[2] == 1 else pixels.numpy()
        )
        picture.save(file, "JPEG", quality=QUALITY)
        with Image.open(file) as read:
            found.append(torch.from_numpy(numpy.array(read)).reshape(pixels.shape))
    return (torch.stack(found).permute(0, 3, 1, 2).double() / 255).to(images)


DEFENCES: Mapping[str, str] = {
    "smoothing": "spatial smoothing, a median of 2 x 2 (Xu et al. 2018)",
    "jpeg": f"JPEG compression at quality {QUALITY} (Das et al. 2017)",
}
"""By the name that the option takes, in words."""
_OURS: Mapping[str, Defence] = {"smoothing": smoothed, "jpeg": compressed}


def check(text: str) -> None:
    """Look whether there is a defence of that name, or a user's function, without running it.

    Raises:
        AdapterError: there is none.
    """
    if text not in DEFENCES and ":" not in text:
        raise AdapterError(
            f"{OPTION} {text}: unknown; give {' or '.join(DEFENCES)}, or your own as {EXAMPLE}"
        )
    if text not in DEFENCES:
        custom.parse(text, OPTION, EXAMPLE)


def build(text: str) -> Defence:
    """The defence of that name, or a user's `FILE.py:FUNCTION`, each checked when it is called.

    Args:
        text: what the user wrote.

    Returns:
        images (N, C, H, W) in [0, 1] to images of the same shape and dtype in [0, 1], detached; it
        raises UnsupportedSettings where they are none.

    Raises:
        AdapterError: there is none.
    """
    check(text)
    found: Callable[..., Any]
    if text in _OURS:
        found = _OURS[text]
    else:
        spec = custom.parse(text, OPTION, EXAMPLE)
        named = getattr(custom.import_place(spec), spec.function, None)
        if not callable(named):
            raise AdapterError(f"{OPTION} {text}: {spec.place} has no function {spec.function}")
        found = named

    def defended(images: Tensor) -> Tensor:
        import torch

        try:
            with torch.no_grad():
                made = found(images.clone())
        except AdapterError:
            raise
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            raise UnsupportedSettings(f"the defence {text} fails: {said}") from error
        wrong = fault(made, images)
        if wrong is not None:
            raise UnsupportedSettings(f"the defence {text} returned {wrong}")
        kept: Tensor = made
        return kept

    return defended


def fault(made: object, images: Tensor) -> str | None:
    """What a defence made of images, in words, where that is no image like those; None if it is."""
    import torch

    if not isinstance(made, torch.Tensor):
        return f"{type(made).__name__}, not a tensor of images"
    if made.shape != images.shape:
        return f"a tensor of shape {tuple(made.shape)} for images of shape {tuple(images.shape)}"
    if made.dtype != images.dtype:
        return f"{made.dtype} for {images.dtype} images; cast them to that"
    if not bool(torch.isfinite(made).all()):
        return "values that are not finite; give images in [0, 1]"
    if not bool(((made >= 0) & (made <= 1)).all()):
        return (
            f"values from {float(made.min()):.3g} to {float(made.max()):.3g}; give images in [0, 1]"
        )
    return None
