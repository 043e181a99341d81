"""foolbox 3.3.4, all of `foolbox.attacks`.

`epsilons` stands among the arguments, though foolbox takes it at the call and not when the attack
is made: the user's eps where the ball is L-infinity, a radius from `RADII` in the other norms, None
for attacks that look for the smallest perturbation whatever its size. foolbox has no default
radius; without the user's eps, that of `RADII` stands in.

Only attacks whose foolbox default is a random start take the user's: BIM and FGSM with one would be
other attacks. `steps=default_steps` is foolbox's default run; secondary budgets shrink with steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from adapters.base import EPS, RANDOM_START, STEP_SIZE, STEPS, AttackInfo, Given, Promise
from adapters.declared import ONLY_IF_FOOLED

RADII: Mapping[str, float] = {"Linf": 8 / 255, "L2": 0.5, "L1": 12.0}
"""What RobustBench uses for CIFAR-10 (L1: Croce and Hein 2021), on images in [0, 1]."""

FALLBACK: Mapping[str, Mapping[str, object]] = {
    # Has no default; one power iteration is the usual number.
    "virtual-adversarial": {"steps": 1},
}
"""Arguments that foolbox leaves to its user, where the user of the bench has not said."""

ONE_MORE = "one forward pass to see which images were fooled"
BEFORE_AND_AFTER = "one forward pass before the steps and one after them"
STARTED = "a start of another class, found before the attack is timed"
IN_NUMBA = {"numba": "numba"}
NUMBA = f"{STARTED}; solves on the CPU in Numba, compiled in a minute at the first run"

LINF_BALL: Mapping[str, object] = {"epsilons": EPS}
L2_BALL: Mapping[str, object] = {"epsilons": RADII["L2"]}
L1_BALL: Mapping[str, object] = {"epsilons": RADII["L1"]}
SMALLEST: Mapping[str, object] = {"epsilons": None}


def _iterative(norm: str, steps: int, name: str, *, started: bool = False) -> AttackInfo:
    """One of foolbox's gradient descents, which differ in norm, optimiser and start."""
    arguments: dict[str, object] = {"epsilons": RADII[norm], "steps": STEPS}
    if norm == "Linf":
        arguments |= {**LINF_BALL, "abs_stepsize": STEP_SIZE}
        if started:
            arguments["random_start"] = RANDOM_START
    return AttackInfo(
        norm, "white-box", steps, f"foolbox.attacks.{name}", "backward", ONE_MORE, arguments
    )


def _one_step(norm: str, name: str) -> AttackInfo:
    return AttackInfo(
        norm,
        "white-box",
        1,
        f"foolbox.attacks.{name}",
        "backward",
        ONE_MORE,
        LINF_BALL if norm == "Linf" else {"epsilons": RADII[norm]},
    )


def _smallest(
    norm: str,
    steps: int,
    name: str,
    extra: str = ONE_MORE,
    arguments: Mapping[str, object] | None = None,
    exempt: Mapping[Promise, str] | None = None,
    access: Literal["white-box", "black-box"] = "white-box",
    needs: Mapping[str, str] | None = None,
) -> AttackInfo:
    """An attack that looks for the smallest perturbation."""
    return AttackInfo(
        norm,
        access,
        steps,
        f"foolbox.attacks.{name}",
        "backward" if access == "white-box" else "none",
        extra,
        {**SMALLEST, **({"steps": STEPS} if arguments is None else arguments)},
        exempt or {},
        needs=needs or {},
    )


def _queries(
    norm: str,
    steps: int,
    name: str,
    extra: str = "",
    arguments: Mapping[str, object] | None = None,
    exempt: Mapping[Promise, str] | None = None,
) -> AttackInfo:
    """A black-box attack that looks for the smallest perturbation."""
    return _smallest(norm, steps, name, extra, arguments, exempt, "black-box")


def _noise(norm: str, name: str, *, repeated: bool = False) -> AttackInfo:
    """Noise of a given size: once, or until an image is fooled."""
    ball = LINF_BALL if norm == "Linf" else {"epsilons": RADII[norm]}
    return AttackInfo(
        norm,
        "black-box",
        100 if repeated else 1,
        f"foolbox.attacks.{name}",
        "none",
        BEFORE_AND_AFTER if repeated else "",
        {**ball, "repeats": STEPS} if repeated else ball,
        ONLY_IF_FOOLED if repeated else {},
    )


ATTACKS: Mapping[str, AttackInfo] = {
    "fgsm": _one_step("Linf", "LinfFastGradientAttack"),
    "fgsm-l2": _one_step("L2", "L2FastGradientAttack"),
    "fgsm-l1": _one_step("L1", "L1FastGradientAttack"),
    "bim": _iterative("Linf", 10, "LinfBasicIterativeAttack"),
    "bim-l2": _iterative("L2", 10, "L2BasicIterativeAttack"),
    "bim-l1": _iterative("L1", 10, "L1BasicIterativeAttack"),
    "adam-bim": _iterative("Linf", 10, "LinfAdamBasicIterativeAttack"),
    "adam-bim-l2": _iterative("L2", 10, "L2AdamBasicIterativeAttack"),
    "adam-bim-l1": _iterative("L1", 10, "L1AdamBasicIterativeAttack"),
    "mifgsm": _iterative("Linf", 10, "LinfMomentumIterativeFastGradientMethod"),
    "mifgsm-l2": _iterative("L2", 10, "L2MomentumIterativeFastGradientMethod"),
    "mifgsm-l1": _iterative("L1", 10, "L1MomentumIterativeFastGradientMethod"),
    "pgd": _iterative("Linf", 40, "LinfPGD", started=True),
    "pgd-l2": _iterative("L2", 50, "L2ProjectedGradientDescentAttack"),
    "pgd-l1": _iterative("L1", 50, "L1ProjectedGradientDescentAttack"),
    "adam-pgd": _iterative("Linf", 50, "LinfAdamProjectedGradientDescentAttack", started=True),
    "adam-pgd-l2": _iterative("L2", 50, "L2AdamProjectedGradientDescentAttack"),
    "adam-pgd-l1": _iterative("L1", 50, "L1AdamProjectedGradientDescentAttack"),
    "sparse-l1-descent": _iterative("L1", 10, "SparseL1DescentAttack"),
    "virtual-adversarial": AttackInfo(
        "L2",
        "white-box",
        1,
        "foolbox.attacks.VirtualAdversarialAttack",
        "backward",
        BEFORE_AND_AFTER,
        {**L2_BALL, "steps": STEPS},
    ),
    "cw": _smallest("L2", 10000, "L2CarliniWagnerAttack", "nine rounds of steps"),
    "ead-en": _smallest(
        "L1", 10000, "EADAttack", "nine rounds of steps, each step with a second forward pass"
    ),
    "ddn": _smallest("L2", 100, "DDNAttack", exempt=ONLY_IF_FOOLED),
    "deepfool": _smallest(
        "L2",
        50,
        "L2DeepFoolAttack",
        "a forward and a backward pass for each of nine classes, a step",
    ),
    "deepfool-linf": _smallest(
        "Linf",
        50,
        "LinfDeepFoolAttack",
        "a forward and a backward pass for each of nine classes, a step",
    ),
    "newtonfool": _smallest("L2", 100, "NewtonFoolAttack"),
    "fmn-l0": _smallest("L0", 100, "L0FMNAttack", exempt=ONLY_IF_FOOLED),
    "fmn-l1": _smallest("L1", 100, "L1FMNAttack", exempt=ONLY_IF_FOOLED),
    "fmn-l2": _smallest("L2", 100, "L2FMNAttack"),
    "fmn-linf": _smallest("Linf", 100, "LInfFMNAttack", exempt=ONLY_IF_FOOLED),
    "brendel-bethge-l0": _smallest("L0", 1000, "L0BrendelBethgeAttack", NUMBA, needs=IN_NUMBA),
    "brendel-bethge-l1": _smallest("L1", 1000, "L1BrendelBethgeAttack", NUMBA, needs=IN_NUMBA),
    "brendel-bethge-l2": _smallest("L2", 1000, "L2BrendelBethgeAttack", NUMBA, needs=IN_NUMBA),
    "brendel-bethge-linf": _smallest(
        "Linf", 1000, "LinfinityBrendelBethgeAttack", NUMBA, needs=IN_NUMBA
    ),
    "boundary": _queries("L2", 25000, "BoundaryAttack", STARTED),
    "hopskipjump": _queries(
        "L2",
        64,
        "HopSkipJumpAttack",
        STARTED,
        {
            "steps": STEPS,
            "initial_gradient_eval_steps": Given("steps", lambda steps: max(1, 100 * steps // 64)),
        },
    ),
    "hopskipjump-linf": _queries(
        "Linf",
        64,
        "HopSkipJumpAttack",
        STARTED,
        {
            "constraint": "linf",
            "steps": STEPS,
            "initial_gradient_eval_steps": Given("steps", lambda steps: max(1, 100 * steps // 64)),
        },
    ),
    "genattack": AttackInfo(
        "Linf",
        "black-box",
        1000,
        "foolbox.attacks.GenAttack",
        "none",
        "ten forward passes a step, towards the class after the label",
        {**LINF_BALL, "steps": STEPS},
    ),
    "salt-and-pepper": _queries("L2", 1000, "SaltAndPepperNoiseAttack", exempt=ONLY_IF_FOOLED),
    "blended-noise": _queries(
        "noise",
        1000,
        "LinearSearchBlendedUniformNoiseAttack",
        "up to two forward passes a step",
        {"steps": STEPS, "directions": STEPS},
    ),
    "gaussian-blur": _queries(
        "blur",
        1000,
        "GaussianBlurAttack",
        "blurs with SciPy on the CPU",
        exempt=ONLY_IF_FOOLED,
    ),
    "contrast-reduction": AttackInfo(
        "L2",
        "black-box",
        1,
        "foolbox.attacks.L2ContrastReductionAttack",
        "none",
        arguments=L2_BALL,
    ),
    "contrast-binary-search": _queries(
        "contrast",
        15,
        "BinarySearchContrastReductionAttack",
        arguments={"binary_search_steps": STEPS},
    ),
    "contrast-linear-search": _queries("contrast", 1000, "LinearSearchContrastReductionAttack"),
    "inversion": _queries("inversion", 1, "InversionAttack", arguments={}),
    "spatial": AttackInfo(
        "spatial",
        "black-box",
        125,
        "foolbox.attacks.SpatialAttack",
        "none",
        arguments={
            # The default grid has five rotations times five times five shifts.
            "num_rotations": Given("steps", lambda steps: steps if steps < 25 else steps // 25),
            "num_translations": Given("steps", lambda steps: 1 if steps < 25 else 5),
        },
        exempt=ONLY_IF_FOOLED,
    ),
    "spatial-random": AttackInfo(
        "spatial",
        "black-box",
        100,
        "foolbox.attacks.SpatialAttack",
        "none",
        arguments={"grid_search": False, "random_steps": STEPS},
        exempt=ONLY_IF_FOOLED,
    ),
    "uniform-noise": _noise("Linf", "LinfAdditiveUniformNoiseAttack"),
    "uniform-noise-l2": _noise("L2", "L2AdditiveUniformNoiseAttack"),
    "gaussian-noise": _noise("L2", "L2AdditiveGaussianNoiseAttack"),
    "clipping-aware-uniform-noise": _noise("L2", "L2ClippingAwareAdditiveUniformNoiseAttack"),
    "clipping-aware-gaussian-noise": _noise("L2", "L2ClippingAwareAdditiveGaussianNoiseAttack"),
    "repeated-uniform-noise": _noise(
        "Linf", "LinfRepeatedAdditiveUniformNoiseAttack", repeated=True
    ),
    "repeated-uniform-noise-l2": _noise(
        "L2", "L2RepeatedAdditiveUniformNoiseAttack", repeated=True
    ),
    "repeated-gaussian-noise": _noise("L2", "L2RepeatedAdditiveGaussianNoiseAttack", repeated=True),
    "clipping-aware-repeated-uniform-noise": _noise(
        "L2", "L2ClippingAwareRepeatedAdditiveUniformNoiseAttack", repeated=True
    ),
    "clipping-aware-repeated-gaussian-noise": _noise(
        "L2", "L2ClippingAwareRepeatedAdditiveGaussianNoiseAttack", repeated=True
    ),
}

STARTS_ELSEWHERE = frozenset(
    {
        "boundary",
        "brendel-bethge-l0",
        "brendel-bethge-l1",
        "brendel-bethge-l2",
        "brendel-bethge-linf",
        "hopskipjump",
        "hopskipjump-linf",
    }
)
"""Attacks that walk back from an image of another class, given as `starting_points`."""

TARGETED = frozenset({"genattack"})
"""Attacks that only go towards a class."""

LEFT_OUT: Mapping[str, str] = {
    "Attack": "abstract base class",
    "DatasetAttack": "needs a data set to draw images of other classes from",
    "BinarizationRefinementAttack": "refines another attack, on a model that binarises its input",
    "PointwiseAttack": "asks the model for every pixel in turn; no number of steps bounds it",
    "LinfProjectedGradientDescentAttack": "the class that LinfPGD stands for",
    "PGD": "alias of LinfPGD",
    "L1PGD": "alias of L1ProjectedGradientDescentAttack",
    "L2PGD": "alias of L2ProjectedGradientDescentAttack",
    "AdamPGD": "alias of LinfAdamProjectedGradientDescentAttack",
    "LinfAdamPGD": "alias of LinfAdamProjectedGradientDescentAttack",
    "L1AdamPGD": "alias of L1AdamProjectedGradientDescentAttack",
    "L2AdamPGD": "alias of L2AdamProjectedGradientDescentAttack",
    "FGM": "alias of L2FastGradientAttack",
    "FGSM": "alias of LinfFastGradientAttack",
    "MIFGSM": "alias of LinfMomentumIterativeFastGradientMethod",
}
