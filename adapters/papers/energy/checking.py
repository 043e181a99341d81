"""What energy attacks refuse, in one line each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from adapters.base import UnsupportedSettings
from semibackward_bench.grammar import counted, form

if TYPE_CHECKING:
    from torch import Tensor

    from adapters.papers.energy.methods import Method
    from adapters.papers.energy.settings import EnergySettings


def check_settings(name: str, method: Method, settings: EnergySettings) -> None:
    """Whether an attack can be told this.

    Args:
        name: the attack's, for errors.
        method: the attack.
        settings: what it is told.

    Raises:
        UnsupportedSettings: it can't.
    """
    if settings.steps < 1:
        raise UnsupportedSettings(f"steps is {settings.steps}; an attack takes at least 1")
    if not (math.isfinite(settings.alpha) and settings.alpha >= 0):
        raise UnsupportedSettings(
            f"alpha is {settings.alpha:g}; it weighs the imperceptibility loss: give 0 or more"
        )
    if not (math.isfinite(settings.power) and settings.power >= 1):
        raise UnsupportedSettings(
            f"p is {settings.power:g}; the power loss (eq. 9) has an exponent of 1 or more"
        )
    for what, value, known in (
        ("space", settings.space, ("tanh", "projection")),
        ("norm", settings.norm, ("l2", "linf")),
    ):
        if value not in known:
            raise UnsupportedSettings(f"{what} is {value!r}; give {' or '.join(known)}")
    if method.early_exits and settings.keep_label:
        raise UnsupportedSettings(
            f"{name} has no classification loss to keep the label by; ask for it without"
        )


def check_images(images: Tensor) -> None:
    """Whether these are images that can be perturbed.

    Raises:
        UnsupportedSettings: a value is not finite, or outside [0, 1].
    """
    outside = ~((images >= 0) & (images <= 1))  # nan is neither
    lost = int(outside.sum())
    if lost:
        value = float(images[outside][0])
        raise UnsupportedSettings(
            f"{lost} of {counted(images.numel(), 'value')} of the images"
            f" {form(lost, 'is', 'are')} outside"
            f" [0, 1], as {value:g}; give images in [0, 1]"
        )


def shares(gate_flops: Tensor) -> Tensor:
    """w_i = c_i / Σ c, each gate's share of what all units cost (GradMDM, section 4.4).

    Args:
        gate_flops: (G,).

    Returns:
        (G,), float64.

    Raises:
        UnsupportedSettings: they are no costs.
    """
    costs = gate_flops.detach().cpu().double()
    if not len(costs):
        raise UnsupportedSettings("the network has no gates; an energy attack needs some")
    if not bool((costs >= 0).all()) or not 0 < float(costs.sum()) < math.inf:
        raise UnsupportedSettings(
            f"what the gates' units cost adds up to {float(costs.sum()):g} FLOPs, and the least is"
            f" {float(costs.min()):g}; each must cost 0 or more, and all together more than 0"
        )
    return costs / costs.sum()
