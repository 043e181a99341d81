"""The attacks that MAD trains with and networks are judged by: any library's PGD, torchattacks' and
one of our own where no library has it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from adapters import reference, registry
from adapters.base import Settings, UnsupportedSettings
from adapters.papers.mad.methods import EVALUATED, LONG_STEPS, REACH

if TYPE_CHECKING:
    from adapters.base import AttackFunction

EVALUATING = "torchattacks"
"""The library that networks are judged by."""
_OWN = {"reference": "pgd-backward"}
"""What PGD is called in a library that does not call it so."""


def pgd_of(library: str) -> str:
    """The name of a library's PGD.

    Raises:
        UnsupportedSettings: it has none that keeps to a ball.
    """
    name = _OWN.get(library, "pgd")
    attacks = registry.get(library).attacks()
    if name not in attacks or not attacks[name].takes("eps"):
        raise UnsupportedSettings(f"{library} has no pgd in a ball to train with")
    return name


def inside(library: str, model: nn.Module, settings: Settings) -> AttackFunction:
    """A library's PGD as the seed sets it: from a random start, steps of 2.3 ε / steps.

    Args:
        library: an adapter's name.
        model: images (N, C, H, W) in [0, 1] to logits (N, classes).
        settings: with eps and steps.

    Returns:
        images (N, C, H, W) and labels (N,) to adversarial images.

    Raises:
        AdapterError: the library is unavailable, or has no such attack.
    """
    name = pgd_of(library)
    adapter = registry.get(library)
    adapter.load()
    return adapter.build(name, model, stepping(settings))


def evaluating(attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
    """One of the attacks that networks are judged by; see `methods.EVALUATED`.

    Args, raises: as `inside` has them.
    """
    if attack not in EVALUATED:
        raise UnsupportedSettings(f"there is no attack {attack!r} to judge by")
    if attack == "pgd":
        return inside(EVALUATING, model, settings)
    if attack == "cw-linf":
        if settings.eps is None:
            raise UnsupportedSettings("cw-linf needs the radius of a ball")
        return partial(cw_linf, model, eps=settings.eps, steps=LONG_STEPS)
    adapter = registry.get(EVALUATING)
    adapter.load()
    steps = LONG_STEPS if attack == "apgd" else None
    told = replace(settings, steps=steps, step_size=None, random_start=None)
    return adapter.build(attack, model, told)


def cw_linf(
    model: nn.Module, images: Tensor, labels: Tensor, *, eps: float, steps: int = LONG_STEPS
) -> Tensor:
    """PGD on the loss of Carlini and Wagner 2017 (f6, κ = 0), in an L-infinity ball, as the seed's
    code has it: from a random start, steps of 2.3 ε / steps; images that are misclassified stay.

    Args:
        model: images (N, C, H, W) in [0, 1] to logits (N, classes).
        images: (N, C, H, W), in [0, 1].
        labels: (N,), class numbers.
        eps: radius of the ball.
        steps: their number.

    Returns:
        adversarial images (N, C, H, W), detached.
    """

    def loss(perturbed: Tensor) -> Tensor:
        logits = model(perturbed)
        right = logits.gather(1, labels[:, None])[:, 0]
        others = logits.scatter(1, labels[:, None], -torch.inf).amax(dim=1)
        found: Tensor = -(right - others).clamp(min=0).sum()
        return found

    start = (images + torch.empty_like(images).uniform_(-eps, eps)).clamp(0, 1)
    return reference.ascend(
        *(loss, reference.by_autograd_grad, images),
        start=start,
        eps=eps,
        step_size=REACH * eps / steps,
        steps=steps,
    )


def stepping(settings: Settings) -> Settings:
    """The settings of PGD as the seed sets it.

    Raises:
        UnsupportedSettings: there is no radius, or no number of steps.
    """
    if settings.eps is None or not settings.steps:
        raise UnsupportedSettings("PGD needs the radius of a ball and a number of steps")
    length = REACH * settings.eps / settings.steps
    return replace(settings, step_size=length, random_start=True)
