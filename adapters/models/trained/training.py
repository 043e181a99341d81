"""Train a network by its recipe, an epoch at a time, from checkpoint to checkpoint.

Every epoch starts from seeds of its own, so a training that was interrupted goes on exactly as if
it had not been: a checkpoint needs no state of a random generator.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy
import torch
from torch import Tensor

from adapters import data, losses
from adapters.base import AdapterError
from adapters.data import Data
from adapters.models.trained import adversarial, cache, catalogue, checkpoints, files
from adapters.models.trained.base import Classifier, Trainable
from adapters.models.trained.building import build
from adapters.models.trained.cache import Trained
from adapters.models.trained.checkpoints import Told
from adapters.models.trained.recipes import Loss, Recipe, Stage
from adapters.models.weights import safetensors
from adapters.schedules import share_of_rate
from semibackward_bench.grammar import counted

CHECKPOINT = ".partial-checkpoint"
"""What a training's file is called as long as it lasts."""
MOMENTUM = 0.9
TEST_BATCH = 128
LOSSES: Mapping[Loss, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "trades": losses.trades,
    "mart": losses.mart,
}
"""Of logits of the clean images, those of the adversarial ones, and labels."""


class Trainee:
    """A training under way, or one that is over.

    Args:
        network: its name in the catalogue.
        where: what it is trained on, as `adapters.data.facts` takes it.
        seed: of its weights, the order of the images, and whatever else is drawn.
        file: what its weights are written to after the last epoch; one that is there and whole is
            taken. The checkpoint is kept beside it.
        device: where it is trained.
        adversarial, method: as `cache.recipe` has them.

    Attributes:
        remarks: of files that can't be used; what they would have held is trained again.

    Raises:
        AdapterError: there is no such network or method, the data can't be read, the checkpoint is
            another training's, or the method's loss can't take the place of the network's.
    """

    def __init__(
        self,
        network: str,
        where: str,
        seed: int,
        file: Path,
        *,
        device: str = "cpu",
        adversarial: float | None = None,
        method: str | None = None,
    ) -> None:
        facts = data.facts(where)
        self._where, self._file, self._device = where, file, device
        self._recipe: Recipe = cache.recipe(network, facts, adversarial=adversarial, method=method)
        name = cache.digest(
            network, facts, facts.classes, seed, adversarial=adversarial, method=method
        )
        self._told = Told(network, facts.name, facts.classes, seed, name)
        self._plan = [
            (stage, number) for stage in self._recipe.stages for number in range(stage.epochs)
        ]
        self.remarks: list[str] = []
        self.done = self._is_there()
        if self.done:
            return
        safetensors()  # known to be there before an epoch is trained
        side = catalogue.network(network).side(facts)
        self._data: Data = _shown(data.load(where), side)
        self._check_batch()
        self._network: Trainable = build(network, facts.classes, seed, size=side).to(device)
        self._check_loss()
        self._optimizer: torch.optim.Optimizer | None = None
        if self.checkpoint.exists():
            self._go_on()

    @property
    def checkpoint(self) -> Path:
        """The file that it goes on from."""
        return self._file.with_name(self._file.name + CHECKPOINT)

    @property
    def epochs(self) -> int:
        """Of all stages."""
        return len(self._plan)

    @property
    def epochs_done(self) -> int:
        return self.epochs if self.done else len(self._told.losses)

    @property
    def stage(self) -> str:
        """The name of the one that is next, or was last."""
        return self._plan[min(self.epochs_done, self.epochs - 1)][0].name

    @property
    def loss(self) -> float | None:
        """The last epoch's mean; None before one, and of a network that was there already."""
        return self._told.losses[-1] if self._told.losses else None

    def epoch(self) -> None:
        """Train for a pass over the data, and write the checkpoint; after the last, the network.

        Raises:
            ArithmeticError: the loss is not finite any more.
            AdapterError: a file can't be read or written.
        """
        if self.done:
            raise ValueError(f"the training of {self._told.who} is over")
        started = time.perf_counter()
        done = len(self._told.losses)
        stage, number = self._plan[done]
        if number == 0 or self._optimizer is None:
            self._optimizer = _optimizer(stage, self._network)
        loss = self._pass(stage, number, done)
        if not math.isfinite(loss):
            raise ArithmeticError(
                f"the loss of {self._told.network} is not finite in epoch {done + 1}"
                f" ({stage.name}): the training diverged; try another seed, or give trained weights"
            )
        self._told.losses.append(loss)
        self._told.seconds.append(time.perf_counter() - started)
        if len(self._told.losses) == self.epochs:
            self._finish()
        else:
            checkpoints.write(self.checkpoint, self._told, self._network, self._optimizer)

    def _pass(self, stage: Stage, number: int, done: int) -> float:
        """One over the data; the mean loss.

        Args:
            stage: the epoch's.
            number: the epoch's in its stage, from 0.
            done: epochs before it, of all stages.
        """
        assert self._optimizer is not None  # `epoch` made it
        _seed(self._told.seed, done)
        order = torch.Generator().manual_seed(self._told.seed * 1_000_003 + done)
        minibatches = len(self._data.images) // self._recipe.batch
        total, updates = 0.0, stage.epochs * minibatches
        mixture = self._recipe.mixture
        before = None if mixture is None else adversarial.as_it_stands(self._network)
        for update, (images, labels) in enumerate(self._minibatches(order), number * minibatches):
            for group in self._optimizer.param_groups:
                group["lr"] = _rate(stage, number, update, updates)
            clean = images
            if radius := self._recipe.adversarial:
                images = adversarial.attacked(
                    self._network, images, labels, radius, self._recipe.loss
                )
            if mixture is not None:
                assert before is not None  # made with it
                images = adversarial.mixed(before, images, labels, mixture)
            self._network.train()
            settings = {**stage.settings, "share": update / updates}
            loss = self._loss(clean, images, labels, settings)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            total += float(loss.detach())
        return total / minibatches

    def _loss(
        self, clean: Tensor, images: Tensor, labels: Tensor, settings: dict[str, float]
    ) -> Tensor:
        """Of a minibatch, as it is and as it is trained on; in train mode."""
        if self._recipe.loss is None:
            return self._network.training_loss(images, labels, settings)
        logits, attacked = self._network(clean), self._network(images)
        return LOSSES[self._recipe.loss](logits, attacked, labels)

    def _minibatches(self, order: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Of one epoch; a last one that is not full is left out."""
        known, batch = self._data, self._recipe.batch
        for chosen in torch.randperm(len(known.images), generator=order).split(batch):
            if len(chosen) == batch:
                images = known.images[chosen]
                if known.facts.augmented:
                    images = data.augment(images, order, mirrored=known.facts.mirrored)
                yield images.to(self._device), known.labels[chosen].to(self._device)

    def _check_batch(self) -> None:
        if len(self._data.images) < self._recipe.batch:
            raise AdapterError(
                f"--data {self._where} has {counted(len(self._data.images), 'image')} to train on,"
                f" where {self._told.network} is trained on {self._recipe.batch} at a time"
            )

    def _check_loss(self) -> None:
        loss = self._recipe.loss
        if loss is not None and not isinstance(self._network, Classifier):
            raise AdapterError(
                f"{self._told.network} can't be trained by {loss}, whose loss takes the place of"
                " cross-entropy: it has a loss of its own; name a classifier, or another method"
            )

    def _is_there(self) -> bool:
        """Whether the file has what would be trained.

        Raises:
            AdapterError: it has something else, which is not to be overwritten.
        """
        if not self._file.exists():
            return False
        wrong = cache.fault(self._file)
        if wrong is not None:
            self.remarks.append(f"{wrong}; it is trained again")
            return False
        there, told = cache.facts(self._file), self._told
        if there.recipe != told.recipe:
            raise AdapterError(
                f"{self._file} has {there.network} on {there.data}, seed {there.seed}, recipe"
                f" {there.recipe}, not {told.who}: remove it, or name another file"
            )
        return True

    def _finish(self) -> None:
        """Look how good it is, and write the file."""
        accuracy, share, spread = _evaluated(self._network, self._data, self._device)
        told = self._told
        trained = Trained(
            *(told.network, told.data, told.classes, told.seed, told.recipe),
            accuracy=accuracy,
            share=share,
            spread=spread,
            seconds=round(sum(told.seconds), 3),
        )
        tensors = checkpoints.on_cpu(self._network.state_dict())
        metadata = cache.told(trained, safetensors().torch.save(tensors))
        files.write(self._file, safetensors().torch.save(tensors, metadata=metadata))
        self.checkpoint.unlink(missing_ok=True)
        self.done = True

    def _go_on(self) -> None:
        """From the checkpoint; from the start where that is damaged.

        Raises:
            AdapterError: it is another training's.
        """
        try:
            found = checkpoints.read(self.checkpoint, self._network, self.epochs)
        except ValueError as error:
            self.remarks.append(
                f"{self.checkpoint} is damaged ({error}); it is trained from the start"
            )
            return
        if found.told.recipe != self._told.recipe:
            raise AdapterError(
                f"{self.checkpoint} is of {found.told.who}, not of {self._told.who}: remove it, or"
                " name another file"
            )
        self._told = found.told
        self._network.load_state_dict(found.network)
        stage, number = self._plan[len(found.told.losses)]
        if number:
            self._optimizer = _optimizer(stage, self._network)
            kept = self._optimizer.state_dict()
            self._optimizer.load_state_dict({**kept, "state": found.optimizer})


def _rate(stage: Stage, epoch: int, update: int, updates: int) -> float:
    """Of an update of a stage; epochs and updates are counted from 0."""
    if stage.falls is not None:
        return stage.rate * stage.falls.share(epoch)
    return stage.rate * share_of_rate(update, updates)


def _optimizer(stage: Stage, network: Trainable) -> torch.optim.Optimizer:
    """A new one, as the stage says."""
    weights, rate, decay = network.parameters(), stage.rate, stage.weight_decay
    if stage.optimizer == "adam":
        return torch.optim.Adam(weights, lr=rate, weight_decay=decay)
    return torch.optim.SGD(weights, lr=rate, momentum=MOMENTUM, weight_decay=decay)


@torch.no_grad()
def _evaluated(
    network: Trainable, known: Data, device: str
) -> tuple[float, float | None, float | None]:
    """Of the test images: the share classified rightly; mean and standard deviation of the share of
    the whole network's operations that they cost, None of a network that executes everything."""
    network.eval()
    right, shares = 0, []
    for images, labels in zip(
        known.test_images.split(TEST_BATCH), known.test_labels.split(TEST_BATCH), strict=True
    ):
        logits, share = network.judged(images.to(device))
        right += int((logits.argmax(1).cpu() == labels).sum())
        shares += [] if share is None else [share.double().cpu()]
    accuracy = right / len(known.test_labels)
    if not shares:
        return accuracy, None, None
    every = torch.cat(shares)
    return accuracy, float(every.mean()), float(every.std(unbiased=False))


def _shown(known: Data, side: int) -> Data:
    """A data set with images of some side."""
    if side == known.facts.size:
        return known
    images, test_images = (
        data.in_shape(part[:], (data.CHANNELS, side, side))
        for part in (known.images, known.test_images)
    )
    return replace(known, images=images, test_images=test_images)


def _seed(seed: int, epoch: int) -> None:
    mixed = (seed * 1_000_003 + epoch * 7919) % 2**32
    random.seed(mixed)
    numpy.random.seed(mixed)
    torch.manual_seed(mixed)
