"""What records hold of an attack on text. Pure values; the worker finds them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bench.cases import Findings


@dataclass(frozen=True)
class SentenceRecord:
    """What an attack did with one sentence; the same in both variants but for the passes.

    Attributes:
        line: its number in the file, from 1.
        status: "attacked"; "left out", and never tried; or "failed", in the library.
        reason: why it was not attacked, in words.
        tokens: of the victim's tokenizer.
        adversarial: the sentence that was found; None without one.
        spent: whether the attack ended because it had no query left.
        queries: sentences the victim was asked about.
        gradient_queries: those of them whose gradient the attack read.
        passes: backward passes of each variant.
        unread: those of them whose gradient nobody read.
    """

    line: int
    status: Literal["attacked", "left out", "failed"]
    reason: str | None = None
    tokens: int = 0
    adversarial: str | None = None
    spent: bool = False
    queries: int = 0
    gradient_queries: int = 0
    passes: dict[str, int] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TextFindings(Findings):
    """What an attack on text ran on, and what it did.

    Attributes:
        victim: where it comes from, in words.
        parameters: how many numbers the victim has.
        resources: for each lexical resource the path of the user's, or "stand-in: " and what it is.
        sentences: in the order of their lines.
    """

    victim: str
    parameters: int
    resources: dict[str, str]
    sentences: list[SentenceRecord]
    kind: Literal["text"] = "text"

    @property
    def attacked(self) -> list[SentenceRecord]:
        """Those that count; blocks number them from 0."""
        return [sentence for sentence in self.sentences if sentence.status == "attacked"]

    @property
    def parts(self) -> int:
        """The sentences that are attacked."""
        return len(self.attacked)
