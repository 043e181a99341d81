"""What records say of memory: whether workers kept it, and what came out where they did not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.statistics.blocks import Order

MemoryPolicy = Literal["keep", "system"]
"""Keep memory that is given back, or do with it what the system's allocator does by itself."""


@dataclass(frozen=True)
class MemoryUse:
    """What workers on a CPU do with memory that is given back.

    Attributes:
        policy: what was asked for.
        c_library: its name and version, as "glibc 2.36"; the system's where it has no name.
        allocator: what hands memory out; None where nobody tells.
        kept: whether memory that was given back and taken again needed no work of the kernel, as
            a process of its own saw; None where it could not see.
    """

    policy: MemoryPolicy
    c_library: str
    allocator: str | None
    kept: bool | None

    @property
    def told(self) -> str:
        """In words, after "memory is"."""
        of = self.c_library
        if self.allocator not in (None, self.c_library):
            of = f"{self.allocator} on {self.c_library}"
        if self.policy == "system":
            return f"as the system gives it ({of})"
        if self.kept:
            return f"kept when it is given back ({of})"
        doubt = "is not" if self.kept is False else "may not be"
        return f"asked to be kept, but {doubt} ({of})"


@dataclass(frozen=True)
class AsGiven:
    """The same comparison with memory as the system gives it, beside one that keeps it.

    Attributes:
        speedups: of each process that has calm blocks, the median of these.
        seconds, faults, order, processes: of these blocks, as in a comparison.
    """

    speedups: list[float]
    seconds: dict[str, list[float]]
    faults: dict[str, list[int]] | None
    order: list[Order]
    processes: list[int]


@dataclass(frozen=True)
class MaxBatch:
    """The largest batch that fits, for each variant.

    Attributes:
        largest: images in the batch; 0 where not even one fits.
        failed: the smallest batch that was tried and did not fit; None where the search ended
            before one failed.
        limit: bytes that the worker might use; None where the device alone set the limit.
    """

    largest: dict[str, int]
    failed: dict[str, int | None]
    limit: int | None = None


@dataclass(frozen=True)
class MemoryParts:
    """What one run of a variant held at its fullest, in bytes.

    Attributes:
        before: held when the run began: model, images, what else lives (0 on a CPU, where the peak
            is counted from there).
        saved: activations that autograd kept for the backward pass.
        gradients: `.grad` buffers of the parameters.
        rest: the peak less all of these: workspaces, the attack's own tensors.
        reserved: peak of what torch's allocator took from the device; None on a CPU.

    `saved` and `gradients` are of the moment when together they were largest.
    """

    before: int
    saved: int
    gradients: int
    rest: int
    reserved: int | None = None
