"""What is told of a shipped workload without importing it. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from adapters.base import AttackInfo

if TYPE_CHECKING:
    from adapters.base import GradientCall


@dataclass(frozen=True)
class Shipped:
    """One workload that comes with the program.

    Attributes:
        setup: "package.module:function" that makes it.
        what: it is, in words.
        distribution: what pip installs of the library that it calls; its version is recorded.
        wasted: what nobody reads of what the library's released code computes, in words; or why
            there is nothing of that.
        gradient_call: how the library asks for its gradient.
        needs: further packages, by import name and by what pip installs.
    """

    setup: str
    what: str
    distribution: str
    wasted: str
    gradient_call: GradientCall = "backward"
    needs: Mapping[str, str] = field(default_factory=dict)

    @property
    def info(self) -> AttackInfo:
        """The same, as every library's workloads are listed."""
        return AttackInfo(
            *("-", "white-box", 1, self.setup.replace(":", "."), self.gradient_call),
            extra_work=self.what,
            needs=self.needs,
        )
