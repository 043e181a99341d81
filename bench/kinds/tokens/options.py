"""What an attack on token sequences adds to a case. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from bench.cases import Case, Options
from semibackward_bench.grammar import counted


@dataclass(frozen=True, kw_only=True)
class TokenOptions(Options):
    """Of an attack that seeks a suffix; the case's model is the language model.

    Attributes:
        prompts: where they come from: "shipped", or the path of a file.
        steps: of a run, for each prompt.
        suffix: tokens that are sought.
        top_k: tokens of each place that candidates are drawn from.
        candidates: sequences that a step tries; None for an attack that tries none.
        candidate_batch: of these, how many one forward pass takes; None without them.
    """

    building: ClassVar[str] = "bench.kinds.tokens.building:build"

    prompts: str
    steps: int
    suffix: int
    top_k: int
    candidates: int | None = None
    candidate_batch: int | None = None
    kind: Literal["tokens"] = "tokens"

    def sentence(self, case: Case) -> str:
        told = ", ".join(self.settings())
        return (
            f"{case.what} on {case.model}, {counted(case.batch, 'prompt')}, {told}, {case.dtype},"
            f" {case.device}"
        )

    def settings(self) -> list[str]:
        """What it may spend, in words."""
        told = [
            counted(self.steps, "step"),
            f"a suffix of {counted(self.suffix, 'token')}",
            f"the {self.top_k} best of each",
        ]
        if self.candidates is not None:
            batch = self.candidate_batch or self.candidates
            told.append(f"{counted(self.candidates, 'candidate')}, {batch} in a pass")
        return told

    def check(self) -> None:
        numbers = (self.steps, self.suffix, self.top_k, self.candidates, self.candidate_batch)
        if any(number is not None and number < 1 for number in numbers):
            raise ValueError(f"case.options: {', '.join(self.settings())}")

    def passing(self, case: Case) -> int:
        """One: prompts are attacked one by one."""
        return 1

    def in_one_step(self) -> TokenOptions:
        return replace(self, steps=1)
