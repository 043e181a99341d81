"""In the worker: the saliency of a network's weights, a batch a request."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from adapters.models.weights import digest
from adapters.papers.mad import keeping
from adapters.papers.mad.factors import factors_of
from adapters.papers.mad.keeping import Scores
from adapters.papers.mad.masks import optimised
from adapters.papers.mad.saliency import saliency_of
from bench.cases import Case
from bench.kinds.pruning.building.batches import drawn, seeded
from bench.kinds.pruning.building.networks import on_device, prunable, shown
from bench.kinds.pruning.building.stages import attack_of
from bench.kinds.pruning.findings import QUANTILES, ScoredLayer
from bench.worker import state
from bench.worker.variants import applied
from semibackward_bench.grammar import counted

T = TypeVar("T")


class Scoring:
    """A network whose weights are scored.

    Args:
        case: the network, its data and its attack.
        variant: with or without the trick.
        seed: of the network and of what is drawn.
        batches: to average over; all there are, where these are fewer.
        file: where the sums go, and from where they go on.

    Raises:
        AdapterError: the network can't be scored, or the file is of another.
    """

    def __init__(
        self, case: Case, variant: str, seed: int, batches: int | None, file: Path
    ) -> None:
        self._case, self._variant, self._seed, self._file = case, variant, seed, file
        self._shown = shown(case)
        there = len(self._shown.labels) // case.batch
        few = on_device(case, self._shown.images[: case.batch])
        self._found = prunable(case, seed, few)
        with applied(variant, self._found.model):
            self._attack = attack_of(case, self._found)
        self._weights = digest(self._found.own)
        every = there if batches is None else min(batches, there)
        batches_told = counted(every, "batch", "batches")
        of = f"{case.model}, weights {self._weights}, {variant}, {batches_told} of {case.batch}"
        self._told = Scores(of=of, every=every)
        self._sums: dict[str, Tensor] = {}
        if (read := keeping.read_scores(file, of)) is not None:
            self._told, sums = read
            self._sums = {name: value.to(case.device) for name, value in sums.items()}
        self._left = islice(drawn(self._shown, case.batch, seed, 0), self._told.batches, None)

    @property
    def done(self) -> bool:
        return self._told.batches >= self._told.every

    def batch(self) -> None:
        """Score one more batch, and write what there is."""
        images, labels = next(self._left)
        images, labels = on_device(self._case, images), labels.to(self._case.device)
        model, layers = self._found.model, self._found.layers

        def score() -> list[Tensor]:
            seeded(self._seed, self._told.batches)
            with applied(self._variant, model):
                made = self._timed("attack", lambda: self._attack(images, labels).detach())
                masks = self._timed("masks", lambda: optimised(model, layers, made, labels))
                factors = self._timed(
                    "factors", lambda: factors_of(model, layers, masks, made, labels)
                )
                return self._timed("closed-form", lambda: saliency_of(layers, masks, factors))

        found, _ = state.deterministically(self._case.device, score)
        for layer, scored in zip(layers.every, found, strict=True):
            before = self._sums.get(layer.name)
            self._sums[layer.name] = scored if before is None else before + scored
        self._told.batches += 1
        keeping.write_scores(self._file, self._told, self._sums)

    def answer(self) -> dict[str, Any]:
        """How far it is; at the end, fields of a `ScoredRecord`."""
        told = self._told
        found: dict[str, Any] = {"done": self.done, "batch": told.batches, "batches": told.every}
        if self.done:
            means = {name: value / told.every for name, value in self._sums.items()}
            found["result"] = {
                "batches": told.every,
                "weights": self._weights,
                "source": self._found.source,
                "saliency": keeping.digest(means),
                "layers": [asdict(_described(name, value)) for name, value in means.items()],
                "dense": dict(self._found.layers.dense),
                "seconds": {name: round(value, 3) for name, value in told.seconds.items()},
            }
        return found

    def _timed(self, stage: str, run: Callable[[], T]) -> T:
        """What it returns; its wall seconds are added to its stage's."""
        start = time.perf_counter()
        made = run()
        if self._case.device.startswith("cuda"):
            torch.cuda.synchronize(self._case.device)
        spent = time.perf_counter() - start
        self._told.seconds[stage] = self._told.seconds.get(stage, 0.0) + spent
        return made


def _described(name: str, scored: Tensor) -> ScoredLayer:
    values = scored.flatten().double().cpu()
    # torch.quantile refuses very long ones.
    ordered = values.sort().values
    places = [round(share * (len(ordered) - 1)) for share in QUANTILES]
    return ScoredLayer(
        name=name,
        weights=len(values),
        mean=float(values.mean()),
        negative=int((values < 0).sum()),
        quantiles=tuple(float(ordered[place]) for place in places),
    )


class Server:
    """Keeps the scoring under way between requests to the worker."""

    def __init__(self) -> None:
        self._of: tuple[Any, ...] | None = None
        self._scoring: Scoring | None = None

    def answer(
        self, case: dict[str, Any], variant: str, seed: int, batches: int | None, file: str
    ) -> dict[str, Any]:
        """Score one more batch, from where the file has it.

        Args:
            case: as JSON.
            variant: with or without the trick.
            seed: of the network and of what is drawn.
            batches: to average over; None for all.
            file: where the sums go.
        """
        asked = Case.from_json(case)
        of = (asked, variant, seed, batches, file)
        if self._scoring is None or self._of != of:
            self._scoring = None
            state.clear(asked.device)
            self._of, self._scoring = of, Scoring(asked, variant, seed, batches, Path(file))
        if not self._scoring.done:
            self._scoring.batch()
        return self._scoring.answer()
