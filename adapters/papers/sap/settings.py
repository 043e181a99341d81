"""What an attack by Monte-Carlo gradients is told. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Gradient = Literal["own", "dense"]


@dataclass(frozen=True)
class SamplingSettings:
    """Of one attack (Dhillon et al. 2018, sections 2 and 4).

    Attributes:
        strength: λ, the radius of the L-infinity ball on a scale of 0 to 255, from 0.
        step: k of the iterative attack, on the same scale, above 0.
        samples: N, Monte-Carlo samples of each gradient, from 1.
        chunk: samples that one pass takes, from 1.
        gradient: of the defended network itself, or of the dense one as a control.
        dtype, device: of the images.
    """

    strength: float = 8.0
    step: float = 1.0
    samples: int = 1
    chunk: int = 1
    gradient: Gradient = "own"
    dtype: str = "float32"
    device: str = "cpu"
