"""torchattacks 3.5.1, the whole package.

`steps` is what the library calls so. With `steps=default_steps` a run is the library's default run;
not so AutoAttack's, where 10 steps of the others come with 5000 queries of Square.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from adapters.base import EPS, RANDOM_START, STEP_SIZE, STEPS, AttackInfo, Given
from adapters.declared import ONLY_IF_FOOLED, Derived

BALL = {"eps": EPS, "alpha": STEP_SIZE, "steps": STEPS}
STARTED_BALL = {**BALL, "random_start": RANDOM_START}
PATCH_BALL = {"max_epsilon": EPS, "num_iter_set": STEPS}
AUTO_PGD = "two forward passes and one gradient more than steps"
NINE_TARGETS = "nine targets, each on the images that withstood those before"
FOUR_ATTACKS = (
    "APGD, APGD-T, FAB-T and Square in turn, steps of each,"
    " each on the images that withstood those before"
)
PER_CLASS = "a backward pass for each class, a step"
SMOOTHED = "five noisy copies of each image, a step"
TARGETS = {"n_classes": Given("classes", lambda classes: min(classes, 10))}
"""Attacks with targets try the nine likeliest of the other classes, as by default."""
SEEDED = {"seed": 0}  # the clock by default, which would part the variants
ELASTIC_NET = {
    "max_iterations": STEPS,
    # Divides by max_iterations // 10, which is 0 below 10 iterations.
    "abort_early": Given("steps", lambda steps: steps >= 10),
}
ELASTIC_NET_WORK = "nine rounds of steps, each step with a second forward pass"

ATTACKS: Mapping[str, AttackInfo] = {
    "fgsm": AttackInfo(
        "Linf", "white-box", 1, "torchattacks.FGSM", "autograd.grad", arguments={"eps": EPS}
    ),
    "ffgsm": AttackInfo(
        "Linf",
        "white-box",
        1,
        "torchattacks.FFGSM",
        "autograd.grad",
        arguments={"eps": EPS, "alpha": STEP_SIZE},
    ),
    "rfgsm": AttackInfo(
        "Linf", "white-box", 10, "torchattacks.RFGSM", "autograd.grad", arguments=BALL
    ),
    "bim": AttackInfo("Linf", "white-box", 10, "torchattacks.BIM", "autograd.grad", arguments=BALL),
    "pgd": AttackInfo(
        "Linf", "white-box", 10, "torchattacks.PGD", "autograd.grad", arguments=STARTED_BALL
    ),
    "pgd-l2": AttackInfo(
        "L2", "white-box", 10, "torchattacks.PGDL2", "autograd.grad", arguments={"steps": STEPS}
    ),
    "eotpgd": AttackInfo(
        "Linf",
        "white-box",
        10,
        "torchattacks.EOTPGD",
        "autograd.grad",
        "two forward passes and two gradients a step",
        arguments=STARTED_BALL,
    ),
    "tpgd": AttackInfo(
        "Linf",
        "white-box",
        10,
        "torchattacks.TPGD",
        "autograd.grad",
        "one forward pass more than steps, whose graph nobody reads",
        arguments=BALL,
    ),
    "upgd": AttackInfo(
        "Linf", "white-box", 10, "torchattacks.UPGD", "autograd.grad", arguments=STARTED_BALL
    ),
    "jitter": AttackInfo(
        "Linf", "white-box", 10, "torchattacks.Jitter", "autograd.grad", arguments=STARTED_BALL
    ),
    "mifgsm": AttackInfo(
        "Linf", "white-box", 10, "torchattacks.MIFGSM", "autograd.grad", arguments=BALL
    ),
    "nifgsm": AttackInfo(
        "Linf", "white-box", 10, "torchattacks.NIFGSM", "autograd.grad", arguments=BALL
    ),
    "sinifgsm": AttackInfo(
        "Linf",
        "white-box",
        10,
        "torchattacks.SINIFGSM",
        "autograd.grad",
        "five forward passes and five gradients a step",
        arguments=BALL,
    ),
    "vmifgsm": AttackInfo(
        "Linf",
        "white-box",
        10,
        "torchattacks.VMIFGSM",
        "autograd.grad",
        "six forward passes and six gradients a step",
        arguments=BALL,
    ),
    "vnifgsm": AttackInfo(
        "Linf",
        "white-box",
        10,
        "torchattacks.VNIFGSM",
        "autograd.grad",
        "six forward passes and six gradients a step",
        arguments=BALL,
    ),
    "difgsm": AttackInfo(
        "Linf", "white-box", 10, "torchattacks.DIFGSM", "autograd.grad", arguments=STARTED_BALL
    ),
    "tifgsm": AttackInfo(
        "Linf", "white-box", 10, "torchattacks.TIFGSM", "autograd.grad", arguments=STARTED_BALL
    ),
    "pifgsm": AttackInfo(
        "Linf", "white-box", 10, "torchattacks.PIFGSM", "backward", arguments=PATCH_BALL
    ),
    "pifgsmpp": AttackInfo(
        "Linf", "white-box", 10, "torchattacks.PIFGSMPP", "backward", arguments=PATCH_BALL
    ),
    "pgdrs": AttackInfo(
        "Linf", "white-box", 10, "torchattacks.PGDRS", "autograd.grad", SMOOTHED, arguments=BALL
    ),
    "pgdrs-l2": AttackInfo(
        "L2",
        "white-box",
        10,
        "torchattacks.PGDRSL2",
        "autograd.grad",
        SMOOTHED,
        arguments={"steps": STEPS},
    ),
    "apgd": AttackInfo(
        "Linf",
        "white-box",
        10,
        "torchattacks.APGD",
        "autograd.grad",
        AUTO_PGD,
        arguments={"eps": EPS, "steps": STEPS},
        exempt=ONLY_IF_FOOLED,
    ),
    "apgd-l2": AttackInfo(
        "L2",
        "white-box",
        10,
        "torchattacks.APGD",
        "autograd.grad",
        AUTO_PGD,
        arguments={"norm": "L2", "steps": STEPS},
        exempt=ONLY_IF_FOOLED,
    ),
    "apgdt": AttackInfo(
        "Linf",
        "white-box",
        10,
        "torchattacks.APGDT",
        "autograd.grad",
        NINE_TARGETS,
        arguments={"eps": EPS, "steps": STEPS, **TARGETS},
        exempt=ONLY_IF_FOOLED,
    ),
    "apgdt-l2": AttackInfo(
        "L2",
        "white-box",
        10,
        "torchattacks.APGDT",
        "autograd.grad",
        NINE_TARGETS,
        arguments={"norm": "L2", "steps": STEPS, **TARGETS},
        exempt=ONLY_IF_FOOLED,
    ),
    "fab": AttackInfo(
        "Linf",
        "white-box",
        10,
        "torchattacks.FAB",
        "backward",
        PER_CLASS,
        arguments={"eps": EPS, "steps": STEPS, **TARGETS},
        exempt=ONLY_IF_FOOLED,
    ),
    "fab-l2": AttackInfo(
        "L2",
        "white-box",
        10,
        "torchattacks.FAB",
        "backward",
        PER_CLASS,
        arguments={"norm": "L2", "steps": STEPS, **TARGETS},
        exempt=ONLY_IF_FOOLED,
    ),
    "fab-l1": AttackInfo(
        "L1",
        "white-box",
        10,
        "torchattacks.FAB",
        "backward",
        PER_CLASS,
        arguments={"norm": "L1", "steps": STEPS, **TARGETS},
        broken="UnboundLocalError",  # its last step forgets this norm
    ),
    "fab-t": AttackInfo(
        "Linf",
        "white-box",
        10,
        "torchattacks.FAB",
        "backward",
        NINE_TARGETS,
        arguments={"eps": EPS, "steps": STEPS, **TARGETS, "multi_targeted": True},
        exempt=ONLY_IF_FOOLED,
    ),
    "autoattack": AttackInfo(
        "Linf",
        "white-box",
        10,
        "torchattacks.AutoAttack",
        "autograd.grad + backward",
        FOUR_ATTACKS,
        arguments={"eps": EPS, "steps": STEPS, **TARGETS, **SEEDED},
        exempt=ONLY_IF_FOOLED,
    ),
    "autoattack-l2": AttackInfo(
        "L2",
        "white-box",
        10,
        "torchattacks.AutoAttack",
        "autograd.grad + backward",
        FOUR_ATTACKS,
        arguments={"norm": "L2", "steps": STEPS, **TARGETS, **SEEDED},
        exempt=ONLY_IF_FOOLED,
    ),
    "multiattack": AttackInfo(
        "Linf",
        "white-box",
        10,
        "torchattacks.MultiAttack",
        "autograd.grad",
        "two PGD in turn, the second on the images that withstood the first; a forward pass after"
        " each, whose graph nobody reads",
        arguments=STARTED_BALL,
        exempt=ONLY_IF_FOOLED,
    ),
    "cw": AttackInfo(
        "L2",
        "white-box",
        50,
        "torchattacks.CW",
        "backward",
        "ends early when the loss rises",
        arguments={"steps": STEPS},
        exempt=ONLY_IF_FOOLED,
    ),
    "deepfool": AttackInfo(
        "L2",
        "white-box",
        50,
        "torchattacks.DeepFool",
        "backward",
        PER_CLASS + ", one image at a time",
        arguments={"steps": STEPS},
    ),
    "sparsefool": AttackInfo(
        "L0",
        "white-box",
        10,
        "torchattacks.SparseFool",
        "autograd.grad + backward",
        "a DeepFool run and one gradient a step, one image at a time",
        arguments={"steps": STEPS},
    ),
    "jsma": AttackInfo(
        "L0",
        "white-box",
        154,  # a tenth of the values of a 3×32×32 image, two a step
        "torchattacks.JSMA",
        "backward",
        PER_CLASS + ", one image at a time; memory grows with the square of an image's values",
        arguments={
            # It changes two values a step, until a share of the image's values is changed. It
            # rounds up: aim at the middle of the last step.
            "gamma": Derived(
                "steps",
                lambda settings: (2 * settings.steps - 1) / math.prod(settings.input_shape),
            ),
        },
    ),
    "ead-l1": AttackInfo(
        "L1",
        "white-box",
        100,
        "torchattacks.EADL1",
        "backward",
        ELASTIC_NET_WORK,
        arguments=ELASTIC_NET,
    ),
    "ead-en": AttackInfo(
        "L1 + L2",
        "white-box",
        100,
        "torchattacks.EADEN",
        "backward",
        ELASTIC_NET_WORK,
        arguments=ELASTIC_NET,
    ),
    "spsa": AttackInfo(
        "Linf",
        "black-box",
        1,
        "torchattacks.SPSA",
        "none",
        "256 queries for each image, a step",
        arguments={"eps": EPS, "nb_iter": STEPS},
    ),
    "square": AttackInfo(
        "Linf",
        "black-box",
        5000,
        "torchattacks.Square",
        "none",
        arguments={"eps": EPS, "n_queries": STEPS},
        exempt=ONLY_IF_FOOLED,
    ),
    "square-l2": AttackInfo(
        "L2",
        "black-box",
        5000,
        "torchattacks.Square",
        "none",
        arguments={"norm": "L2", "n_queries": STEPS},
        exempt=ONLY_IF_FOOLED,
    ),
    "one-pixel": AttackInfo(
        "L0",
        "black-box",
        10,
        "torchattacks.OnePixel",
        "none",
        "eleven queries a step, one image at a time",
        arguments={"steps": STEPS},
    ),
    "pixle": AttackInfo(
        "L0",
        "black-box",
        20,
        "torchattacks.Pixle",
        "none",
        "twenty queries a step, one image at a time",
        arguments={"restarts": STEPS},
    ),
}

LEFT_OUT: Mapping[str, str] = {
    "VANILA": "returns the clean images and never asks the model",
    "GN": "adds Gaussian noise and never asks the model",
    "LGV": "trains surrogate models on a training set",
}
