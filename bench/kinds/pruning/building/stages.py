"""In the worker: every stage of a pruning as a function of one batch.

Each is called with images (N, C, H, W) in [0, 1] and labels (N,), and returns one tensor that holds
all that it makes. What comes before a stage is made once, outside what is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from adapters.papers.mad import attacks
from adapters.papers.mad.factors import Factors, factors_of
from adapters.papers.mad.masks import optimised
from adapters.papers.mad.methods import CRITERIA, TIMED_BY, Stage
from adapters.papers.mad.pruning import Kept, kept_of
from adapters.papers.mad.saliency import batch_saliency, saliency_of
from bench.cases import Case
from bench.kinds.pruning.building.networks import Prunable, settings_of
from bench.kinds.pruning.options import PruningOptions

if TYPE_CHECKING:
    from adapters.base import AttackFunction

Run = Callable[[Tensor, Tensor], Tensor]
MAD = CRITERIA[0]


def attack_of(case: Case, found: Prunable) -> AttackFunction:
    """The attack that a case scores and trains with.

    Raises:
        AdapterError: its library is unavailable, or has no such attack.
    """
    return attacks.inside(PruningOptions.of(case).inside, found.model, settings_of(case))


def stage_of(case: Case, found: Prunable, images: Tensor, labels: Tensor) -> Run:
    """One stage, built; all but fine-tuning, which is a step of a training.

    Args:
        case: what was asked; its attack names the stage.
        found: its network.
        images, labels: the batch; of stages after the attack, adversarial images are made of it.

    Raises:
        AdapterError: a library is unavailable, or can't do this.
    """
    network, layers = found.model, found.layers
    stage: Stage = case.attack  # type: ignore[assignment]  # the kind makes no others
    if stage == "attack":
        return attack_of(case, found)
    if stage == "evaluation":
        each = [attacks.evaluating(name, network, settings_of(case)) for name in TIMED_BY]
        return lambda given, truth: torch.cat([attack(given, truth) for attack in each])
    if stage == "saliency":
        attack = attack_of(case, found)

        def whole(given: Tensor, truth: Tensor) -> Tensor:
            adversarial = attack(given, truth).detach()
            return flat(batch_saliency(network, layers, adversarial, truth))

        return whole
    adversarial = attack_of(case, found)(images.clone(), labels).detach()
    if stage == "masks":
        return lambda _, truth: flat(optimised(network, layers, adversarial, truth).values())
    masks = optimised(network, layers, adversarial, labels)
    scored = partial(factors_of, network, layers, masks, adversarial)
    if stage == "factors":
        return lambda _, truth: _flat_factors(scored(truth))
    factors = scored(labels)
    return lambda _, __: flat(saliency_of(layers, masks, factors))


def kept_by_batch(case: Case, found: Prunable, images: Tensor, labels: Tensor, seed: int) -> Kept:
    """What stays of a network that is pruned by the saliency of one batch.

    Raises:
        AdapterError: a library is unavailable, or can't do this.
    """
    percent = PruningOptions.of(case).percent
    assert percent is not None  # the kind makes no other cases of these stages
    adversarial = attack_of(case, found)(images.clone(), labels).detach()
    saliency = batch_saliency(found.model, found.layers, adversarial, labels)
    return kept_of(found.layers, MAD, percent, saliency, seed)


def flat(tensors: Iterable[Tensor]) -> Tensor:
    """All of them as one vector."""
    return torch.cat([tensor.flatten() for tensor in tensors])


def _flat_factors(factors: Sequence[Factors]) -> Tensor:
    return flat([part for found in factors for part in (found.a, found.g)])
