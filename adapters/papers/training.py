"""Adversarial training: one optimisation step of each method, K attack steps and one update.

The attack inside is built by any adapter. Parameters are frozen, where that is asked, for the
attack alone and inside the step, as in appendix A of Bu 2022; the update needs their gradients.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from adapters import losses, outputs, reference

if TYPE_CHECKING:
    from adapters.base import AttackFunction

Freezing = Callable[[], AbstractContextManager[None]]
"""Makes the block around the attack: `semi_backward(model)`, or one that does nothing."""


class Training(ABC):
    """A method on one model.

    Args:
        model: images (N, C, H, W) in [0, 1] to logits (N, classes).
        optimizer: of its parameters.
        freezing: makes the block that the attack runs in.
    """

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, freezing: Freezing
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.freezing = freezing

    @abstractmethod
    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        """One optimisation step.

        Args:
            images: (N, C, H, W), in [0, 1].
            labels: (N,), class numbers.

        Returns:
            the loss before the update, a scalar.
        """

    def update(self, loss: Tensor) -> Tensor:
        """Descend; the loss, detached."""
        # What the attack left in the parameters' .grad must not reach the update.
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    @contextlib.contextmanager
    def attacking(self) -> Iterator[None]:
        """The attack's part of a step: in eval mode, so that batch-norm statistics stay and nothing
        is drawn, and frozen where that is asked; in train mode after it."""
        self.model.eval()
        with self.freezing():
            yield
        self.model.train()


class Natural(Training):
    """No attack."""

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        self.model.train()
        return self.update(functional.cross_entropy(self.model(images), labels))


class Adversarial(Training):
    """Training on what an attack makes of the minibatch: Madry et al. 2018, eq. 2.1, with K steps;
    with one long step from a random start, Wong et al. 2020, algorithm 3.

    Args:
        attack: images (N, C, H, W) and labels (N,) to adversarial images.
        leaves_box: whether it is known to return images that are not all in [0, 1].

    Attributes:
        doubts: what to warn of in the first adversarial images; None before them.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        freezing: Freezing,
        attack: AttackFunction,
        *,
        leaves_box: bool = False,
    ) -> None:
        super().__init__(model, optimizer, freezing)
        self._attack = attack
        self._leaves_box = leaves_box
        self.doubts: list[str] | None = None

    def adversarial(self, images: Tensor, labels: Tensor) -> Tensor:
        """The adversarial images (N, C, H, W), detached; of a copy, for attacks that work in
        place.

        Raises:
            AdapterError: the first that the attack makes are no images to train on.
        """
        with self.attacking():
            made = self._attack(images.clone(), labels)
            if self.doubts is None:  # once, before anything is timed: a look waits for the GPU
                outputs.check(made, images)
                self.doubts = outputs.doubts(made.detach(), images, leaves_box=self._leaves_box)
            return made.detach()

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        adversarial = self.adversarial(images, labels)
        return self.update(functional.cross_entropy(self.model(adversarial), labels))


class Mart(Adversarial):
    """Misclassification-aware training: Wang et al. 2020, eq. 11."""

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        adversarial = self.adversarial(images, labels)
        logits, logits_adversarial = self.model(images), self.model(adversarial)
        return self.update(losses.mart(logits, logits_adversarial, labels))


class Trades(Training):
    """Zhang et al. 2019, eq. 5: the attack and the second term of the loss are a divergence from
    the prediction on the clean images.

    Args:
        gradient: one of `adapters.reference`: how the attack asks for its gradient.
        eps, step_size, steps: of the attack, on images in [0, 1].
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        freezing: Freezing,
        gradient: reference.Gradient,
        *,
        eps: float,
        step_size: float,
        steps: int,
    ) -> None:
        super().__init__(model, optimizer, freezing)
        self._gradient = gradient
        self._ball = {"eps": eps, "step_size": step_size}
        self._steps = steps

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        with self.attacking():
            adversarial = reference.diverging(
                self.model, self._gradient, images, steps=self._steps, **self._ball
            )
        logits = self.model(images)
        return self.update(losses.trades(logits, self.model(adversarial), labels))


class Free(Training):
    """Free adversarial training: Shafahi et al. 2019, algorithm 1.

    One backward pass gives both gradients: the parameters' for the descent, the images' for the
    ascent. So there is nothing to freeze, and the block that freezes is never entered. The
    perturbation is carried from step to step and from minibatch to minibatch; who calls `step`
    replays each minibatch m times.

    Args:
        eps: radius of the L-infinity ball, and length of the ascent.

    Attributes:
        perturbation: of the last minibatch, (N, C, H, W); None before the first.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        freezing: Freezing,
        eps: float,
    ) -> None:
        super().__init__(model, optimizer, freezing)
        self._eps = eps
        self.perturbation: Tensor | None = None

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        carried = self.perturbation
        if carried is None or len(carried) < len(images):
            carried = torch.zeros_like(images)
        mine, others = carried[: len(images)], carried[len(images) :]
        perturbed = (images + mine).clamp(0, 1).requires_grad_(True)
        self.model.train()
        loss = self.update(functional.cross_entropy(self.model(perturbed), labels))
        assert perturbed.grad is not None  # the update's backward pass has filled it
        ascended = (mine + self._eps * perturbed.grad.sign()).clamp(-self._eps, self._eps)
        self.perturbation = torch.cat([ascended, others])
        return loss
