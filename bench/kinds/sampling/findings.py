"""What records hold of networks that draw at random, and of attacks on them. Pure values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from bench.cases import Findings
from bench.kinds.record import OwnRecord
from semibackward_bench.grammar import counted

JUDGED, PLAYED = "robustness", "agent"
"""What `kind` of a line is: of a classifier under attack, of an agent under attack."""


@dataclass(frozen=True, kw_only=True)
class SamplingFindings(Findings):
    """How a timed attack takes its samples.

    Attributes:
        weights: where the network's come from, in words.
        chunk: samples that one pass takes.
        why: what the chunk was chosen by, in words.
        passes: forward passes of one run, each with its backward pass.
        probed: of those, how many a run had that was looked into, for gradients, operations and
            memory.
        relus: activation maps that are changed in one pass; 0 where weights are, or nothing.
    """

    weights: str
    chunk: int
    why: str
    passes: int
    probed: int
    relus: int = 0
    kind: Literal["sampling"] = "sampling"

    def check(self) -> None:
        if self.chunk < 1 or not 0 <= self.probed <= self.passes or self.relus < 0:
            raise ValueError(
                f"findings: chunk {self.chunk}, passes {self.passes}, of which {self.probed} were"
                f" looked into, relus {self.relus}"
            )


@dataclass(frozen=True)
class Bin:
    """The images whose confidence falls into one bin (Guo et al. 2017).

    Attributes:
        images: how many.
        confidence: the mean of theirs; 0 without any.
        accuracy: the share that is classified rightly; 0 without any.
    """

    images: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Judged:
    """What a network says of images that were attacked with one strength.

    Attributes:
        strength: λ, on a scale of 0 to 255.
        images: how many.
        right: how many are classified rightly, by outputs averaged over passes.
        error: expected calibration error, from 0 to 1.
        bins: of equal width over confidences from 0 to 1.
    """

    strength: float
    images: int
    right: int
    error: float
    bins: list[Bin] = field(default_factory=list)

    def check(self) -> None:
        """Look whether it can be.

        Raises:
            ValueError: it can't; with what is wrong.
        """
        if not 0 <= self.right <= self.images or not self.images:
            raise ValueError(f"judged: {self.right} right of {counted(self.images, 'image')}")
        if not 0 <= self.strength < math.inf or not 0 <= self.error <= 1:
            raise ValueError(f"judged: strength {self.strength}, error {self.error}")
        if self.bins and sum(found.images for found in self.bins) != self.images:
            raise ValueError(f"judged.bins: not of {counted(self.images, 'image')}")


@dataclass(frozen=True, kw_only=True)
class RobustnessRecord(OwnRecord):
    """A network under attacks of several strengths, on test images.

    Attributes:
        network_seed: that the network was trained with; also draws the images.
        passes: that outputs are averaged over; 1 of a network that draws nothing.
        weights: digest of the network's.
        source: where they come from, in words.
        judged: for each strength.
        seconds: of all of it, by the wall; for orientation.
    """

    network_seed: int
    passes: int
    weights: str = ""
    source: str = ""
    judged: list[Judged] = field(default_factory=list)
    seconds: float = 0.0
    kind: Literal["robustness"] = "robustness"

    def check(self) -> None:
        for found in self.judged:
            found.check()

    @property
    def key(self) -> tuple[str, str, int, int]:
        return self.case_id, self.variant, self.network_seed, self.passes


@dataclass(frozen=True)
class Played:
    """Episodes in which an agent's observations were attacked with one strength.

    Attributes:
        strength: λ, on a scale of 0 to 255.
        rewards: of each episode, the sum.
    """

    strength: float
    rewards: list[float]


@dataclass(frozen=True, kw_only=True)
class AgentRecord(OwnRecord):
    """An agent under attacks of several strengths (section 4.2).

    Attributes:
        network_seed: that the agent was trained with.
        passes: that its values are averaged over; 1 of a network that draws nothing.
        weights: digest of the network's.
        source: where they come from, in words.
        played: for each strength; the same episodes for every defence.
        seconds: of all of it, by the wall; for orientation.
    """

    network_seed: int
    passes: int
    weights: str = ""
    source: str = ""
    played: list[Played] = field(default_factory=list)
    seconds: float = 0.0
    kind: Literal["agent"] = "agent"

    def check(self) -> None:
        for found in self.played:
            if not found.rewards or not all(math.isfinite(reward) for reward in found.rewards):
                raise ValueError(f"played: the rewards of strength {found.strength:g}")

    @property
    def key(self) -> tuple[str, str, int, int]:
        return self.case_id, self.variant, self.network_seed, self.passes
