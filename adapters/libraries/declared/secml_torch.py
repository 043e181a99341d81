"""secml-torch 1.5: every evasion attack, by each of its backends.

Its own (native) attacks have plain names; those that it takes from foolbox and adv-lib are called
after these. Each source is the class that a creator of the library makes: `PGD(backend="native")`
makes a `PGDNative`. What the creators say by default stands here where the classes have no default.

secml-torch has no default for what most attacks are about: radius, size and number of steps.
`FALLBACK` says what stands in where the user's settings do not, or not in that norm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from adapters.base import EPS, RANDOM_START, STEP_SIZE, STEPS, AttackInfo, Given, Promise
from adapters.declared import ONLY_IF_FOOLED

SOURCE = "secmlt.adv.evasion"
FOOLBOX, ADV_LIB = {"foolbox": "foolbox"}, {"adv_lib": "adv-lib"}

RADII: Mapping[str, float] = {"Linf": 8 / 255, "L2": 0.5, "L1": 12.0}
"""What RobustBench uses for CIFAR-10 (L1: Croce and Hein 2021), on images in [0, 1]."""
STRIDES: Mapping[str, float] = {"Linf": 2 / 255, "L2": 0.1, "L1": 1.0}
"""Sizes of a step, ours."""
DEFAULT_STEPS = 100
"""Where there is no default: what the library's README gives."""
DDN: Mapping[str, object] = {"num_steps": STEPS, "eps_init": 8 / 255, "gamma": 0.05}
CW_ADV_LIB: Mapping[str, object] = {
    "num_steps": STEPS,
    # Looks for progress every num_steps // 10 steps, which is 0 below 10.
    "abort_early": Given("steps", lambda steps: steps >= 10),
}

ONE_MORE = "one forward pass to see which images were fooled"
BEFORE_AND_AFTER = "one forward pass before the steps and one after them"
NINE_ROUNDS = "nine rounds of steps"
NINE_CLASSES = "a forward and a backward pass for each of nine classes, a step"
EACH_CLASS = "a backward pass for each class, a step"
STARTED = "a start of another class, found before the attack is timed"
EVALS = Given("steps", lambda steps: max(1, 100 * steps // 64))
"""As large a part of the default 100 as steps is of the default 64."""


def _of_foolbox(module: str, name: str) -> str:
    return f"{SOURCE}.foolbox_attacks.foolbox_{module}.{name}"


def _of_adv_lib(module: str, name: str) -> str:
    return f"{SOURCE}.advlib_attacks.advlib_{module}.{name}"


def _pgd(norm: str) -> dict[str, object]:
    arguments: dict[str, object] = {
        "perturbation_model": norm.lower(),
        "epsilon": RADII[norm],
        "num_steps": STEPS,
        "step_size": STRIDES[norm],
        "random_start": False,
    }
    if norm == "Linf":
        arguments |= {"epsilon": EPS, "step_size": STEP_SIZE, "random_start": RANDOM_START}
    return arguments


def _fmn(norm: str) -> dict[str, object]:
    return {"perturbation_model": norm.lower(), "num_steps": STEPS, "max_step_size": 1.0}


def _native(
    norm: str,
    source: str,
    arguments: Mapping[str, object],
    exempt: Mapping[Promise, str] | None = None,
) -> AttackInfo:
    return AttackInfo(
        norm,
        "white-box",
        DEFAULT_STEPS,
        f"{SOURCE}.{source}",
        "backward",
        arguments=arguments,
        exempt=exempt or {},
    )


def _by_foolbox(
    norm: str,
    steps: int,
    source: str,
    extra: str,
    arguments: Mapping[str, object],
    exempt: Mapping[Promise, str] | None = None,
    access: Literal["white-box", "black-box"] = "white-box",
) -> AttackInfo:
    return AttackInfo(
        norm,
        access,
        steps,
        source,
        "backward" if access == "white-box" else "none",
        extra,
        arguments,
        exempt or {},
        needs=FOOLBOX,
    )


def _queries(
    norm: str,
    steps: int,
    source: str,
    arguments: Mapping[str, object],
    extra: str = "",
    exempt: Mapping[Promise, str] | None = None,
) -> AttackInfo:
    return _by_foolbox(norm, steps, source, extra, arguments, exempt, "black-box")


def _by_adv_lib(
    norm: str,
    steps: int,
    source: str,
    extra: str,
    arguments: Mapping[str, object],
    exempt: Mapping[Promise, str] | None = None,
) -> AttackInfo:
    return AttackInfo(
        norm,
        "white-box",
        steps,
        source,
        "autograd.grad",
        extra,
        arguments,
        exempt or {},
        needs=ADV_LIB,
    )


def _noise(norm: str, kind: str) -> AttackInfo:
    epsilon = EPS if norm == "Linf" else RADII[norm]
    arguments = {"epsilon": epsilon, "perturbation_model": norm.lower(), "noise_type": kind}
    return _queries(norm, 1, _of_foolbox("additive_noise", "AdditiveNoiseFoolbox"), arguments)


PGD_FOOLBOX = _of_foolbox("pgd", "PGDFoolbox")
FMN_FOOLBOX, FMN_ADV_LIB = _of_foolbox("fmn", "FMNFoolbox"), _of_adv_lib("fmn", "FMNAdvLib")
HOPSKIPJUMP = _of_foolbox("hopskipjump", "HopSkipJumpFoolbox")
SPATIAL = _of_foolbox("spatial", "SpatialAttackFoolbox")

ATTACKS: Mapping[str, AttackInfo] = {
    "pgd": _native("Linf", "pgd.PGDNative", _pgd("Linf")),
    "pgd-l2": _native("L2", "pgd.PGDNative", _pgd("L2")),
    "pgd-l1": _native("L1", "pgd.PGDNative", _pgd("L1")),
    "fmn-l0": _native("L0", "fmn.FMNNative", _fmn("L0"), ONLY_IF_FOOLED),
    "fmn-l1": _native("L1", "fmn.FMNNative", _fmn("L1")),
    "fmn-l2": _native("L2", "fmn.FMNNative", _fmn("L2")),
    "fmn-linf": _native("Linf", "fmn.FMNNative", _fmn("Linf")),
    "ddn": _native("L2", "ddn.DDNNative", DDN, ONLY_IF_FOOLED),
    "fgsm-foolbox": _by_foolbox(
        "Linf",
        1,
        _of_foolbox("fgsm", "FGSMFoolbox"),
        ONE_MORE,
        {"perturbation_model": "linf", "epsilon": EPS},
    ),
    "pgd-foolbox": _by_foolbox("Linf", DEFAULT_STEPS, PGD_FOOLBOX, ONE_MORE, _pgd("Linf")),
    "pgd-l2-foolbox": _by_foolbox("L2", DEFAULT_STEPS, PGD_FOOLBOX, ONE_MORE, _pgd("L2")),
    "pgd-l1-foolbox": _by_foolbox("L1", DEFAULT_STEPS, PGD_FOOLBOX, ONE_MORE, _pgd("L1")),
    "fmn-l0-foolbox": _by_foolbox(
        "L0", DEFAULT_STEPS, FMN_FOOLBOX, ONE_MORE, _fmn("L0"), ONLY_IF_FOOLED
    ),
    "fmn-l1-foolbox": _by_foolbox(
        "L1", DEFAULT_STEPS, FMN_FOOLBOX, ONE_MORE, _fmn("L1"), ONLY_IF_FOOLED
    ),
    "fmn-l2-foolbox": _by_foolbox("L2", DEFAULT_STEPS, FMN_FOOLBOX, ONE_MORE, _fmn("L2")),
    "fmn-linf-foolbox": _by_foolbox("Linf", DEFAULT_STEPS, FMN_FOOLBOX, ONE_MORE, _fmn("Linf")),
    "ddn-foolbox": _by_foolbox(
        "L2", DEFAULT_STEPS, _of_foolbox("ddn", "DDNFoolbox"), ONE_MORE, DDN, ONLY_IF_FOOLED
    ),
    "cw-foolbox": _by_foolbox(
        "L2", 10000, _of_foolbox("cw", "CWFoolbox"), NINE_ROUNDS, {"num_steps": STEPS}
    ),
    "deepfool-foolbox": _by_foolbox(
        "L2", 50, _of_foolbox("deepfool", "DeepFoolFoolbox"), NINE_CLASSES, {"num_steps": STEPS}
    ),
    "vat-foolbox": _by_foolbox(
        "L2",
        1,
        _of_foolbox("vat", "VATFoolbox"),
        BEFORE_AND_AFTER,
        {"epsilon": RADII["L2"], "steps": STEPS},
    ),
    "boundary-foolbox": _queries(
        "L2", 25000, _of_foolbox("boundary", "BoundaryAttackFoolbox"), {"steps": STEPS}, STARTED
    ),
    "hopskipjump-foolbox": _queries(
        "L2", 64, HOPSKIPJUMP, {"steps": STEPS, "initial_gradient_eval_steps": EVALS}, STARTED
    ),
    "hopskipjump-linf-foolbox": _queries(
        "Linf",
        64,
        HOPSKIPJUMP,
        {"perturbation_model": "linf", "steps": STEPS, "initial_gradient_eval_steps": EVALS},
        STARTED,
    ),
    "salt-and-pepper-foolbox": _queries(
        "L2",
        1000,
        _of_foolbox("saltandpepper", "SaltAndPepperNoiseFoolbox"),
        {"steps": STEPS},
        exempt=ONLY_IF_FOOLED,
    ),
    "gaussian-blur-foolbox": _queries(
        "blur",
        1000,
        _of_foolbox("gaussian_blur", "GaussianBlurFoolbox"),
        {"steps": STEPS},
        "blurs with SciPy on the CPU",
        ONLY_IF_FOOLED,
    ),
    "contrast-reduction-foolbox": _queries(
        "L2",
        1,
        _of_foolbox("contrast_reduction", "ContrastReductionFoolbox"),
        {"epsilon": RADII["L2"]},
    ),
    "spatial-foolbox": _queries(
        "spatial",
        125,
        SPATIAL,
        {
            # The default grid has five rotations times five times five shifts.
            "num_rotations": Given("steps", lambda steps: steps if steps < 25 else steps // 25),
            "num_translations": Given("steps", lambda steps: 1 if steps < 25 else 5),
        },
        exempt=ONLY_IF_FOOLED,
    ),
    "spatial-random-foolbox": _queries(
        "spatial",
        100,
        SPATIAL,
        {"grid_search": False, "random_steps": STEPS},
        exempt=ONLY_IF_FOOLED,
    ),
    "uniform-noise-foolbox": _noise("Linf", "uniform"),
    "uniform-noise-l2-foolbox": _noise("L2", "uniform"),
    "gaussian-noise-foolbox": _noise("L2", "gaussian"),
    "fgsm-advlib": _by_adv_lib(
        "Linf",
        1,
        _of_adv_lib("fgsm", "FGSMAdvLib"),
        "",
        {"perturbation_model": "linf", "epsilon": EPS},
        {
            "changes something": "hands back the images that it has seen to fool the model, and in"
            " its one step it sees the clean ones alone"
        },
    ),
    "pgd-advlib": _by_adv_lib(
        "Linf", DEFAULT_STEPS, _of_adv_lib("pgd", "PGDAdvLib"), "", _pgd("Linf")
    ),
    "fmn-l0-advlib": _by_adv_lib("L0", DEFAULT_STEPS, FMN_ADV_LIB, "", _fmn("L0"), ONLY_IF_FOOLED),
    "fmn-l1-advlib": _by_adv_lib("L1", DEFAULT_STEPS, FMN_ADV_LIB, "", _fmn("L1"), ONLY_IF_FOOLED),
    "fmn-l2-advlib": _by_adv_lib("L2", DEFAULT_STEPS, FMN_ADV_LIB, "", _fmn("L2"), ONLY_IF_FOOLED),
    "fmn-linf-advlib": _by_adv_lib("Linf", DEFAULT_STEPS, FMN_ADV_LIB, "", _fmn("Linf")),
    "ddn-advlib": _by_adv_lib(
        "L2", DEFAULT_STEPS, _of_adv_lib("ddn", "DDNAdvLib"), "", DDN, ONLY_IF_FOOLED
    ),
    "cw-advlib": _by_adv_lib("L2", 10000, _of_adv_lib("cw", "CWAdvLib"), NINE_ROUNDS, CW_ADV_LIB),
    "deepfool-advlib": _by_adv_lib(
        "L2", 50, _of_adv_lib("deepfool", "DeepFoolAdvLib"), EACH_CLASS, {"num_steps": STEPS}
    ),
}

_BALL: Mapping[str, object] = {
    "epsilon": RADII["Linf"],
    "num_steps": DEFAULT_STEPS,
    "step_size": STRIDES["Linf"],
    "random_start": False,
}

FALLBACK: Mapping[str, Mapping[str, object]] = {
    "pgd": _BALL,
    "pgd-foolbox": _BALL,
    "pgd-advlib": _BALL,
    "fgsm-foolbox": {"epsilon": RADII["Linf"]},
    "fgsm-advlib": {"epsilon": RADII["Linf"]},
    "uniform-noise-foolbox": {"epsilon": RADII["Linf"]},
    "deepfool-advlib": {"num_steps": 50},
    **{
        name: {"num_steps": DEFAULT_STEPS}
        for name in ATTACKS
        if name.startswith(("pgd-l", "fmn", "ddn"))
    },
}
"""Arguments that secml-torch leaves to its user, where the user of the bench has not said."""

_MAKES = "makes one of the classes that are offered, by its backend"

LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("PGD", "FMN", "DDN", "FGSM", "CW", "DeepFool", "VAT", "BoundaryAttack"),
            *("HopSkipJump", "SaltAndPepperNoise", "GaussianBlur", "ContrastReduction"),
            *("SpatialAttack", "AdditiveNoise"),
        ),
        _MAKES,
    ),
    "BaseEvasionAttack": "abstract base class",
    "BaseEvasionAttackCreator": "abstract base class of what makes attacks",
    "BaseFoolboxEvasionAttack": "the general form of the attacks by foolbox",
    "BaseAdvLibEvasionAttack": "the general form of the attacks by adv-lib",
    "ModularEvasionAttack": "abstract base class of the native attacks",
    "ModularEvasionAttackFixedEps": "the general form of the native PGD",
    "ModularEvasionAttackMinDistance": "the general form of the native FMN and DDN",
    "EoTGradientMixin": "a mixin that estimates a native attack's gradient by queries",
    "Ensemble": "chooses among what attacks have found; abstract",
    "MinDistanceEnsemble": "chooses among what attacks have found",
    "FixedEpsilonEnsemble": "chooses among what attacks have found",
    "PoisoningDatasetPyTorch": "changes a training set",
    "BackdoorDatasetPyTorch": "changes a training set",
}
