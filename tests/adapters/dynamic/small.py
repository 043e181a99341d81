"""Small dynamic networks, and what tests ask of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from adapters.models.dynamic.base import DynamicNetwork
from adapters.models.dynamic.catalogue import NETWORKS

IMAGES = 4
TINY: Mapping[str, Mapping[str, Any]] = {
    "skipnet:SkipNet": {"widths": (4, 8), "units": (2, 3)},
    "sact:Sact": {"widths": (4, 8), "units": (3, 3)},
    "shallow_deep:ShallowDeep": {"widths": (4, 8), "units": (2, 2), "exits": (1, 2, 3)},
    "manidp:ManiDp": {"widths": (4, 8), "blocks": 1},
    "dvt:Dvt": {"dim": 8, "layers": 2, "heads": 2},
    "avit:AVit": {"dim": 8, "layers": 3, "heads": 2, "patch": 8, "shift": -1.0},
}
"""Arguments that make a small network of a class."""

MADE = {network.made: network.size for network in NETWORKS.values()}
"""Every class, with the side of its images."""


def class_of(made: str) -> Callable[..., DynamicNetwork]:
    module, _, name = made.partition(":")
    found: Callable[..., DynamicNetwork] = getattr(importlib.import_module(module), name)
    return found


def build(made: str, seed: int = 0, classes: int = 10) -> DynamicNetwork:
    torch.manual_seed(seed)
    tiny = TINY[made.rpartition(".")[2]]
    return class_of(made)(classes=classes, **tiny).eval()


def pictures(side: int, count: int = IMAGES) -> Tensor:
    """Some of which are flat, some not, so that gates find a difference."""
    generator = torch.Generator().manual_seed(3)
    contrast = torch.linspace(0.1, 1, count)[:, None, None, None]
    return 0.5 + contrast * (torch.rand(count, 3, side, side, generator=generator) - 0.5)


def operations(network: DynamicNetwork, images: Tensor) -> int:
    """As PyTorch counts them."""
    counting = pytest.importorskip("torch.utils.flop_counter")
    with torch.no_grad(), counting.FlopCounterMode(display=False) as counter:
        network(images)
    counted: int = counter.get_total_flops()
    return counted


def close(found: Tensor, expected: Tensor) -> bool:
    """The same to rounding; without what `torch.testing` imports, which takes a second."""
    return found.shape == expected.shape and torch.allclose(found, expected, atol=1e-4, rtol=1e-4)
