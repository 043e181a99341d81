"""In the worker: an energy attack is taken to its end on test images, and what comes of it."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from adapters.base import AdapterError
from adapters.models import custom as own_models
from adapters.models.weights import digest
from adapters.papers.energy import defences, metrics
from adapters.papers.energy.attack import Seen
from bench.cases import AS_BUILT, SEMI_BACKWARD, Case
from bench.kinds.energy.building import build_attack
from bench.kinds.energy.building.networks import Attacked, attacked, labelled, other, pictures
from bench.kinds.energy.building.reaching import reached
from bench.kinds.energy.findings import Reached, Step
from bench.kinds.energy.options import TRAINED, EnergyOptions
from bench.worker import state
from bench.worker.variants import applied

MOST_GATES = 160
"""Whose state is kept of each iteration, to be drawn."""


@dataclass
class Diary:
    """What is seen of each iteration, over all images.

    Attributes:
        clean: (N,), operations of the clean images that are attacked now.
        images: (N, C, H, W), these.
        static: operations with every gate on.
    """

    static: float
    clean: Tensor = field(default_factory=lambda: torch.empty(0))
    images: Tensor = field(default_factory=lambda: torch.empty(0))
    recovery: list[list[float]] = field(default_factory=list)
    mse: list[list[float]] = field(default_factory=list)
    angles: list[list[float]] = field(default_factory=list)
    masked: list[list[float]] = field(default_factory=list)
    on: list[str] = field(default_factory=list)

    def watch(self, seen: Seen) -> None:
        """Note an iteration of the images that are attacked now."""
        if seen.iteration == 0:
            self.clean, self.images = seen.gated.flops.double().cpu(), seen.images
        while len(self.recovery) <= seen.iteration:
            for each in (self.recovery, self.mse, self.angles, self.masked):
                each.append([])
        flops = seen.gated.flops.double().cpu()
        at = seen.iteration
        self.recovery[at] += metrics.recovery(self.clean, flops, self.static).tolist()
        self.mse[at] += metrics.mse(self.images, seen.images).tolist()
        for found, kept in ((seen.angle, self.angles), (seen.masked_angle, self.masked)):
            kept[at] += [] if found is None else found.tolist()
        if len(self.on) == at and seen.gated.gates.shape[1] <= MOST_GATES:
            first = seen.gated.gates[0] >= 0.5
            self.on.append("".join("1" if value else "0" for value in first.tolist()))

    def steps(self) -> list[Step]:
        """What is recorded of it."""
        return [
            Step(
                recovery=_mean(self.recovery[at], 4),
                mse=_mean(self.mse[at], 6) or 0.0,
                on=self.on[at] if at < len(self.on) else "",
                angle=_mean(self.angles[at], 2),
                masked_angle=_mean(self.masked[at], 2),
            )
            for at in range(len(self.recovery))
        ]


class Server:
    """Attacks; every request is an attack to its end."""

    def answer(self, case: dict[str, Any], seed: int, images: int) -> dict[str, Any]:
        """What becomes of test images.

        Args:
            case: as JSON.
            seed: that the network was trained with; draws the images.
            images: how many.

        Returns:
            fields of an `EnergyRecord`.

        Raises:
            AdapterError: the network can't be attacked in this way.
        """
        asked = Case.from_json(case)
        options = EnergyOptions.of(asked)
        state.clear(asked.device)
        found = attacked(asked, seed, pictures(asked, seed, 2))
        shown = labelled(asked, seed, images, found)
        diary = Diary(float(found.dynamic.static_flops))
        started = time.perf_counter()
        perturbed = _perturbed(asked, seed, found, shown.images, shown.labels, diary)
        seconds = time.perf_counter() - started
        judged = _Judged(asked, seed, shown.images, perturbed, shown.labels)
        elsewhere, left_out = judged.elsewhere(found)
        return {
            "iterations": options.iterations,
            "weights": digest(found.model),
            "reached": asdict(judged.on(found)),
            "steps": [asdict(step) for step in diary.steps()],
            "elsewhere": {name: asdict(told) for name, told in elsewhere.items()},
            "left_out": left_out,
            "seconds": round(seconds, 3),
        }


@dataclass(frozen=True)
class _Judged:
    """Images and what was made of them, to be tried on networks."""

    case: Case
    seed: int
    images: Tensor
    perturbed: Tensor
    labels: Tensor

    def on(self, network: Attacked, defence: defences.Defence | None = None) -> Reached:
        before = (self.images, self.perturbed)
        images, perturbed = before if defence is None else map(defence, before)
        return reached(
            network.model,
            network.dynamic,
            images,
            perturbed,
            self.labels,
            batch=self.case.batch,
            error=metrics.mse(*before),
        )

    def elsewhere(self, network: Attacked) -> tuple[dict[str, Reached], dict[str, str]]:
        """On other networks and behind defences; and what can't be, with the reason."""
        options = EnergyOptions.of(self.case)
        found: dict[str, Reached] = {}
        left_out: dict[str, str] = {}
        for name in options.defences:
            try:
                found[name] = self.on(network, defences.build(name))
            except AdapterError as error:
                left_out[name] = str(error)
        for name in options.transfer:
            weights = AS_BUILT if own_models.is_own(name) else TRAINED
            try:
                there = other(self.case, name, weights, self.seed, self.images[:2])
                found[name] = self.on(there)
            except AdapterError as error:
                left_out[name] = str(error)
        return found, left_out


def _perturbed(
    case: Case, seed: int, found: Attacked, images: Tensor, labels: Tensor, diary: Diary
) -> Tensor:
    """Of all images, a batch of the case's at a time; each image is attacked by itself."""
    options = EnergyOptions.of(case)
    made = []
    with applied(SEMI_BACKWARD, found.model):
        attack = build_attack(case, found, options.iterations, diary.watch)
        state.reset(found.model, seed)
        for few, theirs in zip(images.split(case.batch), labels.split(case.batch), strict=True):
            made.append(attack(few.clone(), theirs.clone()).detach())
    return torch.cat(made)


def _mean(values: list[float], digits: int) -> float | None:
    known = [value for value in values if not math.isnan(value)]
    return round(sum(known) / len(known), digits) if known else None
