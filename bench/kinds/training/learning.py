"""Train one variant of a case to the end, an epoch at a time, from checkpoint to checkpoint.

Lives in the worker. Every epoch starts from seeds of its own, so a training that was interrupted
goes on exactly as if it had not been: a checkpoint holds parameters, buffers, momentum and, of free
training, the perturbation; no state of a random generator.
"""

from __future__ import annotations

import json
import math
import os
import random
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from adapters import data, reference
from adapters.base import AdapterError
from adapters.models.weights import digest, safetensors
from adapters.papers import building
from adapters.papers.training import Free
from bench.cases import Case
from bench.kinds.images.building.models import flags_kept
from bench.kinds.training.building import build_one, build_trained
from bench.kinds.training.options import TrainingOptions
from bench.worker import state
from bench.worker.workload import select_device
from semibackward import semi_backward

EVALUATION_STEPS = 20
EVALUATION_STEP = 0.125
"""Length of an evaluation's step, in radii of the ball."""
EVALUATION_BATCH = 128


@dataclass
class Told:
    """What is known of a training so far; a checkpoint's metadata.

    Attributes:
        case_id, variant, seed, epochs: what is trained; of another training it can't go on.
        updates: made so far.
        losses: mean loss of each epoch.
        seconds: wall seconds of each epoch.
    """

    case_id: str
    variant: str
    seed: int
    epochs: int
    updates: int = 0
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


class Learning:
    """A training under way.

    Args:
        case: what is trained.
        variant: with or without the trick.
        seed: of weights, order of the images, and attacks.
        epochs: how many; free training makes as many updates in fewer passes over the data.
        checkpoint: a file to go on from, and to write after each epoch.

    Attributes:
        of: what is trained: the first four.
        told: what is known so far.

    Raises:
        AdapterError: the data, the library or the checkpoint can't be used.
    """

    def __init__(self, case: Case, variant: str, seed: int, epochs: int, checkpoint: Path) -> None:
        self.of = (case, variant, seed, epochs)
        self._case = case
        self._options = TrainingOptions.of(case)
        self._checkpoint = checkpoint
        self._data = data.load(self._options.data)
        select_device(case.device)
        few = self._data.images[: case.batch].to(case.device, getattr(torch, case.dtype))
        built = build_trained(case, seed, few)
        self._model = built.model
        self._optimizer = building.optimizer_of(self._model)
        state.reset(self._model, seed)
        with flags_kept(self._model):
            self._training, self._version = build_one(case, variant, built, self._optimizer)
        safetensors()  # known to be there before an epoch is trained
        self.told = Told(case.id, variant, seed, epochs)
        if checkpoint.exists():
            self._go_on()

    @property
    def updates_an_epoch(self) -> int:
        """A last minibatch that is not full is left out."""
        return len(self._data.images) // self._case.batch

    @property
    def done(self) -> bool:
        return len(self.told.losses) >= self.told.epochs

    def epoch(self) -> None:
        """Train for as many updates as a pass over the data has, and write the checkpoint.

        Raises:
            ArithmeticError: the loss is not finite any more.
        """
        started = time.perf_counter()
        number = len(self.told.losses)
        updates = self.told.updates
        start = {name: value.clone() for name, value in self._tensors().items()}

        def train() -> float:
            self.told.updates = updates
            self._restore(start)
            return self._updates(number)

        total, _ = state.deterministically(self._case.device, train)
        if not math.isfinite(total):
            raise ArithmeticError(
                f"the loss is not finite in epoch {number + 1}: the training diverged; try another"
                " --seed, a larger --batch, or weights to start from"
            )
        self.told.losses.append(total / self.updates_an_epoch)
        self.told.seconds.append(round(time.perf_counter() - started, 3))
        self._write()

    def _updates(self, number: int) -> float:
        """Those of an epoch; the sum of their losses."""
        _seed(self.told.seed, number)
        order = torch.Generator().manual_seed(self.told.seed * 1_000_003 + number)
        total, updates = 0.0, self.told.epochs * self.updates_an_epoch
        for images, labels in self._minibatches(order):
            rate = building.learning_rate(self.told.updates, updates)
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            total += float(self._training.step(images, labels))
            self.told.updates += 1
        return total

    def result(self) -> dict[str, object]:
        """How good the model is, and a digest of its weights."""
        clean, robust = self._evaluate()
        facts = self._data.facts
        return {
            "library_version": self._version,
            "updates": self.told.updates,
            "images": facts.images,
            "test_images": len(self._data.test_labels),
            "losses": self.told.losses,
            "seconds": self.told.seconds,
            "clean_accuracy": clean,
            "robust_accuracy": robust,
            "evaluation": {
                "attack": f"PGD-{EVALUATION_STEPS}",
                "eps": facts.eps,
                "step_size": EVALUATION_STEP * facts.eps,
            },
            "weights": digest(self._model),
        }

    def _minibatches(self, order: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Of one epoch: each as often as it is replayed."""
        batch, replays = self._case.batch, self._options.replays or 1
        known, left = self._data, self.updates_an_epoch
        dtype = getattr(torch, self._case.dtype)
        for chosen in torch.randperm(len(known.images), generator=order).split(batch):
            images = known.images[chosen]
            if known.facts.augmented:
                images = data.augment(images, order, mirrored=known.facts.mirrored)
            pair = images.to(self._case.device, dtype), known.labels[chosen].to(self._case.device)
            for _ in range(min(replays, left)):
                yield pair
            left -= replays
            if left <= 0:
                return

    def _evaluate(self) -> tuple[float, float]:
        """Shares of the test images classified rightly: as they are, and after PGD-20."""
        _seed(self.told.seed, self.told.epochs)
        model, facts = self._model.eval(), self._data.facts
        attack = partial(
            reference.pgd,
            model,
            reference.by_autograd_grad,
            eps=facts.eps,
            step_size=EVALUATION_STEP * facts.eps,
            steps=EVALUATION_STEPS,
        )
        clean = robust = 0
        pairs = zip(
            self._data.test_images.split(EVALUATION_BATCH),
            self._data.test_labels.split(EVALUATION_BATCH),
            strict=True,
        )
        for images, labels in pairs:
            images = images.to(self._case.device, getattr(torch, self._case.dtype))
            labels = labels.to(self._case.device)
            with semi_backward(model):
                adversarial = attack(images, labels)
            with torch.no_grad():
                clean += int((model(images).argmax(1) == labels).sum())
                robust += int((model(adversarial).argmax(1) == labels).sum())
        count = len(self._data.test_labels)
        return clean / count, robust / count

    def _tensors(self) -> dict[str, Tensor]:
        found = {f"model.{name}": value for name, value in self._model.state_dict().items()}
        for number, kept in self._optimizer.state_dict()["state"].items():
            if kept.get("momentum_buffer") is not None:
                found[f"momentum.{number}"] = kept["momentum_buffer"]
        if isinstance(self._training, Free) and self._training.perturbation is not None:
            found["perturbation"] = self._training.perturbation
        return {name: value.detach().cpu().contiguous() for name, value in found.items()}

    def _write(self) -> None:
        self._checkpoint.parent.mkdir(parents=True, exist_ok=True)
        written = self._checkpoint.with_suffix(".partial")
        metadata = {"told": json.dumps(asdict(self.told))}
        safetensors().torch.save_file(self._tensors(), written, metadata=metadata)
        os.replace(written, self._checkpoint)  # noqa: PTH105 - a killed run leaves a whole file

    def _go_on(self) -> None:
        try:
            with safetensors().safe_open(self._checkpoint, framework="pt") as file:
                told = Told(**json.loads(file.metadata()["told"]))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            then, now = ((t.case_id, t.variant, t.seed, t.epochs) for t in (told, self.told))
            if then != now:
                raise ValueError(f"it is of another training: {then}, not {now}")
            self._restore(tensors)
        except Exception as error:
            raise AdapterError(
                f"{self._checkpoint} can't be gone on from: {type(error).__name__}: {error};"
                " remove it, or name another folder with --checkpoints"
            ) from error
        self.told = told

    def _restore(self, tensors: dict[str, Tensor]) -> None:
        """Make it what `_tensors` told of it."""
        self._model.load_state_dict(_of(tensors, "model."))
        momentum = _of(tensors, "momentum.")
        kept = self._optimizer.state_dict()
        # The optimizer takes what it is given, and then changes it in place.
        kept["state"] = {int(n): {"momentum_buffer": t.clone()} for n, t in momentum.items()}
        self._optimizer.load_state_dict(kept)
        if isinstance(self._training, Free):
            perturbation = tensors.get("perturbation")
            if perturbation is not None:
                perturbation = perturbation.to(self._case.device, copy=True)
            self._training.perturbation = perturbation


class Server:
    """Keeps the training under way between requests to the worker."""

    def __init__(self) -> None:
        self._learning: Learning | None = None

    def answer(
        self, case: dict[str, Any], variant: str, seed: int, epochs: int, checkpoint: str
    ) -> dict[str, Any]:
        """Train for one more epoch, from the checkpoint if there is one; evaluate after the last.

        Args:
            case: as JSON.
            variant: with or without the trick.
            seed: of everything random.
            epochs: how many there are in all.
            checkpoint: the path of its file.
        """
        asked = Case.from_json(case)
        if self._learning is None or self._learning.of != (asked, variant, seed, epochs):
            self._learning = None
            state.clear(asked.device)
            self._learning = Learning(asked, variant, seed, epochs, Path(checkpoint))
        learning = self._learning
        if not learning.done:
            learning.epoch()
        told = {"epoch": len(learning.told.losses), "loss": learning.told.losses[-1]}
        return {**told, "result": learning.result() if learning.done else None}


def _seed(seed: int, epoch: int) -> None:
    mixed = (seed * 1_000_003 + epoch * 7919) % 2**32
    random.seed(mixed)
    numpy.random.seed(mixed)
    torch.manual_seed(mixed)


def _of(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
