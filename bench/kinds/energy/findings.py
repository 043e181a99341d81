"""What records hold of an energy attack that was taken to its end. Pure values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bench.cases import Findings
from bench.kinds.record import OwnRecord
from semibackward_bench.grammar import counted

LINE = "energy attack"
"""What `kind` of a line of an attack to its end is."""


@dataclass(frozen=True)
class Reached:
    """What perturbed images cost a network, and how they look.

    Attributes:
        images: how many.
        recovery: of each image, ARP's summand in percent; None where every gate is on for the clean
            image, so that there is nothing to recover.
        mse: mean squared error of each image, on a scale of 0 to 255.
        clean_flops: executed for each clean image.
        flops: executed for each perturbed image.
        static_flops: with every gate on.
        clean_right: whether each clean image is classified rightly.
        right: whether each perturbed image is.
    """

    images: int
    recovery: list[float | None]
    mse: list[float]
    clean_flops: list[float]
    flops: list[float]
    static_flops: float
    clean_right: list[bool]
    right: list[bool]

    def check(self) -> None:
        """Look whether it tells of every image, and what can be.

        Raises:
            ValueError: it does not; with what is wrong.
        """
        for name in ("recovery", "mse", "clean_flops", "flops", "clean_right", "right"):
            found = len(getattr(self, name))
            if found != self.images:
                raise ValueError(f"reached.{name}: {found} for {counted(self.images, 'image')}")
        if self.static_flops < 1:
            raise ValueError(
                f"reached.static_flops: {self.static_flops} is no number of operations"
            )
        if min(self.mse, default=0) < 0:
            raise ValueError(f"reached.mse: {min(self.mse)} is no mean of squares")


@dataclass(frozen=True, kw_only=True)
class EnergyFindings(Findings):
    """What an attack on images of the timed batch comes to at its end.

    Attributes:
        weights: where the network's come from, in words.
        iterations: of the attack.
        backwards: backward passes through the network in one step.
        reached: of its first images.
    """

    weights: str
    iterations: int
    backwards: int
    reached: Reached
    kind: Literal["energy"] = "energy"

    def check(self) -> None:
        if self.backwards < 0:
            raise ValueError(f"findings.backwards: {self.backwards}")
        self.reached.check()


@dataclass(frozen=True)
class Step:
    """One iteration of an attack, over all images.

    Attributes:
        recovery: average percentage, of images that have something to recover; None without any.
        mse: mean over images, on a scale of 0 to 255.
        on: of the first image, a character for each gate: "1" on, "0" off.
        angle: mean angle between the complexity and the finished gradient, in degrees; None where
            no image has both, or the attack has no finished gradient.
        masked_angle: the same after masking.
    """

    recovery: float | None
    mse: float
    on: str = ""
    angle: float | None = None
    masked_angle: float | None = None


@dataclass(frozen=True, kw_only=True)
class EnergyRecord(OwnRecord):
    """One attack to its end, on test images.

    Attributes:
        network_seed: that the network was trained with; also draws the images.
        iterations: of the attack.
        weights: digest of the network's.
        reached: on the network that was attacked.
        steps: of each iteration, before its update.
        elsewhere: the same perturbed images on another network, or behind a defence, by name.
        left_out: what of these can't be, by name, with the reason.
        seconds: of the whole attack, by the wall; for orientation, the comparison's are better.
    """

    network_seed: int
    iterations: int
    weights: str = ""
    reached: Reached | None = None
    steps: list[Step] = field(default_factory=list)
    elsewhere: dict[str, Reached] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    kind: Literal["energy attack"] = "energy attack"

    def check(self) -> None:
        for reached in (self.reached, *self.elsewhere.values()):
            if reached is not None:
                reached.check()

    @property
    def key(self) -> tuple[str, str, int]:
        return self.case_id, self.variant, self.network_seed
