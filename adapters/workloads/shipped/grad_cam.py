"""Grad-CAM (Selvaraju et al., 2017) of a ResNet, by pytorch-grad-cam.

It calls `loss.backward()` and reads one gradient: that of a layer's output. Freezing alone breaks
it: nothing requires a gradient then. The layer's output is asked to require one, and the backward
pass ends there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn
from torchvision import models

SIZE = 112
"""Pixels a side."""


@contextmanager
def requiring_gradient(layer: nn.Module) -> Iterator[None]:
    """While it lasts, what a layer puts out requires a gradient, before any other hook sees it."""

    def ask(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        output.requires_grad_()

    hook = layer.register_forward_hook(ask, prepend=True)
    try:
        yield
    finally:
        hook.remove()


def explainer(device: str, batch: int, seed: int) -> tuple[GradCAM, Tensor, list[Any]]:
    """Grad-CAM of a ResNet-18's last block, with images and classes to ask it about.

    Args:
        device: torch's name of it.
        batch: how many images.
        seed: of the weights and of the images.
    """
    torch.manual_seed(seed)
    model = models.resnet18(weights=None).to(device).eval()
    images = torch.rand(batch, 3, SIZE, SIZE).to(device)
    wanted = [ClassifierOutputTarget(index) for index in range(batch)]
    return GradCAM(model=model, target_layers=[model.layer4[-1]]), images, wanted


def setup(device: str = "cpu", batch: int = 4, seed: int = 0) -> dict[str, Any]:
    """The maps of a batch; frozen, the last block's output is what requires a gradient."""
    cam, images, wanted = explainer(device, batch, seed)

    def maps() -> Tensor:
        return torch.from_numpy(cam(input_tensor=images, targets=wanted))

    def frozen() -> Tensor:
        with requiring_gradient(cam.target_layers[0]):
            return maps()

    return {"call": maps, "foreign": cam.model, "frozen_call": frozen}
