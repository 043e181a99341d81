"""What records hold of networks that are pruned, and of the stages that lead there. Pure values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from adapters.papers.mad.methods import CRITERIA
from bench.cases import Findings
from bench.kinds.record import OwnRecord
from semibackward_bench.grammar import counted

SCORED, PRUNED = "saliency", "pruned"
"""What `kind` of a line is: of a network's weights as they are scored, of one that is pruned."""
DENSE = "dense"
"""What stands for the criterion of a network that is not pruned, and is judged beside the rest."""
CLEAN = "none"
"""What stands for the attack where images are judged as they are."""
QUANTILES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
"""Of a layer's saliency, that a record holds."""


@dataclass(frozen=True, kw_only=True)
class PruningFindings(Findings):
    """What of a network a timed stage works on.

    Attributes:
        weights: where the network's come from, in words.
        layers: how many can be pruned.
        prunable: their weights and biases.
        dense: of the other parameters with two dimensions or more, by name, why they stay.
    """

    weights: str
    layers: int
    prunable: int
    dense: dict[str, str] = field(default_factory=dict)
    kind: Literal["pruning"] = "pruning"

    def check(self) -> None:
        if not 0 < self.layers <= self.prunable:
            raise ValueError(
                f"findings: {counted(self.prunable, 'weight')} in {counted(self.layers, 'layer')}"
            )


@dataclass(frozen=True)
class ScoredLayer:
    """The saliency of one layer's weights.

    Attributes:
        name: of its module in the network.
        weights: how many it has, biases with them.
        mean: of ΔL.
        negative: how many of them have a ΔL below 0.
        quantiles: of ΔL, at `QUANTILES`.
    """

    name: str
    weights: int
    mean: float
    negative: int
    quantiles: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ScoredRecord(OwnRecord):
    """The saliency of every weight of a network, averaged over batches.

    Attributes:
        network_seed: that the network was trained with; also draws the batches.
        batches: averaged over; each of as many images as the case has.
        weights: digest of the network's.
        source: where they come from, in words.
        saliency: digest of all of it, bit for bit.
        layers: in the order in which they are called first.
        dense: of the other parameters with two dimensions or more, by name, why they stay.
        seconds: of each stage, by the wall, all batches together; for orientation.
    """

    network_seed: int
    batches: int
    weights: str = ""
    source: str = ""
    saliency: str = ""
    layers: list[ScoredLayer] = field(default_factory=list)
    dense: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    kind: Literal["saliency"] = "saliency"

    def check(self) -> None:
        for layer in self.layers:
            told = (layer.mean, *layer.quantiles)
            if len(layer.quantiles) != len(QUANTILES) or not all(map(math.isfinite, told)):
                raise ValueError(f"layers: the saliency of {layer.name}")
            if not 0 <= layer.negative <= layer.weights:
                raise ValueError(f"layers: {layer.negative} of {layer.weights} of {layer.name}")

    @property
    def key(self) -> tuple[str, str, int, int]:
        return self.case_id, self.variant, self.network_seed, self.batches


@dataclass(frozen=True)
class KeptLayer:
    """What is left of one layer.

    Attributes:
        name: of its module in the network.
        weights: how many it has, biases with them.
        kept: how many stay.
    """

    name: str
    weights: int
    kept: int


@dataclass(frozen=True)
class JudgedBy:
    """What a network says of test images after one attack.

    Attributes:
        attack: by name; "none" for images as they are.
        images: how many.
        right: how many are classified rightly.
    """

    attack: str
    images: int
    right: int


@dataclass(frozen=True, kw_only=True)
class PrunedRecord(OwnRecord):
    """A network that was pruned, trained on and judged; or the dense one beside it.

    Attributes:
        network_seed: that the network was trained with; also draws what is drawn.
        criterion: by which weights went; "dense" where none did.
        percent: the share that was to go; 0 of the dense network.
        epochs: of fine-tuning; 0 of the dense network.
        batches: that the saliency was averaged over; 0 where none was read.
        training: method of fine-tuning.
        weights: digest of the network's, at the end.
        masks: digest of what stays; "" of the dense network.
        file: where the network is, beside the records; "" of the dense one.
        layers: in the order in which they are called first.
        losses: mean loss of each epoch.
        judged: by each attack.
        seconds: of each stage, by the wall; for orientation.
    """

    network_seed: int
    criterion: str
    percent: float
    epochs: int
    batches: int = 0
    training: str = "pgd"
    weights: str = ""
    masks: str = ""
    file: str = ""
    layers: list[KeptLayer] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    judged: list[JudgedBy] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    kind: Literal["pruned"] = "pruned"

    def check(self) -> None:
        if self.criterion not in (DENSE, *CRITERIA) or not 0 <= self.percent < 1:
            raise ValueError(f"criterion {self.criterion!r}, percent {self.percent}")
        for layer in self.layers:
            if not 0 <= layer.kept <= layer.weights:
                raise ValueError(f"layers: {layer.kept} of {layer.weights} of {layer.name}")
        for found in self.judged:
            if not 0 <= found.right <= found.images or not found.images:
                raise ValueError(f"judged: {found.right} right of {found.images}")

    @property
    def key(self) -> tuple[str, str, int, str, float, int]:
        return (
            *(self.case_id, self.variant, self.network_seed),
            *(self.criterion, self.percent, self.epochs),
        )

    @property
    def sparsity(self) -> float | None:
        """The share of weights that went; None where no layer is told of."""
        return sparsity_of(self.layers)


def sparsity_of(layers: Iterable[KeptLayer]) -> float | None:
    """The share of the weights of some layers that went; None without any."""
    found = list(layers)
    every = sum(layer.weights for layer in found)
    return 1 - sum(layer.kept for layer in found) / every if every else None
