"""What a workload of this kind adds to a case: nothing, since its `setup` says all of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from bench.cases import Case, Options


@dataclass(frozen=True, kw_only=True)
class FunctionOptions(Options):
    """Of a workload that a `setup` makes: the case's attack names that, and its batch is 1 where
    the `setup` takes none."""

    building: ClassVar[str] = "bench.kinds.function.building:build"

    kind: Literal["function"] = "function"

    def passing(self, case: Case) -> int:
        """A call's, of which nobody knows how many inputs it has."""
        return 1

    def sentence(self, case: Case) -> str:
        batch = f", batch of {case.batch}" if case.batch > 1 else ""
        return f"{case.what}{batch}, {case.dtype}, {case.device}"
