"""advertorch 0.2.3: what `advertorch.attacks` exports."""

from __future__ import annotations

import math
from collections.abc import Mapping

from adapters.base import EPS, RANDOM_START, STEP_SIZE, STEPS, AttackInfo
from adapters.declared import CLASSES, ONLY_IF_FOOLED, Derived

BALL = {"eps": EPS, "nb_iter": STEPS, "eps_iter": STEP_SIZE}
STARTED_BALL = {**BALL, "rand_init": RANDOM_START}
OTHER_BALL = {"nb_iter": STEPS}
SEARCHED = {"max_iterations": STEPS, "num_classes": CLASSES}
PER_CLASS = "a backward pass for each class and a second forward pass, a step"
L1_PROJECTION = "projects onto the ball on the CPU"

ATTACKS: Mapping[str, AttackInfo] = {
    "fgsm": AttackInfo(
        "Linf",
        "white-box",
        1,
        "advertorch.attacks.GradientSignAttack",
        "backward",
        arguments={"eps": EPS},
    ),
    "fgsm-l2": AttackInfo("L2", "white-box", 1, "advertorch.attacks.GradientAttack", "backward"),
    "bim": AttackInfo(
        "Linf",
        "white-box",
        10,
        "advertorch.attacks.LinfBasicIterativeAttack",
        "backward",
        arguments=BALL,
    ),
    "bim-l2": AttackInfo(
        "L2",
        "white-box",
        10,
        "advertorch.attacks.L2BasicIterativeAttack",
        "backward",
        arguments=OTHER_BALL,
    ),
    "pgd": AttackInfo(
        "Linf",
        "white-box",
        40,
        "advertorch.attacks.LinfPGDAttack",
        "backward",
        arguments=STARTED_BALL,
    ),
    "pgd-l2": AttackInfo(
        "L2",
        "white-box",
        40,
        "advertorch.attacks.L2PGDAttack",
        "backward",
        arguments=OTHER_BALL,
    ),
    "pgd-l1": AttackInfo(
        "L1",
        "white-box",
        40,
        "advertorch.attacks.L1PGDAttack",
        "backward",
        L1_PROJECTION,
        arguments=OTHER_BALL,
    ),
    "sparse-l1-descent": AttackInfo(
        "L1",
        "white-box",
        40,
        "advertorch.attacks.SparseL1DescentAttack",
        "backward",
        L1_PROJECTION,
        arguments=OTHER_BALL,
    ),
    "mifgsm": AttackInfo(
        "Linf",
        "white-box",
        40,
        "advertorch.attacks.LinfMomentumIterativeAttack",
        "backward",
        arguments=BALL,
    ),
    "mifgsm-l2": AttackInfo(
        "L2",
        "white-box",
        40,
        "advertorch.attacks.L2MomentumIterativeAttack",
        "backward",
        arguments=OTHER_BALL,
    ),
    "fast-feature": AttackInfo(
        "Linf",
        "white-box",
        10,
        "advertorch.attacks.FastFeatureAttack",
        "backward",
        "one forward pass on the images to resemble, whose graph nobody reads",
        arguments=STARTED_BALL,
    ),
    "cw": AttackInfo(
        "L2",
        "white-box",
        10000,
        "advertorch.attacks.CarliniWagnerL2Attack",
        "backward",
        "nine rounds of at most steps",
        arguments=SEARCHED,
        exempt=ONLY_IF_FOOLED,
    ),
    "ead-en": AttackInfo(
        "L1 + L2",
        "white-box",
        10000,
        "advertorch.attacks.ElasticNetL1Attack",
        "backward",
        "nine rounds of steps, each step with a second forward pass",
        arguments=SEARCHED,
    ),
    "ead-l1": AttackInfo(
        "L1",
        "white-box",
        10000,
        "advertorch.attacks.ElasticNetL1Attack",
        "backward",
        "nine rounds of steps, each step with a second forward pass",
        arguments={**SEARCHED, "decision_rule": "L1"},
    ),
    "ddn": AttackInfo(
        "L2",
        "white-box",
        100,
        "advertorch.attacks.DDNL2Attack",
        "backward",
        arguments=OTHER_BALL,
        exempt=ONLY_IF_FOOLED,
    ),
    "lbfgs": AttackInfo(
        "L2",
        "white-box",
        100,
        "advertorch.attacks.LBFGSAttack",
        "backward",
        "nine rounds of steps of SciPy's L-BFGS-B on the CPU, a step of one gradient or more",
        arguments={**SEARCHED, "targeted": True},
        exempt=ONLY_IF_FOOLED,
    ),
    "spatial-transform": AttackInfo(
        "spatial",
        "white-box",
        1000,
        "advertorch.attacks.SpatialTransformAttack",
        "backward",
        "steps of SciPy's L-BFGS-B on the CPU, a step of one gradient or more",
        arguments=SEARCHED,
        exempt={"changes something": "hands back a black image where it found no adversarial one"},
    ),
    "fab": AttackInfo(
        "Linf",
        "white-box",
        100,
        "advertorch.attacks.LinfFABAttack",
        "backward",
        PER_CLASS,
        arguments={"n_iter": STEPS},
        exempt=ONLY_IF_FOOLED,
    ),
    "fab-l2": AttackInfo(
        "L2",
        "white-box",
        100,
        "advertorch.attacks.L2FABAttack",
        "backward",
        PER_CLASS,
        arguments={"n_iter": STEPS},
        exempt=ONLY_IF_FOOLED,
    ),
    "fab-l1": AttackInfo(
        "L1",
        "white-box",
        100,
        "advertorch.attacks.L1FABAttack",
        "backward",
        PER_CLASS,
        arguments={"n_iter": STEPS},
        exempt=ONLY_IF_FOOLED,
    ),
    "jsma": AttackInfo(
        "L0",
        "white-box",
        1536,  # all values of a 3×32×32 image, two a step
        "advertorch.attacks.JacobianSaliencyMapAttack",
        "backward",
        "a forward and a backward pass for each class, a step; memory grows with the square of an"
        " image's values",
        arguments={
            "num_classes": CLASSES,
            # It changes two values a step, until a share of the image's values is changed. It
            # rounds down: aim at the middle of the step after.
            "gamma": Derived(
                "steps",
                lambda settings: (2 * settings.steps + 1) / math.prod(settings.input_shape),
            ),
        },
    ),
    "choose-best": AttackInfo(
        "Linf",
        "white-box",
        40,
        "advertorch.attacks.ChooseBestAttack",
        "backward",
        "PGD, then MI-FGSM; a forward pass after each, whose graph nobody reads",
        arguments=BALL,
    ),
    "spsa": AttackInfo(
        "Linf",
        "black-box",
        1,
        "advertorch.attacks.LinfSPSAAttack",
        "none",
        "256 queries for each image, a step",
        arguments={"eps": EPS, "nb_iter": STEPS},
    ),
    "single-pixel": AttackInfo(
        "L0",
        "black-box",
        100,
        "advertorch.attacks.SinglePixelAttack",
        "none",
        "two queries a step, one image at a time",
        arguments={"max_pixels": STEPS},
        exempt=ONLY_IF_FOOLED,
    ),
    "local-search": AttackInfo(
        "L0",
        "black-box",
        10,
        "advertorch.attacks.LocalSearchAttack",
        "none",
        "257 queries a step, one image at a time, most with a graph that nobody reads",
        arguments={"round_ub": STEPS},
        exempt=ONLY_IF_FOOLED,
    ),
}

FALLBACK: Mapping[str, Mapping[str, object]] = {
    # Has no default; that of every other L-infinity attack.
    "spsa": {"eps": 0.3},
}
"""Arguments that advertorch leaves to its user, where the user of the bench has not said."""

LEFT_OUT: Mapping[str, str] = {
    "Attack": "the abstract base class",
    "LabelMixin": "a mixin of attacks",
    "FGSM": "another name of GradientSignAttack",
    "FGM": "another name of GradientAttack",
    "JSMA": "another name of JacobianSaliencyMapAttack",
    "PGDAttack": "the general form of LinfPGDAttack, L2PGDAttack and L1PGDAttack",
    "MomentumIterativeAttack": "the general form of the two momentum attacks",
    "FABAttack": "the general form of LinfFABAttack, L2FABAttack and L1FABAttack",
}
