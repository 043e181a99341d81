"""What an attack returned, held against the images it was given: are they adversarial images?

Pure but for torch. Says what was seen; what it is taken for is a guess, and is called one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from adapters.base import AdapterError

if TYPE_CHECKING:
    from collections.abc import Sequence

UNCHANGED = "the attack left every image as it was; check its settings"
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
            f"the attack returned {type(output).__name__}, not a tensor of adversarial images"
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
    said = []
    if output.dtype != images.dtype:
        said.append(
            f"the attack returned {output.dtype} for {images.dtype} images; cast them to that"
        )
    if not output.numel():
        return said
    output = output.to(images.device)
    lost = int((~torch.isfinite(output)).sum())
    if lost:
        told = f"{lost} of {output.numel()} values are nan or infinite"
        said.append(
            f"the adversarial images are not all finite ({told}); check the attack and the weights"
        )
    elif output.dtype == images.dtype and torch.equal(output, images):
        said.append(UNCHANGED)
    elif (strange := no_images(output, images, leaves_box=leaves_box)) is not None:
        said.append(strange)
    return said


def check(output: object, images: Tensor, *, leaves_box: bool = False) -> None:
    """Refuse what no training can learn from.

    Args:
        output, images, leaves_box: as `doubts` has them.

    Raises:
        AdapterError: it is no images like those given, with what was seen.
    """
    wrong = fault(output, images)
    if wrong is None:
        assert isinstance(output, Tensor)  # else something is wrong
        found = doubts(output.detach(), images, leaves_box=leaves_box)
        wrong = next((said for said in found if said != UNCHANGED), None)
    if wrong is not None:
        raise AdapterError(f"{wrong} (a training would learn from what it returned)")


def no_images(output: Tensor, images: Tensor, *, leaves_box: bool = False) -> str | None:
    """Why what was returned is no images in [0, 1] like those given; None if it may be.

    Args:
        output, images, leaves_box: as `doubts` has them; all values finite.
    """
    given, found = _precise(images), _precise(output)
    lowest, highest = float(found.min()), float(found.max())
    room = ROUNDING
    if output.is_floating_point():
        room = max(room, 2 * torch.finfo(output.dtype).eps)
    told = f"the attack returned values from {lowest:.3g} to {highest:.3g}"
    if lowest < -room or highest > 1 + room:
        if leaves_box:
            return None
        outside = (found < -room) | (found > 1 + room)
        share = f"{100 * float(outside.float().mean()):.2g} % of them outside [0, 1]"
        return f"{told}, {share}: {_guess(found, given)}"
    if _only(found, (0.0, 1.0)) and not _only(given, (0.0, 1.0)):
        return (
            "every value that the attack returned is 0 or 1, unlike those of its images: it looks"
            " like a mask; return the adversarial images"
        )
    if float(found.mean()) < DARK * float(given.mean()) and highest < DARK * float(given.max()):
        slope, explained = _follows(found, given)
        if abs(slope) < UNRELATED and explained < EXPLAINED:
            return (
                f"{told} for images from {float(given.min()):.3g} to {float(given.max()):.3g}: they"
                " look like a perturbation; return images + perturbation"
            )
    return None


def _precise(values: Tensor) -> Tensor:
    """In a dtype that every device can add up in."""
    return values.detach().to(torch.float32)


def _only(values: Tensor, allowed: Sequence[float]) -> bool:
    same = torch.zeros_like(values, dtype=torch.bool)
    for value in allowed:
        same |= values == value
    return bool(same.all())


def _guess(found: Tensor, given: Tensor) -> str:
    """What values outside [0, 1] look like, and the mend."""
    slope, explained = _follows(found, given)
    if abs(slope) < UNRELATED and float(found.abs().max()) <= 1:
        return "they look like a perturbation; return images + perturbation"
    if explained > EXPLAINED and slope > BYTES:
        return "they look like images from 0 to 255; divide by 255"
    if explained > EXPLAINED and slope > STRETCHED:
        return "they look like normalised images; undo the normalisation before returning them"
    return "return images, clamped to [0, 1]"


def _follows(found: Tensor, given: Tensor) -> tuple[float, float]:
    """How steeply the one follows the other (least squares), and the share of it that explains."""
    x, y = given - given.mean(), found - found.mean()
    spread_given, spread_found = float((x * x).mean()), float((y * y).mean())
    if not spread_given or not spread_found:
        return 0.0, 0.0
    slope = float((x * y).mean()) / spread_given
    return slope, slope * slope * spread_given / spread_found
