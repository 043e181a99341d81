"""In the worker: a network is pruned, and trained on with its zeros held, an epoch a request."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adapters.base import AdapterError
from adapters.models.weights import digest
from adapters.papers.mad import finetuning, keeping, pruning
from adapters.papers.mad.keeping import Pruned
from adapters.papers.mad.methods import Criterion
from bench.cases import Case
from bench.kinds.pruning.building.batches import augmented, seeded
from bench.kinds.pruning.building.networks import (
    in_own_names,
    on_device,
    prunable,
    settings_of,
    shown,
)
from bench.kinds.pruning.options import PruningOptions
from bench.kinds.training.building import freezing
from bench.worker import state
from semibackward_bench.grammar import counted


@dataclass(frozen=True)
class Asked:
    """How a network is pruned and trained on.

    Attributes:
        case: the network, its data and its attack.
        variant: with or without the trick.
        seed: of the network and of what is drawn.
        criterion: by which weights go.
        percent: the share that goes.
        method: of training.
        epochs: of it.
        rate: the learning rate, before it falls.
        scores: the file of the saliency; "" where none is read.
        file: where the network goes, and from where it goes on.
    """

    case: Case
    variant: str
    seed: int
    criterion: Criterion
    percent: float
    method: str
    epochs: int
    rate: float
    scores: str
    file: str


class Tuning:
    """A pruned network that is trained on.

    Args:
        asked: how.

    Raises:
        AdapterError: the network can't be pruned so, or a file is damaged, or of another.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        case = asked.case
        self._shown = shown(case)
        self._found = prunable(case, asked.seed, on_device(case, self._shown.images[: case.batch]))
        self._weights = digest(self._found.own)
        started = time.perf_counter()
        self._kept = self._decided()
        self._optimizer = finetuning.optimizer_of(self._found.model, self._kept, asked.rate)
        self._training = finetuning.training_of(
            *(self._found.model, self._optimizer, asked.method),
            *(PruningOptions.of(case).inside, settings_of(case)),
            freezing(asked.variant, self._found.model),
        )
        names = in_own_names(self._found, self._kept)
        of = (
            f"{case.model}, weights {self._weights}, {asked.variant},"
            f" {100 * asked.percent:g} % by {asked.criterion}, masks {keeping.digest(names)},"
            f" {asked.method} training at {asked.rate:g} for {counted(asked.epochs, 'epoch')} of"
            f" batches of {case.batch}"
        )
        there = keeping.read_pruned(Path(asked.file), of, self._found.own, self._optimizer)
        if there is None:
            pruning.put_on(self._found.model, self._kept)
            there = Pruned(of=of, epochs=asked.epochs)
            there.seconds["pruning"] = time.perf_counter() - started
            counts = pruning.sparsity(self._found.layers, self._kept)
            there.layers = [(name, *found) for name, found in counts.items()]
        self._told = there

    @property
    def done(self) -> bool:
        return self._told.done

    def _decided(self) -> dict[str, Tensor]:
        """What stays, by the saliency where it is read."""
        asked, layers = self.asked, self._found.layers
        saliency: list[Tensor] = []
        if asked.scores:
            file = Path(asked.scores)
            scores, sums = keeping.scores_in(file)
            if set(sums) != {layer.name for layer in layers.every}:
                raise AdapterError(f"{file} is of {scores.of}, whose layers are others: remove it")
            saliency = [sums[layer.name] / scores.every for layer in layers.every]
            device = asked.case.device
            saliency = [one.to(device) for one in saliency]
        return pruning.kept_of(layers, asked.criterion, asked.percent, saliency, asked.seed)

    def epoch(self) -> None:
        """Train for one more, and write the network.

        Raises:
            ArithmeticError: the loss is not finite any more.
        """
        number = len(self._told.losses)
        rate = finetuning.learning_rate(number, self.asked.epochs, self.asked.rate)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        start = [(value, value.detach().clone()) for value in self._moving()]
        started = time.perf_counter()

        def train() -> float:
            with torch.no_grad():
                for value, before in start:
                    value.copy_(before)
            return self._updates(number)

        loss, _ = state.deterministically(self.asked.case.device, train)
        if not math.isfinite(loss):
            raise ArithmeticError(
                f"the loss is not finite in epoch {number + 1}: fine-tuning diverged; try a lower"
                " --rate, or another --seed"
            )
        spent = time.perf_counter() - started
        self._told.losses.append(loss)
        self._told.seconds["finetuning"] = self._told.seconds.get("finetuning", 0.0) + spent
        self._write()

    def _updates(self, number: int) -> float:
        """Those of an epoch; their mean loss."""
        case = self.asked.case
        seeded(self.asked.seed, number)
        total, updates = 0.0, 0
        for images, labels in augmented(self._shown, case.batch, self.asked.seed, number + 1):
            total += float(self._training.step(on_device(case, images), labels.to(case.device)))
            updates += 1
        self._found.model.eval()
        return total / updates

    def _moving(self) -> list[Tensor]:
        model = self._found.model
        momentum = [
            value
            for found in self._optimizer.state.values()
            for value in found.values()
            if isinstance(value, Tensor)
        ]
        return [*model.parameters(), *model.buffers(), *momentum]

    def _write(self) -> None:
        kept = in_own_names(self._found, self._kept)
        optimizer = None if self.done else self._optimizer
        keeping.write_pruned(Path(self.asked.file), self._told, self._found.own, kept, optimizer)

    def answer(self) -> dict[str, Any]:
        """How far it is; at the end, fields of a `PrunedRecord`."""
        told = self._told
        found: dict[str, Any] = {"done": self.done, "epoch": len(told.losses)}
        found["loss"] = told.losses[-1] if told.losses else 0.0
        if self.done:
            found["result"] = {
                "weights": digest(self._found.own),
                "masks": keeping.digest(in_own_names(self._found, self._kept)),
                "layers": [
                    dict(zip(("name", "weights", "kept"), one, strict=True)) for one in told.layers
                ],
                "losses": told.losses,
                "seconds": {name: round(value, 3) for name, value in told.seconds.items()},
            }
        return found


class Server:
    """Keeps the fine-tuning under way between requests to the worker."""

    def __init__(self) -> None:
        self._tuning: Tuning | None = None

    def answer(self, case: dict[str, Any], **told: Any) -> dict[str, Any]:
        """Train for one more epoch, from where the file has it.

        Args:
            case: as JSON.
            told: the rest of `Asked`.
        """
        asked = Asked(case=Case.from_json(case), **told)
        if self._tuning is None or self._tuning.asked != asked:
            self._tuning = None
            state.clear(asked.case.device)
            self._tuning = Tuning(asked)
        if not self._tuning.done:
            self._tuning.epoch()
        return self._tuning.answer()
