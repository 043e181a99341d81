"""One case, built and ready to run in two variants: what every kind's building side makes.

A kind's options name the function that builds its cases, `Options.building`: called in the worker
as build(comparison, seed), it returns a `Workload`, or raises `adapters.base.AdapterError`.
"""

from __future__ import annotations

import dataclasses
import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

from adapters.base import AdapterError
from bench.cases import Comparison, Findings
from bench.statistics.blocks import Order, Sample
from bench.statistics.equality import Equality
from bench.statistics.preparation import Preparation
from bench.worker import equality
from bench.worker.leftovers import Leftovers
from bench.worker.timer import Timer
from semibackward.freeze import own_parameters_frozen

T = TypeVar("T")


@dataclass(frozen=True)
class Workload(ABC):
    """A case with everything slow behind it.

    Attributes:
        comparison: what was asked.
        seed: every run starts from it.
        model: in eval mode, every parameter requiring a gradient, shared by the variants.
        library_version: of the library, None for a user's function.
        preparation: what making ready took, of each variant that compiles or captures something.
    """

    comparison: Comparison
    seed: int
    model: nn.Module
    library_version: str | None
    preparation: Mapping[str, Preparation] = field(default_factory=dict, kw_only=True)

    makes: ClassVar[str] = "adversarial examples"
    """What a run makes, in words."""
    rounds: ClassVar[bool] = True
    """Whether it makes numbers, that may differ by rounding."""
    tells_passes: ClassVar[bool] = False
    """Whether records tell how many of its backward passes compute parameter gradients."""
    compiles: ClassVar[bool] = False
    """Whether a run calls its model in a way that tells something where the model is compiled."""
    several: ClassVar[bool] = False
    """Whether its model may be several networks, which are never called as one: forward passes are
    told by calls, and not by inputs in them."""
    seen_at: ClassVar[str] = "the images"
    """What the model is called with and gradients reach, in words."""
    dimensions: ClassVar[int | None] = None
    """Of a batch as the model takes it, where what it is called with may have more or fewer."""

    @property
    def variants(self) -> tuple[str, str]:
        return (self.comparison.baseline, self.comparison.variant)

    @property
    def compilations(self) -> int:
        """Graphs that have been compiled or captured for its variants so far."""
        return 0

    @property
    def passes_predict(self) -> float | None:
        """The speedup that a paper predicts by counting passes; None without one."""
        return None

    @property
    def kept(self) -> Sequence[Tensor]:
        """Tensors that are none of the model's and whose gradients a run is for: not in vain."""
        return ()

    @abstractmethod
    def run(self, variant: str, around: Callable[[Callable[[], Any]], T], part: int = 0) -> T:
        """Bring everything into the state a run starts from, and hand the run over.

        Args:
            variant: which.
            around: calls what it is given, once: times it, traces it, keeps its output.
            part: of the case, where it has several.

        Returns:
            what `around` returns.
        """

    def probe(self, variant: str, around: Callable[[Callable[[], Any]], T]) -> T:
        """Like `run`; as short as a run may be that is looked into and not timed."""
        return self.run(variant, around)

    @abstractmethod
    def output(self, variant: str) -> Any:
        """What one run makes, as both variants must.

        Raises:
            InvalidOutput: it is not what such a run makes.
        """

    def compare(self, first: Any, second: Any) -> Equality:
        """Whether two outputs are the same."""
        return equality.compare(first, second)

    def difference(self, first: Any, second: Any, found: Equality) -> str:
        """How two outputs differ, in words."""
        if found.max_abs_diff is None:
            return "by another dtype, or by values that are not finite"
        return f"by up to {found.max_abs_diff:.3g}"

    def explained(self, first: Any, second: Any) -> str | None:
        """What keeps two variants' outputs from being the same, where it is known at once."""
        return None

    def to_repeat(self) -> str | None:
        """How a user makes it repeat itself; None for the usual advice."""
        return None

    def flat(self, output: Any) -> Tensor:
        """An output as one tensor, for another process to compare its own with."""
        found: Tensor = output
        return found

    def counted(self, first: Any, second: Any, found: Equality) -> Equality:
        """How many elements of two outputs are not the same, where they can be held together."""
        if not isinstance(first, Tensor) or not isinstance(second, Tensor):
            return found
        if first.shape != second.shape or first.dtype != second.dtype:
            return found
        apart = equality.differing(first, second)
        return dataclasses.replace(found, differing=apart, elements=first.numel())

    def succeeded(self, output: Any) -> Tensor | None:
        """Which images an output succeeds with, (batch,), bool; None where nobody can tell."""
        return None

    def frozen_too(self, layers: Sequence[nn.Module]) -> AbstractContextManager[None]:
        """The block in which the baseline's runs have these layers' own parameters frozen, where
        the variant's have all of them: what the layers are to a difference."""
        return own_parameters_frozen(layers)

    @property
    def leftovers(self) -> Leftovers | None:
        """Who puts back what runs leave behind; None where nobody does."""
        return None

    @abstractmethod
    def doubts(self, output: Any) -> list[str]:
        """What to warn of in the baseline's output."""

    def remarks(self) -> Sequence[str]:
        """What its records say of it beside."""
        return ()

    def findings(self, *, again: bool) -> Findings | None:
        """What the kind's records hold beyond the common part, once both outputs are there.

        Args:
            again: an earlier process of the case has found it out, and what it found is recorded;
                only how the case is divided is asked for.
        """
        return None

    def time_block(self, order: Order, timer: Timer, part: int = 0) -> list[Sample]:
        """Run and time one block; the samples in its order.

        Args:
            order: of the variants.
            timer: times each run.
            part: of the case.
        """
        return [self.run(self.variants["AB".index(letter)], timer.time, part) for letter in order]


def select_device(device: str) -> None:
    """Make it torch's current device: some libraries know only "the GPU".

    Raises:
        AdapterError: it can't be used.
    """
    if device.startswith("cuda"):
        try:
            torch.cuda.set_device(torch.device(device).index or 0)
        except (RuntimeError, AssertionError) as error:
            raise AdapterError(f"{device} can't be used: {error}") from error


def resolved(path: str) -> Any:
    """What an import path of the form "package.module:name" names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
