"""In the worker: a defended network is attacked at several strengths, and what it says then."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from adapters.models.weights import digest
from adapters.papers.sap import attack, metrics
from bench.cases import SEMI_BACKWARD, Case
from bench.kinds.sampling.building import chunk_of, settings
from bench.kinds.sampling.building.networks import Attacked, attacked
from bench.worker import state
from bench.worker.variants import applied


class Server:
    """Judges; every request is a network under one attack, at several strengths."""

    def answer(
        self, case: dict[str, Any], seed: int, levels: list[float], passes: int, images: int
    ) -> dict[str, Any]:
        """What becomes of test images.

        Args:
            case: as JSON.
            seed: that the network was trained with; draws the images.
            levels: of λ, rising.
            passes: that outputs are averaged over.
            images: how many.

        Returns:
            fields of a `RobustnessRecord`.

        Raises:
            AdapterError: the network can't be attacked in this way.
        """
        asked = Case.from_json(case)
        state.clear(asked.device)
        started = time.perf_counter()
        found = attacked(asked, seed, images)
        chunk = chunk_of(asked, found).samples
        judged = []
        with applied(SEMI_BACKWARD, found.model):
            state.reset(found.model, seed)
            made = _attacked_at(asked, found, levels, chunk)
            for level, adversarial in zip(levels, made, strict=True):
                said = [
                    metrics.averaged(found.model, few, passes=passes, chunk=chunk)
                    for few in adversarial.split(asked.batch)
                ]
                judged.append(_judged(level, torch.cat(said), found.labels))
        return {
            "weights": digest(found.dense),
            "source": found.source,
            "judged": judged,
            "seconds": round(time.perf_counter() - started, 3),
        }


def _attacked_at(case: Case, found: Attacked, levels: list[float], chunk: int) -> list[Tensor]:
    """Of each level, all images attacked, a batch of the case's at a time."""
    parts: list[list[Tensor]] = [[] for _ in levels]
    told = settings(case, chunk)
    each = attack.EACH[case.attack]
    followed = found.model if told.gradient == "own" else found.dense
    batches = zip(found.images.split(case.batch), found.labels.split(case.batch), strict=True)
    for few, theirs in batches:
        made = each(followed, few, theirs, levels, settings=told)
        for part, adversarial in zip(parts, made, strict=True):
            part.append(adversarial)
    return [torch.cat(part) for part in parts]


def _judged(level: float, probabilities: Tensor, labels: Tensor) -> dict[str, Any]:
    """Fields of a `Judged`."""
    return {"strength": level, **asdict(metrics.reliability(probabilities, labels))}
