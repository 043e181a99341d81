"""Attacks by Monte-Carlo gradients (Dhillon et al. 2018, sections 2 to 4). Imports torch only.

A network that draws at random has another gradient in each pass. The attacker follows their mean,
an estimate of the gradient of E_p[J(M_p(θ), x, y)], from N samples; they stream through passes of
some samples each, so memory does not grow with N. λ and k are on a scale of 0 to 255, images in
[0, 1].

Each attack also comes for several λ at once, for the price of the largest: FGSM and noise have one
direction for all. Of the iterative attack, the images after t steps are the same for each λ >= t k,
as no pixel is farther than t k by then and clip_{x,λ} takes nothing away; and after the last step
of a smaller λ, clip_{x,λ} of what the largest has is clip_{x,λ} of the step itself, as one box lies
in the other. With one random stream they are the same, to the bit where λ is a multiple of k.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it
from torch import Tensor, nn

from adapters.base import UnsupportedSettings
from adapters.papers.sap import methods
from adapters.papers.sap.settings import SamplingSettings

SCALE = 255
"""What a pixel of 1 is on the paper's scale."""


def gradient(
    model: nn.Module, images: Tensor, labels: Tensor, *, samples: int, chunk: int
) -> Tensor:
    """Mean over samples of the gradient of each image's own cross-entropy (section 3.2).

    By `.backward()`, so parameters that ask for gradients get theirs in `.grad`, added to what is
    there.

    Args:
        model: images to logits (N, classes).
        images: (N, C, H, W), in [0, 1].
        labels: (N,).
        samples: N of the paper, 1 or more.
        chunk: samples that stand side by side in one pass, 1 or more; the last may have fewer.

    Returns:
        of the images' shape, in float32 at least, detached.

    Raises:
        UnsupportedSettings: there are no samples, or logits do not depend on the images.
    """
    methods.check(SamplingSettings(samples=samples, chunk=chunk))
    images = images.detach()
    total = torch.zeros_like(images, dtype=torch.promote_types(images.dtype, torch.float32))
    for size in passes(samples, chunk):
        total += _of_one_pass(model, images, labels, size).to(total.dtype)
    return total.div_(samples)


def passes(samples: int, chunk: int) -> Iterator[int]:
    """How many samples each pass takes."""
    for done in range(0, samples, chunk):
        yield min(chunk, samples - done)


def fgsm(model: nn.Module, images: Tensor, labels: Tensor, *, settings: SamplingSettings) -> Tensor:
    """The fast gradient sign method (section 2): x + λ sign(J), clipped to [0, 1].

    Args:
        model: whose gradient is followed.
        images: (N, C, H, W), in [0, 1].
        labels: (N,).
        settings: what it is told.

    Returns:
        perturbed images, of the same shape and dtype, detached.

    Raises:
        UnsupportedSettings: it can't be told this.
    """
    return fgsm_each(model, images, labels, [settings.strength], settings=settings)[0]


def fgsm_each(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    strengths: Sequence[float],
    *,
    settings: SamplingSettings,
) -> list[Tensor]:
    """`fgsm` with each of several λ, by one gradient; settings.strength is not read."""
    check_strengths(strengths, settings)
    sign = _direction(model, images, labels, settings)
    return [_stepped(images, sign, strength) for strength in strengths]


def iterative(
    model: nn.Module, images: Tensor, labels: Tensor, *, settings: SamplingSettings
) -> Tensor:
    """The iterative attack (section 4.5; Kurakin et al. 2016), in ⌈λ / k⌉ steps:
    x_t+1 = clip_{x,λ}(x_t + k sign(J at x_t)), into the ball around x and into [0, 1].

    Args, returns, raises: as `fgsm` has them.
    """
    return iterative_each(model, images, labels, [settings.strength], settings=settings)[0]


def iterative_each(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    strengths: Sequence[float],
    *,
    settings: SamplingSettings,
) -> list[Tensor]:
    """`iterative` with each of several λ, by the steps of the largest; settings.strength is not
    read."""
    check_strengths(strengths, settings)
    images = images.detach()
    steps = [math.ceil(strength / settings.step) for strength in strengths]
    found: dict[int, Tensor] = {}
    now = images
    for step in range(max(steps) + 1):
        if step:
            sign = _direction(model, now, labels, settings)
            now = _clipped(_stepped(now, sign, settings.step), images, max(strengths))
        for index, strength in enumerate(strengths):
            if steps[index] == step:
                found[index] = _clipped(now, images, strength)
    return [found[index] for index in range(len(strengths))]


def noise(
    model: nn.Module, images: Tensor, labels: Tensor, *, settings: SamplingSettings
) -> Tensor:
    """A control that looks at no network: x + λ times random signs, clipped to [0, 1].

    Args, returns, raises: as `fgsm` has them.
    """
    return noise_each(model, images, labels, [settings.strength], settings=settings)[0]


def noise_each(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    strengths: Sequence[float],
    *,
    settings: SamplingSettings,
) -> list[Tensor]:
    """`noise` with each of several λ, by the same signs; settings.strength is not read."""
    check_strengths(strengths, settings)
    images = images.detach()
    sign = torch.randint(0, 2, images.shape, device=images.device).to(images.dtype).mul_(2).sub_(1)
    return [_stepped(images, sign, strength) for strength in strengths]


Each = Callable[..., list[Tensor]]
EACH: Mapping[str, Each] = {
    "fgsm": fgsm_each,
    "iterative": iterative_each,
    "noise": noise_each,
}
"""By the attack's name, what makes its images for several λ."""


def check_strengths(strengths: Sequence[float], settings: SamplingSettings) -> None:
    """Whether an attack can be told these.

    Raises:
        UnsupportedSettings: it can't; in one line.
    """
    if not strengths:
        raise UnsupportedSettings("strengths: none is given; give one λ at least, from 0")
    for strength in strengths:
        if not 0 <= strength < math.inf:
            raise UnsupportedSettings(f"strength = {strength:g} must be at least 0")
    methods.check(settings)


def _direction(
    model: nn.Module, images: Tensor, labels: Tensor, settings: SamplingSettings
) -> Tensor:
    """Signs of the gradient, 0 where it is 0, of the images' dtype."""
    mean = gradient(model, images, labels, samples=settings.samples, chunk=settings.chunk)
    return mean.sign_().to(images.dtype)


def _of_one_pass(model: nn.Module, images: Tensor, labels: Tensor, size: int) -> Tensor:
    """The sum of the gradients of `size` samples."""
    with torch.enable_grad():
        many = torch.cat([images] * size).requires_grad_(True)
        logits = model(many)
        if not logits.requires_grad:
            raise UnsupportedSettings("the network's logits have no gradient to follow")
        wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
        F.cross_entropy(wide, torch.cat([labels] * size), reduction="sum").backward()
    found = many.grad
    if found is None:
        raise UnsupportedSettings(
            "the network's logits have no gradient with respect to its images; let them depend on"
            " the images by operations that PyTorch differentiates"
        )
    if size == 1:
        return found
    wide_enough = torch.promote_types(found.dtype, torch.float32)
    return found.view(size, *images.shape).sum(0, dtype=wide_enough)


def _stepped(images: Tensor, sign: Tensor, length: float) -> Tensor:
    """A step of a length on the paper's scale, clipped to [0, 1]."""
    return (images.detach() + (length / SCALE) * sign).clamp_(0, 1)


def _clipped(images: Tensor, centre: Tensor, radius: float) -> Tensor:
    """The nearest images in the ball of a radius, on the paper's scale."""
    reach = radius / SCALE
    return torch.minimum(torch.maximum(images, centre - reach), centre + reach)
