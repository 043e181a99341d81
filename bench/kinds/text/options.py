"""What an attack on text adds to a case. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from bench.cases import Case, Options
from semibackward_bench.grammar import counted


@dataclass(frozen=True, kw_only=True)
class TextOptions(Options):
    """Of an attack on sentences; the case's model is the victim.

    Attributes:
        sentences: where they come from: "shipped", or the path of a file.
        queries: how many an attack may make for a sentence; None for any number.
        resources: the path of the user's lexical resources; None for stand-ins.
    """

    building: ClassVar[str] = "bench.kinds.text.building:build"

    sentences: str
    queries: int | None = None
    resources: str | None = None
    kind: Literal["text"] = "text"

    def sentence(self, case: Case) -> str:
        budget = (
            ""
            if self.queries is None
            else f" of at most {counted(self.queries, 'query', 'queries')}"
        )
        return (
            f"{case.what} on {case.model}, {counted(case.batch, 'sentence')}{budget}, {case.dtype},"
            f" {case.device}"
        )

    def passing(self, case: Case) -> int:
        """One: sentences are attacked one by one."""
        return 1

    def identity(self, case: Case) -> dict[str, Any]:
        """As in the first version of records, where every case had the fields of images."""
        asked: dict[str, Any] = {**case.shared, "input_shape": (), "images": ""}
        asked |= dict.fromkeys(("steps", "eps", "step_size", "random_start"))
        asked["sentences"] = self.sentences
        later = {"queries": self.queries, "resources": self.resources}
        return {**asked, **{name: value for name, value in later.items() if value is not None}}
