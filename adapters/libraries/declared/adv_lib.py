"""adv-lib 0.2.8, all of `adv_lib.attacks`.

`steps` is each attack's number of gradient steps, however the library calls it; what repeats them,
as a search for a constant or for a radius, keeps its own number of rounds. `steps=default_steps` is
the library's default run, but for radii, which have no default, and for the number of classes that
are aimed at. Where the user's eps does not apply or is not given, the radii here hold.

FGA and VFGA change one value a step until an image is fooled or all its values are changed; as many
as an image of 3×32×32 has are taken for their default.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from adapters.base import EPS, RANDOM_START, STEP_SIZE, STEPS, AttackInfo, Given, Promise
from adapters.declared import CLASSES, ONLY_IF_FOOLED

SOURCE = "adv_lib.attacks"
LINF = math.inf
RADII: Mapping[str, object] = {"Linf": EPS, "L2": 0.5, "L1": 12.0}
"""In L2 and L1 what RobustBench uses for CIFAR-10 (L1: Croce and Hein 2021)."""
ORDERS: Mapping[str, float] = {"Linf": LINF, "L2": 2, "L1": 1, "L0": 0}

PIXELS = 3 * 32 * 32
TARGETS = 9
NINE_TARGETS = Given("classes", lambda classes: min(TARGETS, classes - 1))
"""As AutoAttack has it; the library aims at all classes."""

ONCE_MORE = "a forward pass and a gradient more than steps"
PER_TARGET = "nine targets, each on the images that withstood those before"
PER_CLASS = "a gradient for each class but one, a step"
SEARCHED = "20 rounds of steps, in search of the radius"
FAB_STEP = "two forward passes a step, one of which records a graph nobody reads"
SAMPLED = "ten queries a step, each of which records a graph nobody reads"
AIMED = "a forward pass and ten gradients before the steps"
TWICE = "two forward passes a step, the second of which records a graph nobody reads"

FALLBACK: Mapping[str, Mapping[str, object]] = {
    name: {argument: 8 / 255}
    for name, argument in (
        ("pgd", "ε"),
        ("apgd", "eps"),
        ("apgdt", "eps"),
        ("minimal-apgd", "max_eps"),
    )
}
"""Radii, which the library leaves to its user, where the user of the bench has not said."""


def _attack(
    norm: str,
    steps: int,
    name: str,
    arguments: Mapping[str, object],
    extra_work: str = "",
    exempt: Mapping[Promise, str] = ONLY_IF_FOOLED,
) -> AttackInfo:
    """Most of them hand back the smallest adversarial example found, or the clean image."""
    return AttackInfo(
        norm,
        "white-box",
        steps,
        f"{SOURCE}.{name}",
        "autograd.grad",
        extra_work,
        arguments,
        exempt,
    )


def _by_norm(
    name: str, function: str, norms: tuple[str, ...], steps: int, budget: str, work: str = ""
) -> dict[str, AttackInfo]:
    """An attack once for each norm, which it takes as `norm`, for the smallest perturbation."""
    return {
        f"{name}-{norm.lower()}": _attack(
            norm, steps, function, {"norm": ORDERS[norm], budget: STEPS}, work
        )
        for norm in norms
    }


def _apgd(
    name: str, function: str, radius: str, work: str, **more: object
) -> dict[str, AttackInfo]:
    """One of the three kinds of APGD; of these only plain L-infinity has no norm in its name."""
    return {
        name if norm == "Linf" else f"{name}-{norm.lower()}": _attack(
            norm,
            100,
            function,
            {"norm": ORDERS[norm], radius: RADII[norm], "n_iter": STEPS, **more},
            work,
        )
        for norm in ("Linf", "L2", "L1")
    }


ATTACKS: Mapping[str, AttackInfo] = {
    "pgd": _attack(
        "Linf",
        40,
        "pgd_linf",
        {"ε": EPS, "absolute_step_size": STEP_SIZE, "steps": STEPS, "random_init": RANDOM_START},
    ),
    **_apgd("apgd", "apgd", "eps", ONCE_MORE),
    **_apgd(
        "apgdt", "apgd_targeted", "eps", f"{ONCE_MORE}; {PER_TARGET}", num_targets=NINE_TARGETS
    ),
    # The radius it begins with, which it may leave.
    **_apgd("minimal-apgd", "auto_pgd.minimal_apgd", "max_eps", f"{ONCE_MORE}; {SEARCHED}"),
    "alma": _attack("L2", 1000, "alma", {"num_steps": STEPS}),
    **{
        f"alma-{name.lower()}": _attack(
            name, 1000, "alma", {"num_steps": STEPS, "distance": name.lower()}
        )
        for name in ("L1", "SSIM", "CIEDE2000")
    },
    "cw": _attack(
        "L2",
        10000,
        "carlini_wagner_l2",
        {
            "max_iterations": STEPS,
            # Divides by max_iterations // 10, which is 0 below 10 iterations.
            "abort_early": Given("steps", lambda steps: steps >= 10),
        },
        "nine rounds of steps",
    ),
    "cw-linf": _attack(
        "Linf",
        1000,
        "carlini_wagner_linf",
        {"max_iterations": STEPS},
        "a round of steps for each constant and each bound, on the images that need another",
    ),
    "ddn": _attack("L2", 100, "ddn", {"steps": STEPS}),
    "deepfool": _attack("L2", 100, "df", {"steps": STEPS, "norm": 2}, PER_CLASS),
    "deepfool-linf": _attack("Linf", 100, "df", {"steps": STEPS, "norm": LINF}, PER_CLASS),
    "super-deepfool": _attack(
        "L2",
        100,
        "sdf",
        {"steps": STEPS, "df_steps": STEPS},
        "a DeepFool run of steps and one gradient a step; ten forward passes after them",
    ),
    **_by_norm("fab", "fab", ("Linf", "L2", "L1"), 100, "n_iter", f"{FAB_STEP}; {PER_CLASS}"),
    **{
        f"fab-t-{norm.lower()}": _attack(
            norm,
            100,
            "fab",
            {
                "norm": ORDERS[norm],
                "n_iter": STEPS,
                "targeted_restarts": True,
                "restarts": NINE_TARGETS,
            },
            f"{FAB_STEP}; nine targets",
        )
        for norm in ("Linf", "L2", "L1")
    },
    **_by_norm("fmn", "fmn", ("L0", "L1", "L2", "Linf"), 10, "steps"),
    "pdgd": _attack("L2", 500, "pdgd", {"num_steps": STEPS}),
    **_by_norm("pdpgd", "pdpgd", ("L0", "L1", "L2", "Linf"), 500, "num_steps"),
    "sigma-zero": _attack("L0", 1000, "sigma_zero", {"num_steps": STEPS}),
    "fga": _attack("L0", PIXELS, "fga", {"targeted": False, "max_iter": STEPS}, SAMPLED),
    "vfga": _attack(
        "L0",
        PIXELS,
        "vfga",
        {"targeted": False, "max_iter": STEPS},
        SAMPLED.replace("ten", "twenty"),
    ),
    "perc-al": _attack(
        "CIEDE2000",
        1000,
        "perc_al",
        {"num_classes": CLASSES, "max_iterations": STEPS},
        f"a gradient of the distance a step; {TWICE}",
    ),
    "str-attack": _attack(
        "group sparsity",
        2000,
        "str_attack",
        {
            "max_iterations": STEPS,
            # 3200 steps whatever max_iterations is; it fails where no image was fooled before it.
            "retrain": Given("steps", lambda steps: steps >= 100),
        },
        f"six rounds of steps, {TWICE}; 3200 steps after them, where steps is 100 or more",
    ),
    "trust-region": _attack("L2", 100, "tr", {"iter": STEPS, "p": 2}, f"{AIMED}; {TWICE}", {}),
    "trust-region-linf": _attack(
        "Linf", 100, "tr", {"iter": STEPS, "p": LINF}, f"{AIMED}; {TWICE}", {}
    ),
    "trust-region-adaptive": _attack(
        "L2",
        100,
        "tr",
        {"iter": STEPS, "p": 2, "adaptive": True},
        f"{AIMED}; three forward passes a step, two of which record a graph nobody reads",
        {},
    ),
}

LEFT_OUT: Mapping[str, str] = {
    **{
        f"segmentation.{name}": "attacks segmentation, a class for each pixel"
        for name in ("alma_prox", "asma", "dag", "pdgd", "pdpgd")
    },
    "alma by LPIPS": "its distance by AlexNet, whose weights the library downloads where it runs",
    "alma by MS-SSIM": "its distance for images of more than 160 pixels a side, else that of SSIM",
}
