"""Forces of molecules by an ANI-style potential, as TorchANI's users ask for them.

`torchani.single_point(…, forces=True)` asks `torch.autograd.grad` for the coordinates alone, which
in eager mode computes no gradient of a weight.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchani import single_point
from torchani.arch import simple_ani

ETHANOL = (
    (6, (-0.748, -0.015, 0.024)),
    (6, (0.558, 0.420, -0.278)),
    (8, (1.293, -0.202, -0.901)),
    (1, (-1.263, 0.754, 0.600)),
    (1, (-0.699, -0.934, 0.609)),
    (1, (-1.316, -0.184, -0.890)),
    (1, (0.716, 1.404, 0.137)),
    (1, (0.994, 0.512, 0.806)),
    (1, (0.893, 0.155, -1.722)),
)
"""Atomic numbers and roughly where the atoms are, in ångström."""


def setup(device: str = "cpu", batch: int = 32, seed: int = 0) -> dict[str, Any]:
    """Energies and forces of a batch of shaken ethanol molecules."""
    torch.manual_seed(seed)
    model = simple_ani(("H", "C", "N", "O"), lot="wb97x-631gd", strategy="pyaev").to(device)
    species = torch.tensor([number for number, _ in ETHANOL]).repeat(batch, 1).to(device)
    still = torch.tensor([place for _, place in ETHANOL])
    places = (still + 0.05 * torch.randn(batch, *still.shape)).to(device)

    def energies_and_forces() -> dict[str, Tensor]:
        found: dict[str, Tensor] = single_point(model, species, places, forces=True)
        return found

    return {"call": energies_and_forces, "foreign": model}
