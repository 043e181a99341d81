"""What an optimisation step of a training adds to a case. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from bench.cases import Case
from bench.kinds.images.options import OnImages, without

NO_ATTACK = "none"
"""What stands for the attack of a training without one, or with one that is part of its step."""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(OnImages):
    """Of one optimisation step, the attack inside it.

    Attributes:
        training: method of `adapters.papers.methods`; library and attack are those inside.
        data: "digits", or the path of a folder with CIFAR, SVHN, CUB or Tiny-ImageNet.
        replays: how often a method trains on a minibatch before the next; None for once.
    """

    building: ClassVar[str] = "bench.kinds.training.building:build"

    training: str
    data: str
    replays: int | None = None
    kind: Literal["training"] = "training"

    def what(self, case: Case) -> str:
        """The training, and the attack inside it."""
        inside = "" if case.attack == NO_ATTACK else f" with {case.library} {case.attack}"
        return f"{self.training} training{inside}"

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), "images": self.data}

    def identity(self, case: Case) -> dict[str, Any]:
        asked = super().identity(case)
        asked["images"] = asked.pop("data")
        return without(asked, "replays")
