"""From a method's name to its training on one model, with the attack inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from adapters import custom, reference, registry
from adapters.base import Settings, UnsupportedSettings
from adapters.papers import training
from adapters.papers.training import Freezing, Training
from adapters.schedules import share_of_rate

if TYPE_CHECKING:
    from adapters.base import AttackFunction

LEARNING_RATE = 0.05
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4


def optimizer_of(model: nn.Module) -> torch.optim.Optimizer:
    """Stochastic gradient descent with momentum, as all the methods' papers use it."""
    return torch.optim.SGD(
        model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
    )


def learning_rate(update: int, updates: int) -> float:
    """Of one update: up from near 0 in a straight line, and down to it again.

    Args:
        update: its number, from 0.
        updates: how many there are.
    """
    return LEARNING_RATE * share_of_rate(update, updates)


def build(
    method: str,
    library: str,
    attack: str,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    freezing: Freezing,
    settings: Settings,
) -> tuple[Training, str | None]:
    """Build one method's training.

    Args:
        method: a name from `adapters.papers.methods.METHODS`.
        library: of the attack inside; "user" for a user's function.
        attack: its name there, or the user's FILE.py:FUNCTION.
        model: images (N, C, H, W) in [0, 1] to logits (N, classes).
        optimizer: of its parameters.
        freezing: makes the block around the attack.
        settings: of the attack.

    Returns:
        the training, and the library's version.

    Raises:
        AdapterError: the library is unavailable, or can't do this.
    """
    version = torch.__version__
    if method == "natural":
        return training.Natural(model, optimizer, freezing), version
    if settings.eps is None:
        raise UnsupportedSettings(f"{method} training needs the radius of a ball")
    if method == "free":
        return training.Free(model, optimizer, freezing, settings.eps), version
    if method == "trades":
        assert settings.step_size is not None
        assert settings.steps is not None
        made = training.Trades(
            model,
            optimizer,
            freezing,
            reference.gradient_of(attack),
            eps=settings.eps,
            step_size=settings.step_size,
            steps=settings.steps,
        )
        return made, version
    inside, found = _attack(library, attack, model, settings)
    kind = training.Mart if method == "mart" else training.Adversarial
    leaves_box = registry.leaves_box(library, attack)
    return kind(model, optimizer, freezing, inside, leaves_box=leaves_box), found


def _attack(
    library: str, attack: str, model: nn.Module, settings: Settings
) -> tuple[AttackFunction, str | None]:
    if library == custom.LIBRARY:
        return custom.build(custom.parse(attack), model), None
    adapter = registry.get(library)
    adapter.load()
    return adapter.build(attack, model, settings), registry.version(adapter)
