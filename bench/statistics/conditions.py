"""What the processor was doing while a process was measured: what may have slowed it. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conditions:
    """What the processor was doing while one worker process was measured.

    Attributes:
        cores: that we may use.
        others: how many of them other programs kept busy, on average, the hypervisor's share
            included; None where nobody tells.
        load: the system's load average over a minute, at the end; None where there is none.
        mhz: the lowest and the highest frequency seen; None where nobody tells.
    """

    cores: int
    others: float | None
    load: float | None
    mhz: tuple[float, float] | None

    @property
    def slowed(self) -> float:
        """How many times longer other programs may have made the work take, at most: 1 without any.

        A core of ours is shared with one of them, or with more once they outnumber the cores.
        """
        others = self.others or 0.0
        return 1 + min(others, max(1.0, others / self.cores))
