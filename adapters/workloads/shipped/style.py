"""Style transfer (Gatys et al., 2016) through VGG-19: a step of L-BFGS on an image.

The losses and their layers are those of PyTorch's tutorial, which for years left VGG's weights
requiring gradients, and now freezes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import vgg

SIZE, EVALUATIONS, STYLE_WEIGHT = 64, 4, 1e6
"""Pixels a side, evaluations of the loss in a step, how much style counts beside content."""
LAYERS = 7
"""Entries of torchvision's list of VGG-19's layers: five convolutions, two poolings."""
CONTENT = 3
"""Which convolution's output is the content, from 0; the style is every one's."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def gram(features: Tensor) -> Tensor:
    """Gram matrices of features, divided by how many entries the features have.

    Args:
        features: of shape (images, channels, height, width).
    """
    images, channels, height, width = features.shape
    flat = features.reshape(images * channels, height * width)
    return flat @ flat.T / flat.numel()


def convolutions(layers: nn.Sequential, images: Tensor) -> list[Tensor]:
    """What each convolution puts out.

    Args:
        layers: VGG's, up to the last convolution that is looked at.
        images: in [0, 1], of shape (images, 3, height, width).
    """
    found = []
    values = (images - images.new_tensor(MEAN).view(-1, 1, 1)) / images.new_tensor(DEVIATION).view(
        -1, 1, 1
    )
    for layer in layers:
        values = layer(values)
        if isinstance(layer, nn.Conv2d):
            found.append(values)
    return found


class Vgg19(nn.Sequential):
    """Up to its fifth convolution, with random weights as VGG's, and nothing written over."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        for layer in vgg.make_layers(vgg.cfgs["E"][:LAYERS])[:-1]:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            layers.append(nn.ReLU() if isinstance(layer, nn.ReLU) else layer)
        super().__init__(*layers)


def setup(device: str = "cpu", seed: int = 0) -> dict[str, Any]:
    """One step of the optimizer, which evaluates the loss a few times."""
    torch.manual_seed(seed)
    layers = Vgg19().to(device).eval()
    content, style = torch.rand(2, 1, 3, SIZE, SIZE).to(device)
    with torch.no_grad():
        wanted = convolutions(layers, content)[CONTENT]
        grams = list(map(gram, convolutions(layers, style)))
    image: Tensor = content.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([image], max_iter=EVALUATIONS)
    step: Callable[..., Any] = optimizer.step

    def closure() -> Tensor:
        with torch.no_grad():
            image.clamp_(0, 1)
        optimizer.zero_grad()
        seen = convolutions(layers, image)
        style_loss = sum(map(functional.mse_loss, map(gram, seen), grams))
        loss: Tensor = functional.mse_loss(seen[CONTENT], wanted) + STYLE_WEIGHT * style_loss
        loss.backward()
        return loss

    def draw() -> Tensor:
        step(closure)
        return image.detach().clone()

    return {"call": draw, "foreign": layers, "state": [image, optimizer]}
