"""What an attack returned, held against the images it was given: are they adversarial images?

Pure but for torch. Says what was seen; what it is taken for is a guess, and is called one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from adapters.base import AdapterError
from semibackward_bench.grammar import counted, form

ROUNDING = 1e-4
"""How far outside [0, 1] a value may be by rounding, as by a normalisation undone in float32."""
UNRELATED = 0.25
"""How steeply what is returned follows the images, at most, to be no picture of them."""
STRETCHED, BYTES = 1.5, 100.0
"""How steeply it follows images that were normalised, and those that go to 255, at least."""
EXPLAINED = 0.5
"""Share of what is returned that the images must explain, to be a picture of them."""
DARK = 0.5
"""How bright, beside the images, what is returned may be at most to be a perturbation."""


def fault(output: object, images: Tensor) -> str | None:
    """Why these can't be adversarial images; None if they can.

    Args:
        output: what the attack returned.
        images: what it was given, (N, C, H, W).
    """
    if not isinstance(output, Tensor):
        return (
            f"the attack returned {type(output).__name__}, not a tensor of adversarial examples"
            f"{_instead(output)}"
        )
    if output.shape != images.shape:
        return (
            f"the attack returned a tensor of shape {tuple(output.shape)} for images of shape"
            f" {tuple(images.shape)}"
        )
    if output.is_complex() or output.layout != torch.strided:
        return f"the attack returned a tensor of {output.dtype}, {output.layout}, not of images"
    return None


def _instead(output: object) -> str:
    if output is None:
        return "; let it return them, also where it works in place"
    if isinstance(output, tuple | list) and any(isinstance(part, Tensor) for part in output):
        return "; let it return them alone"
    return ""


def doubts(output: Tensor, images: Tensor, *, leaves_box: bool = False) -> list[str]:
    """What to warn of in what an attack returned.

    Args:
        output: of the images' shape, detached.
        images: what it was given, in [0, 1].
        leaves_box: whether it is known to clip nothing.
    """
    said = untrainable(output, images)
    if said or not output.numel():
        return said
    output = output.to(images.device)
    if torch.equal(output, images):
        return ["the attack left every image as it was; check its settings"]
    told, outside = _range(output)
    return [f"{told}; clamp the images to [0, 1]"] if outside and not leaves_box else []


def untrainable(output: Tensor, images: Tensor) -> list[str]:
    """Why a training would learn from something else than pictures like those given.

    Args:
        output, images: as `doubts` has them.
    """
    said = []
    if output.dtype != images.dtype:
        said.append(
            f"the attack returned {output.dtype} for {images.dtype} images; cast them to that"
        )
    lost = int((~torch.isfinite(output)).sum())
    if lost:
        every = counted(output.numel(), "value")
        told = f"{lost} of {every} {form(lost, 'is', 'are')} nan or infinite"
        said.append(
            f"the adversarial examples are not all finite ({told}); check the attack and the"
            " weights"
        )
    elif output.numel() and (strange := _no_picture(output.to(images.device), images)):
        said.append(strange)
    return said


def check(output: object, images: Tensor) -> None:
    """Refuse what no training can learn from.

    Args:
        output, images: as `fault` has them.

    Raises:
        AdapterError: it is no images like those given, with what was seen.
    """
    wrong = fault(output, images)
    if wrong is None:
        assert isinstance(output, Tensor)  # else something is wrong
        wrong = next(iter(untrainable(output.detach(), images)), None)
    if wrong is not None:
        raise AdapterError(f"{wrong} (a training would learn from what it returned)")


def _no_picture(output: Tensor, images: Tensor) -> str | None:
    """What was returned instead of pictures like those given; None if it may be such."""
    given, found = _precise(images), _precise(output)
    if not found.any() and given.any():
        return "every value that the attack returned is 0; check its settings"
    if _binary(found) and not _binary(given):
        return (
            "every value that the attack returned is 0 or 1, unlike those of its images: it looks"
            " like a mask; return the adversarial examples"
        )
    told, outside = _range(output)
    slope, explained = _follows(found, given)
    unrelated = abs(slope) < UNRELATED and explained < EXPLAINED
    small = float(found.abs().max()) <= 1
    if not outside:
        small = float(found.mean()) < DARK * float(given.mean())
        small &= float(found.max()) < DARK * float(given.max())
        told += f" for images from {float(given.min()):.3g} to {float(given.max()):.3g}"
    if unrelated and small:
        return f"{told}: they look like a perturbation; return images + perturbation"
    if not outside:
        return None
    if explained < EXPLAINED:
        return f"{told}: they look like no images; return images in [0, 1]"
    if slope > BYTES:
        return f"{told}: they look like images from 0 to 255; divide by 255"
    if slope > STRETCHED:
        return f"{told}: they look like normalised images; undo that before returning them"
    return None


def _range(output: Tensor) -> tuple[str, bool]:
    """Where the values lie, in words, and whether some lie outside [0, 1] by more than rounding."""
    found = _precise(output)
    room = ROUNDING
    if output.is_floating_point():
        room = max(room, 2 * torch.finfo(output.dtype).eps)
    outside = float(((found < -room) | (found > 1 + room)).float().mean())
    told = f"the attack returned values from {float(found.min()):.3g} to {float(found.max()):.3g}"
    if not outside:
        return told, False
    return f"{told}, {100 * outside:.2g} % of them outside [0, 1]", True


def _precise(values: Tensor) -> Tensor:
    """In a dtype that every device can add up in."""
    return values.detach().to(torch.float32)


def _binary(values: Tensor) -> bool:
    return bool(((values == 0) | (values == 1)).all())


def _follows(found: Tensor, given: Tensor) -> tuple[float, float]:
    """How steeply the one follows the other (least squares), and the share of it that explains."""
    x, y = given - given.mean(), found - found.mean()
    spread_given, spread_found = float((x * x).mean()), float((y * y).mean())
    if not spread_given or not spread_found:
        return 0.0, 0.0
    slope = float((x * y).mean()) / spread_given
    return slope, slope * slope * spread_given / spread_found
