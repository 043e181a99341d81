"""What an energy attack is told. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Space = Literal["tanh", "projection"]
Norm = Literal["l2", "linf"]


@dataclass(frozen=True)
class EnergySettings:
    """Of one attack; the seed's own are the defaults (GradMDM, section 4.4).

    Attributes:
        steps: iterations.
        alpha: weight of the imperceptibility loss, from 0.
        power: p of the power loss (eq. 9), from 1.
        space: how images stay in [0, 1]: through tanh (eq. 4), or by projection (section 5.3).
        norm: of the imperceptibility loss (section 5.3).
        keep_label: whether a classification loss keeps the label (table VII).
        device, dtype: of the images.
    """

    steps: int = 100
    alpha: float = 100.0
    power: float = 4.0
    space: Space = "tanh"
    norm: Norm = "l2"
    keep_label: bool = False
    dtype: str = "float32"
    device: str = "cpu"
