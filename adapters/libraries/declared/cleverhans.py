"""CleverHans 4.0.0, all of `cleverhans.torch.attacks`.

CleverHans has no default for what most of its functions are about: radius, step size, number of
steps, norm. `FALLBACK` says what stands in where the user's settings do not, or not in that norm.
Its one-norm PGD is refused by CleverHans itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.base import EPS, RANDOM_START, STEP_SIZE, STEPS, AttackInfo, Given
from adapters.declared import CLASSES, ONLY_IF_FOOLED

LINF = float("inf")
SOURCE = "cleverhans.torch.attacks"
FGM = f"{SOURCE}.fast_gradient_method.fast_gradient_method"
PGD = f"{SOURCE}.projected_gradient_descent.projected_gradient_descent"
HOPSKIPJUMP = f"{SOURCE}.hop_skip_jump_attack.hop_skip_jump_attack"
SPSA = f"{SOURCE}.spsa.spsa"

CLIPPED: Mapping[str, object] = {"clip_min": 0.0, "clip_max": 1.0}
LINF_STEPS: Mapping[str, object] = {
    **CLIPPED,
    "norm": LINF,
    "eps": EPS,
    "eps_iter": STEP_SIZE,
    "nb_iter": STEPS,
}
L2_STEPS: Mapping[str, object] = {
    **CLIPPED,
    "norm": 2,
    # The radius is what RobustBench uses for CIFAR-10.
    "eps": 0.5,
    "eps_iter": 0.1,
    "nb_iter": STEPS,
}
QUERIES: Mapping[str, object] = {
    **CLIPPED,
    "verbose": False,
    "num_iterations": STEPS,
    # As large a part of the default 100 as steps is of the default 64.
    "initial_num_evals": Given("steps", lambda steps: max(1, 100 * steps // 64)),
}
SAMPLES: Mapping[str, object] = {
    **CLIPPED,
    "nb_iter": STEPS,
    "spsa_samples": Given("steps", lambda steps: max(1, 128 * steps // 100)),
}

FALLBACK: Mapping[str, Mapping[str, object]] = {
    # What CleverHans's own CIFAR-10 tutorial takes.
    "fgsm": {"eps": 0.3},
    "bim": {"eps": 0.3, "eps_iter": 0.01, "nb_iter": 40},
    "bim-l2": {"nb_iter": 40},
    "pgd": {"eps": 0.3, "eps_iter": 0.01, "nb_iter": 40},
    "pgd-l2": {"nb_iter": 40},
    # Our choice: neither the function nor a tutorial says.
    "spsa": {"eps": 0.3, "nb_iter": 100},
    "spsa-l2": {"nb_iter": 100},
}
"""Arguments that CleverHans leaves to its user, where the user of the bench has not said."""

FORGOTTEN_GRAPH = "records a graph for gradients it never asks for"
STARTED = f"one image at a time, a start of another class given; {FORGOTTEN_GRAPH}"

ATTACKS: Mapping[str, AttackInfo] = {
    "fgsm": AttackInfo(
        "Linf",
        "white-box",
        1,
        FGM,
        "backward",
        arguments={**CLIPPED, "norm": LINF, "eps": EPS},
    ),
    "fgsm-l2": AttackInfo(
        "L2", "white-box", 1, FGM, "backward", arguments={**CLIPPED, "norm": 2, "eps": 0.5}
    ),
    "fgsm-l1": AttackInfo(
        "L1", "white-box", 1, FGM, "backward", arguments={**CLIPPED, "norm": 1, "eps": 12.0}
    ),
    "bim": AttackInfo(
        "Linf", "white-box", 40, PGD, "backward", arguments={**LINF_STEPS, "rand_init": False}
    ),
    "bim-l2": AttackInfo(
        "L2", "white-box", 40, PGD, "backward", arguments={**L2_STEPS, "rand_init": False}
    ),
    "pgd": AttackInfo(
        "Linf",
        "white-box",
        40,
        PGD,
        "backward",
        arguments={**LINF_STEPS, "rand_init": RANDOM_START},
    ),
    "pgd-l2": AttackInfo("L2", "white-box", 40, PGD, "backward", arguments=L2_STEPS),
    "sparse-l1-descent": AttackInfo(
        "L1",
        "white-box",
        20,
        f"{SOURCE}.sparse_l1_descent.sparse_l1_descent",
        "autograd.grad",
        arguments={**CLIPPED, "nb_iter": STEPS},
    ),
    "cw": AttackInfo(
        "L2",
        "white-box",
        1000,
        f"{SOURCE}.carlini_wagner_l2.carlini_wagner_l2",
        "backward",
        "five rounds of steps; looks at every image by itself in Python, a step",
        {"max_iterations": STEPS, "n_classes": CLASSES},
        ONLY_IF_FOOLED,
    ),
    "spsa": AttackInfo(
        "Linf",
        "black-box",
        100,
        SPSA,
        "none",
        f"one image at a time; one forward pass a step {FORGOTTEN_GRAPH}",
        {**SAMPLES, "norm": LINF, "eps": EPS},
    ),
    "spsa-l2": AttackInfo(
        "L2",
        "black-box",
        100,
        SPSA,
        "none",
        f"one image at a time; one forward pass a step {FORGOTTEN_GRAPH}",
        {**SAMPLES, "norm": 2, "eps": 0.5},
    ),
    "hopskipjump": AttackInfo(
        "L2",
        "black-box",
        64,
        HOPSKIPJUMP,
        "none",
        STARTED,
        {**QUERIES, "norm": 2, "constraint": 2},
    ),
    "hopskipjump-linf": AttackInfo(
        "Linf",
        "black-box",
        64,
        HOPSKIPJUMP,
        "none",
        STARTED,
        {**QUERIES, "norm": LINF, "constraint": LINF},
    ),
}

LEFT_OUT: Mapping[str, str] = {
    "noise": "adds uniform noise and never asks the model",
    "semantic": "inverts images and never asks the model; raises NameError in 4.0.0",
}
