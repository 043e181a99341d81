"""What is known of MAD without running it: stages, criteria and published settings. Pure.

The seed names no numbers of its results; settings are those of its printed arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, get_args

from adapters.base import EPS, STEPS, AttackInfo

SOURCE = "Lee et al. 2022"
Stage = Literal["attack", "masks", "factors", "closed-form", "saliency", "finetuning", "evaluation"]
Criterion = Literal["mad", "largest", "random", "magnitude"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
CRITERIA_WORDS: Mapping[Criterion, str] = {
    "mad": "lowest adversarial saliency first",
    "largest": "highest adversarial saliency first, as a control",
    "random": "drawn, as a control",
    "magnitude": "smallest weights first, as a control",
}
"""What each prunes first."""
SCORING: tuple[Criterion, ...] = ("mad", "largest")
"""Those that read the saliency."""

PUBLISHED_EPS = 0.03
"""Radius of the L-infinity ball on photographs, on images in [0, 1]."""
PGD_STEPS = 10
REACH = 2.3
"""Length of all of PGD's steps together, in radii of the ball."""
PERCENTS = (0.9, 0.99)
"""Shares of the weights that are pruned."""
EPOCHS, LEARNING_RATE, WEIGHT_DECAY, BATCH = 60, 0.1, 2e-4, 128
"""Of fine-tuning."""
FALLS = (0.5, 0.75)
"""Shares of fine-tuning after which its learning rate falls to a tenth (the seed's code)."""

EVALUATED: Mapping[str, str] = {
    "fgsm": "torchattacks.FGSM",
    "pgd": "torchattacks.PGD, as while training",
    "cw-linf": "Carlini and Wagner's loss in the ball, 30 steps",
    "apgd": "torchattacks.APGD, cross-entropy, 30 steps",
    "autoattack": "torchattacks.AutoAttack, standard",
}
"""The attacks that networks are judged by."""
TIMED_BY = ("fgsm", "pgd", "cw-linf", "apgd")
"""Those of them that a timed evaluation has; AutoAttack alone would be most of it."""
LONG_STEPS = 30
"""Of CW-L∞ and APGD."""

_BALL = {"eps": EPS, "steps": STEPS}


def _stage(
    source: str, call: Literal["backward", "autograd.grad", "none"], steps: int, extra: str = ""
) -> AttackInfo:
    return AttackInfo(
        "Linf",
        "black-box" if call == "none" else "white-box",
        steps,
        f"adapters.papers.mad.{source}",
        call,
        extra,
        arguments=_BALL if steps == PGD_STEPS else {},
    )


STAGES: Mapping[str, AttackInfo] = {
    "attack": _stage("attacks.inside", "autograd.grad", PGD_STEPS, "as the library inside asks"),
    "masks": _stage("masks.optimised", "backward", 1, "20 steps, on adversarial images"),
    "factors": _stage(
        "factors.factors_of", "backward", 1, "a covariance of patches for each layer"
    ),
    "closed-form": _stage("saliency.saliency_of", "none", 1),
    "saliency": _stage("saliency.batch_saliency", "backward", PGD_STEPS, "attack, masks, factors"),
    "finetuning": _stage("finetuning.training_of", "backward", PGD_STEPS, "attack and update"),
    "evaluation": _stage("attacks.evaluating", "autograd.grad", PGD_STEPS, "several attacks"),
}
"""Every stage that is measured by itself, by name."""


def pruned_of(percent: float, count: int) -> int:
    """How many of so many weights go: all that the share holds wholly.

    Args:
        percent: the share, between 0 and 1.
        count: of weights.
    """
    return int(Decimal(str(percent)) * count)
