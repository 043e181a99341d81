"""A generator's step through its discriminator: DCGAN (Radford et al., 2016), layer by layer.

PyTorch's example and Ray Tune's have these statements: `errG.backward()` computes gradients of the
discriminator, which `netD.zero_grad()` throws away as the next step begins.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

NOISE, COLOURS, WIDTH = 100, 3, 32
"""Entries of what the generator draws from, an image's channels, the narrowest layer's channels."""


class Generator(nn.Sequential):
    """From noise to images of 64 × 64."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        before = NOISE
        for index, after in enumerate((8 * WIDTH, 4 * WIDTH, 2 * WIDTH, WIDTH)):
            stride, padding = (1, 0) if index == 0 else (2, 1)
            layers += [
                nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
            before = after
        last = nn.ConvTranspose2d(before, COLOURS, 4, 2, 1, bias=False)
        super().__init__(*layers, last, nn.Tanh())


class Discriminator(nn.Sequential):
    """From images of 64 × 64 to how real they look."""

    def __init__(self) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(COLOURS, WIDTH, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        for before in (WIDTH, 2 * WIDTH, 4 * WIDTH):
            layers += [
                nn.Conv2d(before, 2 * before, 4, 2, 1, bias=False),
                nn.BatchNorm2d(2 * before),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        last = nn.Conv2d(8 * WIDTH, 1, 4, bias=False)
        super().__init__(*layers, last, nn.Sigmoid())


def _begin(module: nn.Module) -> None:
    """The paper's first weights."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def setup(device: str = "cpu", batch: int = 16, seed: int = 0) -> dict[str, Any]:
    """A step of the generator; the discriminator normalizes by its batch, as in training."""
    torch.manual_seed(seed)
    generator = Generator().apply(_begin).to(device)
    discriminator = Discriminator().apply(_begin).to(device)
    optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    real = torch.ones(batch, device=device)
    judge = nn.BCELoss()

    def step() -> Tensor:
        fake: Tensor = generator(torch.randn(batch, NOISE, 1, 1, device=device))
        generator.zero_grad()
        loss: Tensor = judge(discriminator(fake).view(-1), real)
        loss.backward()
        optimizer.step()
        return fake.detach()

    return {
        "call": step,
        "foreign": discriminator,
        "state": [generator, optimizer],
        "toggled": True,
    }
