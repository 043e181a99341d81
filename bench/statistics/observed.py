"""What was seen of one run's gradients: whose they are, who reads them, who sets the flags.

Pure values; `bench.worker.gradients` fills them in. A report tells a cause only where it is here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Foreign:
    """Tensors with gradients computed that nobody read, and that are none of the model's.

    Attributes:
        owner: whose they are, in words, as "a copy of the model (`net` in attack, mine.py)".
        leaves: how many had their gradient computed in one run.
        gradients: that all calls together computed.
        freeze: the code that would freeze them too; "" where nobody can say.
    """

    owner: str
    leaves: int
    gradients: int
    freeze: str = ""


@dataclass(frozen=True)
class Reading:
    """A place in the attack that reads gradients of the model's parameters, or of a copy's.

    Attributes:
        where: file and line, as "mine.py, line 7".
        code: the line.
        clears: whether it only sets them to zero, without looking whether there are any.
    """

    where: str
    code: str
    clears: bool = False

    def __str__(self) -> str:
        return f"{self.where}: `{self.code}`" if self.code else self.where


@dataclass(frozen=True)
class Observed:
    """One run of one variant.

    Attributes:
        calls: of autograd's engine.
        wasting: how many of them computed a gradient that nobody read: of a parameter of the
            model, or a foreign one.
        reached: parameters of the model in the graphs of these calls.
        skipped: those of them that only calls for other gradients reached, and that none computed.
        transformed: how many calls `torch.func` made, which differentiates its arguments alone.
        model_calls: how often the model was called, by itself or in parts; None where its calls
            can't be seen.
        graphless: how many of these calls recorded no graph.
        substituted: how many had other tensors in the place of the model's parameters.
        frozen_before, frozen_after: parameters that required no gradient as the run began, ended.
        frozen: parameters that required none at any call.
        freezes, thaws: the places in the attack that set `requires_grad` of the model's parameters
            to False, to True.
        foreign: by owner.
        reads: places that read gradients of parameters.
    """

    calls: int = 0
    wasting: int = 0
    reached: int = 0
    skipped: int = 0
    transformed: int = 0
    model_calls: int | None = None
    graphless: int = 0
    substituted: int = 0
    frozen_before: int = 0
    frozen: int = 0
    frozen_after: int = 0
    freezes: list[str] = field(default_factory=list)
    thaws: list[str] = field(default_factory=list)
    foreign: list[Foreign] = field(default_factory=list)
    reads: list[Reading] = field(default_factory=list)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Observed:
        """What a worker's answer tells."""
        foreign = [Foreign(**each) for each in told["foreign"]]
        reads = [Reading(**each) for each in told["reads"]]
        return cls(**{**told, "foreign": foreign, "reads": reads})
