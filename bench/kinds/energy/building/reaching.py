"""In the worker: what perturbed images cost a network, and how they look."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from adapters.models.dynamic.base import Gated
from adapters.models.dynamic.checking import Dynamic
from adapters.papers.energy import metrics
from bench.kinds.energy.findings import Reached


def reached(
    model: nn.Module,
    dynamic: Dynamic,
    images: Tensor,
    perturbed: Tensor,
    labels: Tensor,
    *,
    batch: int,
    error: Tensor | None = None,
) -> Reached:
    """Run the network on both, and tell.

    Args:
        model: of which `dynamic` tells how to read it.
        dynamic: its gates' costs.
        images: (N, C, H, W), clean.
        perturbed: of the same shape.
        labels: (N,).
        batch: images that are run at a time.
        error: (N,), the mean squared error of each image, where both have been through a defence
            and it is that before it which counts; None for theirs.
    """
    clean, after = (_run(model, dynamic, given, batch) for given in (images, perturbed))
    static = float(dynamic.static_flops)
    recovery = metrics.recovery(clean.flops, after.flops, static).tolist()
    seen = metrics.mse(images, perturbed) if error is None else error
    return Reached(
        images=len(images),
        recovery=[None if math.isnan(value) else round(value, 4) for value in recovery],
        mse=[round(value, 6) for value in seen.tolist()],
        clean_flops=clean.flops.tolist(),
        flops=after.flops.tolist(),
        static_flops=static,
        clean_right=(clean.logits.argmax(1) == labels).tolist(),
        right=(after.logits.argmax(1) == labels).tolist(),
    )


def _run(model: nn.Module, dynamic: Dynamic, images: Tensor, batch: int) -> Gated:
    with torch.no_grad():
        found = [dynamic.read(model(few)) for few in images.split(batch)]
    flops = torch.cat([each.flops.double().cpu() for each in found])
    logits = torch.cat([each.logits for each in found])
    return Gated(logits, torch.cat([each.gates for each in found]), flops)
