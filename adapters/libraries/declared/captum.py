"""captum 0.9.0, all of `captum.robust`.

captum has no default for the radius, the step and the number of steps: what its tutorial on
CIFAR-10 takes stands in. Its default loss is of probabilities; of logits it is given another.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.base import EPS, RANDOM_START, STEP_SIZE, STEPS, AttackInfo

FALLBACK: Mapping[str, Mapping[str, object]] = {
    "fgsm": {"epsilon": 0.16},
    "pgd": {"radius": 0.13, "step_size": 0.02, "step_num": 7},
    "pgd-l2": {"step_num": 7},
    "pgd-l2-random-start": {"step_num": 7},
}
"""Arguments that captum leaves to its user, where the user of the bench has not said."""

# The radius is what RobustBench uses for CIFAR-10. A step is along the sign in this norm too.
L2_BALL: Mapping[str, object] = {"radius": 0.5, "step_size": 0.02, "step_num": STEPS, "norm": "L2"}

ATTACKS: Mapping[str, AttackInfo] = {
    "fgsm": AttackInfo(
        "Linf",
        "white-box",
        1,
        "captum.robust.FGSM",
        "autograd.grad",
        arguments={"epsilon": EPS},
    ),
    "pgd": AttackInfo(
        "Linf",
        "white-box",
        7,
        "captum.robust.PGD",
        "autograd.grad",
        arguments={
            "radius": EPS,
            "step_size": STEP_SIZE,
            "step_num": STEPS,
            "random_start": RANDOM_START,
        },
    ),
    "pgd-l2": AttackInfo(
        "L2", "white-box", 7, "captum.robust.PGD", "autograd.grad", arguments=L2_BALL
    ),
    "pgd-l2-random-start": AttackInfo(
        "L2",
        "white-box",
        7,
        "captum.robust.PGD",
        "autograd.grad",
        arguments={**L2_BALL, "random_start": True},
        broken="RuntimeError: The size of tensor a",  # multiplies (N,) with (N, C, H, W)
    ),
}

LEFT_OUT: Mapping[str, str] = {
    "AttackComparator": "runs attacks and compares metrics of what they return",
    "MinParamPerturbation": "searches the smallest setting with which an attack succeeds",
    "Perturbation": "what its attacks inherit from",
}
