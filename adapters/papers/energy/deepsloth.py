"""DeepSloth (Hong et al. 2021): every early exit is made so unsure that the image stays."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from adapters.base import UnsupportedSettings
from adapters.papers.energy import losses
from adapters.papers.energy.attack import Dynamic, Seen, Watch, detached
from adapters.papers.energy.checking import check_images
from adapters.papers.energy.gradients import gradient
from adapters.papers.energy.settings import EnergySettings

EPS = 0.03125
"""Radius of the L-infinity ball, as the authors' public code has it."""
STEP = 0.002
"""Length of a step, and radius of the noise that it starts from, from there as well."""


def slow_down(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    dynamic: Dynamic,
    settings: EnergySettings,
    watch: Watch | None = None,
) -> Tensor:
    """Steps of the gradient's sign down the distance of every early exit's confidence from uniform,
    in an L-infinity ball and [0, 1], from uniform noise: one forward, one `.backward()` a step.

    Args:
        model: a network with early exits, in evaluation mode.
        images: (N, C, H, W), in [0, 1].
        labels: not read.
        dynamic: what is known of the network.
        settings: of them the steps alone count; nothing else is published.
        watch: called in each iteration, before its update; None where it is timed.

    Returns:
        (N, C, H, W), in [0, 1], of the images' dtype, detached.

    Raises:
        UnsupportedSettings: the network has no early exits, or an image is outside [0, 1].
    """
    check_images(images)
    noise = torch.empty_like(images).uniform_(-STEP, STEP)
    perturbed = (images + noise).clamp(0, 1).detach()
    with torch.enable_grad():
        for iteration in range(settings.steps):
            perturbed.requires_grad_(True)
            gated = dynamic.read(model(perturbed))
            if gated.exits is None or gated.exits.shape[1] < 2:
                raise UnsupportedSettings(
                    "deepsloth is for networks with early exits, and this one has none"
                )
            if watch is not None:
                watch(Seen(iteration, detached(gated), perturbed.detach()))
            steepest = gradient(perturbed, losses.uniform(gated.exits), "early exits")
            with torch.no_grad():
                change = (perturbed - STEP * steepest.sign() - images).clamp(-EPS, EPS)
                perturbed = (images + change).clamp(0, 1)
    return perturbed
