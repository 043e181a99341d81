"""What a line of a duel holds; `bench.records.types` has the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bench.records.types import Timed
from bench.statistics.estimate import Speedup


@dataclass(frozen=True)
class DuelSide:
    """One of the two versions of a library in a duel.

    Attributes:
        asked: what --a or --b was given.
        distribution, version: what that installed.
        digest: of the installed files.
        unmet: what it requires and the environment, shared by both sides, does not have.
        libraries: version by distribution of what this side's workers saw.
    """

    asked: str
    distribution: str
    version: str
    digest: str
    unmet: list[str] = field(default_factory=list)
    libraries: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DuelRecord(Timed):
    """One case, original of one version of a library against original of the other, however it
    ended.

    What has an entry for each way to run it has here one for "a" and one for "b"; the speedup is
    time(a) / time(b). Of gradients, `call a` and `call b` tell how each asks. Both need not make
    the same adversarial examples.

    Attributes:
        sides: "a" and "b".
        controls: time(a) / time(b) of the same code in both workers, for each pair of processes
            that was started; those that were too uneven were not measured with.
    """

    sides: dict[str, DuelSide]
    controls: list[Speedup] = field(default_factory=list)
    kind: Literal["duel"] = "duel"
