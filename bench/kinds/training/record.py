"""What records hold of a training that was taken to its end. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bench.kinds.record import OwnRecord

LINE = "training"
"""What `kind` of such a line of records is."""


@dataclass(frozen=True, kw_only=True)
class TrainingRecord(OwnRecord):
    """One variant of a case, trained to the end, however it ended.

    Attributes:
        case_id, case, variant: what was trained.
        status: "ok", or how it ended.
        seed: of weights, data order and attacks.
        reason: why the status is not "ok", in words.
        epochs: how many were asked for.
        updates: optimisation steps made.
        images: that it was trained on.
        test_images: that it was tested on.
        losses: mean of each epoch.
        seconds: wall seconds of each epoch; for orientation, the comparison's are better.
        clean_accuracy: share of the test images classified rightly.
        robust_accuracy: share after the attack of `evaluation`.
        evaluation: the attack's name, its radius and length of a step on images in [0, 1].
        weights: digest of all parameters and buffers, bit for bit.
        checkpoint: name of the safetensors file that holds them.
    """

    epochs: int
    updates: int = 0
    images: int = 0
    test_images: int = 0
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    clean_accuracy: float | None = None
    robust_accuracy: float | None = None
    evaluation: dict[str, float | str] = field(default_factory=dict)
    weights: str | None = None
    checkpoint: str | None = None
    kind: Literal["training"] = "training"

    @property
    def key(self) -> tuple[str, str, int]:
        return self.case_id, self.variant, self.epochs
