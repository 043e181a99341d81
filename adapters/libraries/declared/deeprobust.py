"""DeepRobust 0.2.11, `deeprobust.image.attack`. Arguments are those of `.generate`, but for
fast-pgd, which takes them when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.base import EPS, RANDOM_START, STEP_SIZE, STEPS, AttackInfo, Given

CLIPPED: Final = {"clip_max": 1.0, "clip_min": 0.0}

ATTACKS: Mapping[str, AttackInfo] = {
    # It always starts at random; the adapter takes "random_start" out, and refuses False.
    "pgd": AttackInfo(
        "Linf",
        "white-box",
        40,
        "deeprobust.image.attack.pgd.PGD",
        "backward",
        "one forward pass on the clean images",
        {
            "epsilon": EPS,
            "num_steps": STEPS,
            "step_size": STEP_SIZE,
            "random_start": RANDOM_START,
            **CLIPPED,
        },
    ),
    "pgd-l2": AttackInfo(
        "L2",
        "white-box",
        40,
        "deeprobust.image.attack.pgd.PGD",
        "backward",
        "three forward passes and two backward passes a step, one of each used",
        {"num_steps": STEPS, "bound": "l2", **CLIPPED},
    ),
    "fgsm": AttackInfo(
        "Linf",
        "white-box",
        1,
        "deeprobust.image.attack.fgsm.FGSM",
        "backward",
        arguments={"epsilon": EPS, **CLIPPED},
    ),
    "fgsm-l2": AttackInfo(
        "L2",
        "white-box",
        1,
        "deeprobust.image.attack.fgsm.FGSM",
        "backward",
        arguments={"order": 2, **CLIPPED},
    ),
    "fast-pgd": AttackInfo(
        "Linf",
        "white-box",
        20,
        "deeprobust.image.attack.YOPOpgd.FASTPGD",
        "autograd.grad",
        "keeps a graph of all steps, but for the model's part",
        {"eps": EPS, "sigma": STEP_SIZE, "nb_iter": STEPS, "random_start": RANDOM_START},
    ),
    "deepfool": AttackInfo(
        "L2",
        "white-box",
        50,
        "deeprobust.image.attack.deepfool.DeepFool",
        "backward",
        "goes image by image; a backward pass for each of ten classes a step",
        {"max_iteration": STEPS},
        exempt={"stays among images": "never clips what it adds to the image"},
    ),
    "cw": AttackInfo(
        "L2",
        "white-box",
        1000,
        "deeprobust.image.attack.cw.CarliniWagner",
        "backward",
        "targeted; goes image by image; three forward passes a step more, whose graphs nobody"
        " reads",
        {
            "max_iterations": STEPS,
            "binary_search_steps": Given("steps", lambda steps: min(steps, 5)),
        },
    ),
    "onepixel": AttackInfo(
        "L0",
        "black-box",
        100,
        "deeprobust.image.attack.onepixel.Onepixel",
        "none",
        arguments={"maxiter": STEPS, "print_log": False},
        broken="AttributeError: `np.asfarray` was removed in the NumPy 2.0 release",
        broken_with="numpy>=2",
    ),
    "nattack": AttackInfo(
        "Linf",
        "black-box",
        400,
        "deeprobust.image.attack.Nattack.NATTACK",
        "none",
        arguments={"epsilon": EPS, "max_iterations": STEPS, "population": STEPS},
        # Knows no images but MNIST's, and gives back none of those either.
        broken="ValueError: cannot reshape array of size 3072 into shape (1,1,28,28)",
    ),
    "universal": AttackInfo(
        "Linf",
        "white-box",
        10,
        "deeprobust.image.attack.Universal.universal_adversarial_perturbation",
        "backward",
        arguments={"max_iter_uni": STEPS},
        # At 224 pixels it goes on to names that are nowhere defined.
        broken="RuntimeError: The size of tensor a (32) must match the size of tensor b (224)",
    ),
    "bpda": AttackInfo(
        "L2",
        "white-box",
        10,
        "deeprobust.image.attack.BPDA.BPDA_attack",
        "backward",
        arguments={"iterations": STEPS},
        broken="AttributeError: 'int' object has no attribute 'size'",
    ),
}

LEFT_OUT: Mapping[str, str] = {
    "BaseAttack": "base class",
    "CarliniL2": "searches what a trained generator makes of its input",
    "LBFGS": "numerical derivatives, one forward pass for each channel of each pixel a step, 150528"
    " of them at 224 pixels",
}
