"""In the worker: a network is attacked on test images, one attack a request."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from adapters.models import weights as loading
from adapters.papers.mad import attacks
from bench.cases import Case
from bench.kinds.pruning.building.batches import seeded
from bench.kinds.pruning.building.networks import on_device, prunable, settings_of, shown
from bench.kinds.pruning.findings import CLEAN
from bench.worker import state
from bench.worker.variants import applied


class Server:
    """Judges; every request is a network under one attack."""

    def answer(
        self,
        case: dict[str, Any],
        variant: str,
        seed: int,
        file: str,
        attack: str,
        images: int,
    ) -> dict[str, Any]:
        """What a network says of test images.

        Args:
            case: as JSON.
            variant: with or without the trick.
            seed: of the network and of what is drawn; the images are the first.
            file: a pruned network's; "" for the one that it was made of.
            attack: as `PrunedRecord.judged` names it.
            images: how many; fewer where there are fewer.

        Returns:
            fields of a `JudgedBy`, the digest of the weights, and the wall seconds.

        Raises:
            AdapterError: the network or the attack can't be used.
        """
        asked = Case.from_json(case)
        state.clear(asked.device)
        read = shown(asked)
        given, labels = read.test_images[:images], read.test_labels[:images].to(asked.device)
        found = prunable(asked, seed, on_device(asked, read.images[: asked.batch]))
        if file:
            place = Path(file)
            loading.load(found.own, loading.read(place), place, asked.model, "prune it for")
        started = time.perf_counter()
        right = 0
        with applied(variant, found.model):
            made = (
                attacks.evaluating(attack, found.model, settings_of(asked))
                if attack != CLEAN
                else None
            )

            def judge() -> int:
                seeded(seed, 0)
                count = 0
                parts = zip(given.split(asked.batch), labels.split(asked.batch), strict=True)
                for some, theirs in parts:
                    placed = on_device(asked, some)
                    shown_to = placed if made is None else made(placed, theirs).detach()
                    with torch.no_grad():
                        count += int((found.model(shown_to).argmax(1) == theirs).sum())
                return count

            right, _ = state.deterministically(asked.device, judge)
        return {
            "judged": {"attack": attack, "images": len(labels), "right": right},
            "weights": loading.digest(found.own),
            "seconds": round(time.perf_counter() - started, 3),
        }
