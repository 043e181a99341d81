"""What records hold of a workload's networks. Pure values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bench.cases import Findings


@dataclass(frozen=True, kw_only=True)
class FunctionFindings(Findings):
    """What a workload passes through.

    Attributes:
        networks: classes of the foreign networks, each once for every network.
        names: by which the user's code has them, as far as that could be seen; in their order.
        toggled: whether freezing and thawing is inside what is timed.
        frozen_call: whether another call stands in for the original where they are frozen.
    """

    networks: list[str]
    names: list[str] = field(default_factory=list)
    toggled: bool = False
    frozen_call: bool = False
    kind: Literal["function"] = "function"

    def check(self) -> None:
        if not self.networks:
            raise ValueError("findings: no network")
