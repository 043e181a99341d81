"""An attack by Monte-Carlo gradients, built and ready to run in two variants."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import psutil
import torch

from adapters import registry
from adapters.base import UnsupportedSettings
from adapters.papers.sap import fitting
from adapters.papers.sap.adapter import Sap
from adapters.papers.sap.settings import SamplingSettings
from bench.cases import BASELINE, SEMI_BACKWARD, Case, Comparison
from bench.kinds.images.building import AttackWorkload
from bench.kinds.images.building.models import check_trainable, flags_kept
from bench.kinds.sampling.building.networks import Attacked, attacked
from bench.kinds.sampling.findings import SamplingFindings
from bench.kinds.sampling.options import SamplingOptions
from bench.worker import flops, state
from bench.worker.variants import applied

if TYPE_CHECKING:
    from adapters.base import AttackFunction
    from adapters.papers.sap.fitting import Chunk

T = TypeVar("T")

PROBED = 10
"""Passes of a run that is looked into and not timed; each looks like the others."""
BY_PASSES = 3 / 2
"""Speedup that counting passes predicts: N (F + D + W) against N (F + D), with F = D = W."""


@dataclass(frozen=True)
class SamplingWorkload(AttackWorkload):
    """A case of an attack by Monte-Carlo gradients; as one of attacks on images.

    Attributes:
        network: what is attacked.
        chunk: samples that a pass takes, for both variants alike.
        short: the attacks of one gradient by few passes, for both variants.
    """

    network: Attacked = dataclasses.field(kw_only=True)
    chunk: Chunk = dataclasses.field(kw_only=True)
    short: Mapping[str, AttackFunction] = dataclasses.field(kw_only=True)

    def probe(self, variant: str, around: Callable[[Callable[[], Any]], T]) -> T:
        short: T = dataclasses.replace(self, attacks=self.short).run(variant, around)
        return short

    @property
    def passes_predict(self) -> float | None:
        blind = self.comparison.case.attack == "noise"
        return 1.0 if blind or self.comparison.variant != SEMI_BACKWARD else BY_PASSES

    def findings(self, *, again: bool) -> SamplingFindings | None:
        """How the samples are taken."""
        if again:
            return None
        case = self.comparison.case
        passes = _passes(case, self.chunk)
        with torch.no_grad():
            state.reset(self.model, self.seed)
            self.network.model(self.images[:1])
        return SamplingFindings(
            weights=self.network.source,
            chunk=self.chunk.samples,
            why=self.chunk.why,
            passes=passes,
            probed=min(passes, PROBED),
            relus=self.network.model.relus,
        )


def preload() -> None:
    """Import what counting does too; see `bench.worker.template`."""
    flops.preload()


def build(comparison: Comparison, seed: int) -> SamplingWorkload:
    """Build the network, the images and both variants' attacks.

    Raises:
        AdapterError: the data, the network or its weights can't be used, or not be attacked so.
    """
    preload()
    case = comparison.case
    found = attacked(case, seed, case.batch, filled=True)
    if comparison.variant == SEMI_BACKWARD:
        check_trainable(case, found.dense, f"{SEMI_BACKWARD} has nothing to leave out")
    attacks, short = {}, {}
    with flags_kept(found.model):
        state.reset(found.model, seed)
        chunk = chunk_of(case, found)
        for variant in (BASELINE, comparison.variant):
            with applied(variant, found.model):
                attacks[variant] = build_attack(case, found, chunk.samples)
                short[variant] = build_attack(_shortened(case, chunk), found, chunk.samples)
    return SamplingWorkload(
        *(comparison, seed, found.model, registry.version(library(case)), found.images),
        labels=found.labels,
        attacks=attacks,
        attacked=found.dense,
        told=(*found.remarks, *_remarks(case, chunk)),
        network=found,
        chunk=chunk,
        short=short,
    )


def library(case: Case) -> Sap:
    """The library of a case's attack.

    Raises:
        UnsupportedSettings: it has no such attacks.
    """
    adapter = registry.get(case.library)
    if not isinstance(adapter, Sap):
        raise UnsupportedSettings(f"{case.library} has no attacks on defended networks")
    return adapter


def build_attack(case: Case, found: Attacked, chunk: int) -> AttackFunction:
    """A case's attack: images (N, C, H, W) and labels (N,) to adversarial images.

    Args:
        case: what was asked.
        found: its network.
        chunk: samples that a pass takes.

    Raises:
        AdapterError: the network can't be attacked in this way.
    """
    adapter = library(case)
    adapter.load()
    return adapter.build_sampling_attack(
        case.attack, found.model, found.dense, settings(case, chunk)
    )


def settings(case: Case, chunk: int) -> SamplingSettings:
    """What a case's attack is told."""
    options = SamplingOptions.of(case)
    return SamplingSettings(
        strength=options.strength,
        step=options.step,
        samples=options.samples,
        chunk=chunk,
        gradient=options.gradient,
        dtype=case.dtype,
        device=case.device,
    )


def _passes(case: Case, chunk: Chunk) -> int:
    """Forward passes of a run, each with its backward pass."""
    if case.attack == "noise":
        return 0
    options = SamplingOptions.of(case)
    return options.steps(case) * math.ceil(options.samples / chunk.samples)


def _shortened(case: Case, chunk: Chunk) -> Case:
    """The same with as many passes as are looked into: fewer steps first, then fewer samples."""
    options = SamplingOptions.of(case)
    if _passes(case, chunk) <= PROBED:
        return case
    each = math.ceil(options.samples / chunk.samples)
    steps = max(1, PROBED // each)
    few = dataclasses.replace(
        options,
        strength=min(options.strength, steps * options.step),
        samples=min(options.samples, PROBED * chunk.samples),
    )
    return dataclasses.replace(case, options=few)


def chunk_of(case: Case, found: Attacked) -> Chunk:
    """The samples that a pass takes: as asked, or as many as pay and fit.

    Raises:
        RuntimeError, MemoryError: not even one sample fits.
    """
    options = SamplingOptions.of(case)
    if options.samples == 1:
        return fitting.Chunk(1, "all samples")
    return fitting.chunk_that_fits(
        found.model,
        found.images[: case.batch],
        found.labels[: case.batch],
        samples=options.samples,
        asked=options.chunk,
        free=_free(case.device),
    )


def _free(device: str) -> int:
    """Bytes that can be had on a device."""
    if device.startswith("cuda"):
        # What torch holds and does not use can be had, too.
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0] + held)
    return int(psutil.virtual_memory().available)


def _remarks(case: Case, chunk: Chunk) -> Iterator[str]:
    """What a record says of a chunk that is not as asked."""
    asked = SamplingOptions.of(case).chunk
    if asked is not None and chunk.samples < min(asked, SamplingOptions.of(case).samples):
        yield f"--chunk {asked}: {chunk.why}"
