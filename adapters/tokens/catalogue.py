"""Language models that need no file, by what --victim takes. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from semibackward_bench.grammar import counted


@dataclass(frozen=True)
class Configured:
    """A causal language model from its configuration, with weights from the seed.

    Attributes:
        make: "llama", with an output layer of its own, or "gpt2", whose embeddings are its output.
        vocabulary: tokens.
        width: of a token's state.
        layers, heads: of attention.
        inner: width inside a feed-forward layer.
        positions: tokens that it reads at most.
        parameters: how many numbers it has.
    """

    make: Literal["llama", "gpt2"]
    vocabulary: int
    width: int
    layers: int
    heads: int
    inner: int
    positions: int
    parameters: int

    @property
    def told(self) -> str:
        """What it is, in words."""
        name = "Llama" if self.make == "llama" else "GPT-2"
        return (
            f"a {name} of {counted(self.layers, 'layer')} of {self.width},"
            f" {counted(f'{self.vocabulary:,}', 'token')},"
            f" {counted(f'{self.parameters:,}', 'parameter')}, random weights from the seed"
        )


MODELS = {
    "llama-100m": Configured("llama", 10_000, 768, 12, 12, 2048, 1024, 100_313_856),
    "gpt2-100m": Configured("gpt2", 18_000, 768, 12, 12, 3072, 1024, 99_666_432),
    "llama-tiny": Configured("llama", 512, 32, 2, 2, 64, 256, 53_408),
    "gpt2-tiny": Configured("gpt2", 512, 32, 2, 2, 128, 256, 50_048),
}
