"""Energy attacks by descent: GradMDM (Pan et al.) and the attacks that it is held against.

A step is one forward pass, and one `.backward()` for each loss of the network, as the authors'
public code calls them; imperceptibility's goes through the perturbation alone. What is descended,
of each image by itself, is

    alpha L_I + SCALE (L_off + LABEL L_label)

where L_off is eq. 7, 8 or 9, its gradient masked (eqs. 11 to 16) where the method does, and L_label
is the classification loss where the label is kept. Adam takes the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from adapters.models.dynamic.base import Gated
from adapters.papers.energy import losses, masking
from adapters.papers.energy.checking import check_images, shares
from adapters.papers.energy.gradients import gradient
from adapters.papers.energy.methods import Method
from adapters.papers.energy.settings import EnergySettings
from adapters.papers.energy.spaces import SPACES, Space

RATE = 0.01
"""Of Adam, on δ. The paper names none; the authors' public code has this."""
SCALE = 1.5e5
"""Of the network's losses against alpha L_I. The paper names none, and without one its alpha of 100
keeps x' at x; the authors' public code has this."""
LABEL = 0.1
"""Of the classification loss against the gates'; ours, as the paper names none."""

IMPERCEPTIBILITY = {"l2": losses.squared, "linf": losses.largest}


class Dynamic(Protocol):
    """What is known of a dynamic network, as a look at it finds."""

    @property
    def read(self) -> Callable[[object], Gated]:
        """From the network's output to what it tells."""

    @property
    def gate_flops(self) -> Tensor:
        """(G,), what each gate's unit costs."""


class Seen(NamedTuple):
    """One iteration of an attack, before its update.

    Attributes:
        iteration: its number, from 0.
        gated: what the network makes of x', detached.
        images: x', (N, C, H, W), detached.
        angle: between complexity and finished gradient of each image, (N,), in degrees, nan where
            one is 0; None of an attack that has not both.
        masked_angle: the same after masking; while warming up nothing is masked.
    """

    iteration: int
    gated: Gated
    images: Tensor
    angle: Tensor | None = None
    masked_angle: Tensor | None = None


Watch = Callable[[Seen], object]


@dataclass(frozen=True)
class _Task:
    """What stays from step to step."""

    model: nn.Module
    images: Tensor
    labels: Tensor
    dynamic: Dynamic
    method: Method
    settings: EnergySettings
    watch: Watch | None
    weights: Tensor


def descend(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    dynamic: Dynamic,
    method: Method,
    settings: EnergySettings,
    watch: Watch | None = None,
) -> Tensor:
    """Perturb images so that a dynamic network executes more.

    Parameters need not ask for gradients; those that do get theirs in `.grad`, added to what is
    there, by every `.backward()`.

    Args:
        model: a dynamic network, in evaluation mode.
        images: (N, C, H, W), in [0, 1].
        labels: (N,), class numbers; read only where the label is kept.
        dynamic: what is known of the network.
        method: the attack, but one for early exits.
        settings: what it is told.
        watch: called in each iteration, before its update; None where it is timed.

    Returns:
        x' after the last update, (N, C, H, W), in [0, 1], of the images' dtype, detached.

    Raises:
        UnsupportedSettings: an image is outside [0, 1], or the gates can't be attacked.
    """
    check_images(images)
    space = SPACES[settings.space](images)
    weights = shares(dynamic.gate_flops).to(space.free)
    task = _Task(model, images, labels, dynamic, method, settings, watch, weights)
    optimizer = torch.optim.Adam([space.free], lr=RATE)
    with torch.enable_grad():
        for iteration in range(settings.steps):
            space.free.grad = _direction(task, space, iteration)
            optimizer.step()
            space.settle()
    return space.perturbed().detach().to(images.dtype)


def detached(gated: Gated) -> Gated:
    """The same values, which keep no graph alive."""
    exits = None if gated.exits is None else gated.exits.detach()
    return Gated(gated.logits.detach(), gated.gates.detach(), gated.flops.detach(), exits)


def _direction(task: _Task, space: Space, iteration: int) -> Tensor:
    """The gradient that one step descends, of the shape of what is optimised."""
    settings, method = task.settings, task.method
    perturbed = space.perturbed()
    gated = task.dynamic.read(task.model(perturbed.to(task.images.dtype)))
    gates = gated.gates.to(task.weights.dtype)
    seen = IMPERCEPTIBILITY[settings.norm](perturbed, space.clean)
    imperceptibility = gradient(space.free, seen, "images")
    steepest = gradient(space.free, _loss(task, gates, iteration), "gating values")
    direction, finished = steepest, None
    if method.masks:
        finished = gradient(space.free, losses.finished(gates, task.weights), "gating values")
        if iteration >= method.warm_up(settings.steps):
            direction = masking.masked(steepest, finished)
    if task.watch is not None:
        angles = [masking.angle(g, finished) for g in (steepest, direction) if finished is not None]
        images = perturbed.detach().to(task.images.dtype)
        task.watch(Seen(iteration, detached(gated), images, *angles))
    if settings.keep_label:
        kept = losses.classification(gated.logits.to(gates.dtype), task.labels)
        direction = direction + LABEL * gradient(space.free, kept, "logits")
    return settings.alpha * imperceptibility + SCALE * direction


def _loss(task: _Task, gates: Tensor, iteration: int) -> Tensor:
    """Of gates (N, G), what this iteration descends, (N,)."""
    method, since = task.method, iteration - task.method.warm_up(task.settings.steps)
    if method.off == "joint":
        return losses.joint(gates, task.weights)
    if method.off == "complexity" or since < 0:
        return losses.complexity(gates, task.weights)
    if method.finished == "in turn" and since % 2:
        return losses.finished(gates, task.weights)
    return losses.power(gates, task.weights, task.settings.power)
