"""What records hold of an attack on token sequences. Pure values; the worker finds them out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from bench.cases import Findings
from semibackward_bench.grammar import counted


@dataclass(frozen=True)
class PromptRecord:
    """What an attack did with one prompt; the same in both variants.

    Attributes:
        line: its number in the file, from 1.
        tokens: of the prompt, as the model's tokenizer has it.
        target: tokens of the answer.
        steps: that were taken.
        candidates: sequences that were tried in all; 0 for an attack that tries none.
        first_loss: of the best candidate of the first step, or of what the attack started from.
        last_loss: of the last step.
        suffix: what the last step went on with, as text.
    """

    line: int
    tokens: int
    target: int
    steps: int
    candidates: int
    first_loss: float
    last_loss: float
    suffix: str


@dataclass(frozen=True, kw_only=True)
class TokenFindings(Findings):
    """What an attack on token sequences ran on, and what it did.

    Attributes:
        victim: where the language model comes from, in words.
        parameters: how many numbers it has.
        weights: bytes of these.
        vocabulary: tokens that it knows.
        prompts: in the order of their lines.
    """

    victim: str
    parameters: int
    weights: int
    vocabulary: int
    prompts: list[PromptRecord]
    kind: Literal["tokens"] = "tokens"

    def check(self) -> None:
        if self.parameters < 1 or self.weights < 1 or self.vocabulary < 1:
            raise ValueError(
                f"findings: {counted(self.parameters, 'parameter')}, {self.weights} bytes,"
                f" {counted(self.vocabulary, 'token')}"
            )
        for prompt in self.prompts:
            if not math.isfinite(prompt.first_loss) or not math.isfinite(prompt.last_loss):
                raise ValueError(f"findings.prompts: the losses of line {prompt.line}")
