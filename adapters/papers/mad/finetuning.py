"""Training a pruned network on, its zeros held: Lee et al. 2022, step 2."""

from __future__ import annotations

from torch import nn

from adapters.base import Settings
from adapters.papers import building
from adapters.papers.mad.attacks import pgd_of, stepping
from adapters.papers.mad.methods import FALLS, LEARNING_RATE, WEIGHT_DECAY
from adapters.papers.mad.pruning import HeldSGD, Kept
from adapters.papers.methods import METHODS
from adapters.papers.training import Freezing, Training

MOMENTUM = 0.9
FALL = 0.1
"""What the learning rate is multiplied with each time it falls."""
OWN_ATTACK = "pgd-backward"
"""How methods with an attack of their own ask for its gradient."""


def optimizer_of(network: nn.Module, kept: Kept, rate: float = LEARNING_RATE) -> HeldSGD:
    """What trains a pruned network on.

    Args:
        network: pruned, its zeros in place.
        kept: what stays of its parameters.
        rate: the learning rate, before it falls.
    """
    return HeldSGD(network, kept, lr=rate, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)


def learning_rate(epoch: int, epochs: int, rate: float = LEARNING_RATE) -> float:
    """Of an epoch, counted from 0: it falls to a tenth after a half, and after three quarters."""
    return rate * FALL ** sum(epoch >= share * epochs for share in FALLS)


def training_of(
    network: nn.Module,
    optimizer: HeldSGD,
    method: str,
    library: str,
    settings: Settings,
    freezing: Freezing,
) -> Training:
    """Steps of adversarial training of a pruned network; `step` makes one.

    Args:
        network: pruned; images (N, C, H, W) in [0, 1] to logits (N, classes).
        optimizer: of it, see `optimizer_of`.
        method: a name from `adapters.papers.methods.METHODS`.
        library: whose PGD is inside, where the method takes any library's.
        settings: of the attack, with eps and steps.
        freezing: makes the block around the attack.

    Raises:
        AdapterError: the library is unavailable, or can't do this.
    """
    own = METHODS[method].inside != "library"
    attack = OWN_ATTACK if own else pgd_of(library)
    told = stepping(settings)
    made, _ = building.build(method, library, attack, network, optimizer, freezing, told)
    return made
