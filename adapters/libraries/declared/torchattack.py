"""torchattack 1.7.2: all that it registers, most of it made for examples that transfer.

The names are the library's, in lower case; but for I-FGSM, which is `bim` everywhere else here.
`steps=default_steps` is the library's default run.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.base import EPS, RANDOM_START, STEP_SIZE, STEPS, AttackInfo, GradientCall, Promise
from adapters.declared import CLASSES, Derived

BALL: Mapping[str, object] = {"eps": EPS, "alpha": STEP_SIZE, "steps": STEPS}
STARTED_BALL: Mapping[str, object] = {**BALL, "random_start": RANDOM_START}
VIT: Mapping[str, object] = {**BALL, "hook_cfg": "vit_base_patch16_224"}

MIDDLE: Mapping[Promise, str] = {
    "reaches every layer": "its gradient starts at a layer in the middle of the network"
}
POOLS: Mapping[Promise, str] = {
    "reaches every layer": "its gradient starts at the activations by ReLU and the poolings"
}
THIRTY = "thirty forward and backward passes before the steps"
SIX = "six forward and backward passes a step"
ON_VIT = "on vision transformers of timm with twelve blocks alone"


def _steps(
    name: str,
    call: GradientCall = "backward",
    extra: str = "",
    *,
    default: int = 10,
    arguments: Mapping[str, object] = BALL,
    exempt: Mapping[Promise, str] | None = None,
    needs: Mapping[str, str] | None = None,
) -> AttackInfo:
    """One of its attacks within a ball in L-infinity."""
    return AttackInfo(
        "Linf",
        "white-box",
        default,
        f"torchattack.{name}",
        call,
        extra,
        arguments,
        exempt or {},
        needs=needs or {},
    )


ATTACKS: Mapping[str, AttackInfo] = {
    "fgsm": _steps("FGSM", default=1, arguments={"eps": EPS}),
    "bim": _steps("IFGSM"),
    "pgd": _steps("PGD", arguments=STARTED_BALL),
    "pgd-l2": AttackInfo(
        "L2",
        "white-box",
        10,
        "torchattack.PGDL2",
        "backward",
        arguments={"steps": STEPS},
    ),
    "mifgsm": _steps("MIFGSM"),
    "nifgsm": _steps("NIFGSM"),
    "sinifgsm": _steps("SINIFGSM", extra="three forward and backward passes a step"),
    "vmifgsm": _steps("VMIFGSM", extra=SIX),
    "vnifgsm": _steps("VNIFGSM", extra=SIX),
    "difgsm": _steps("DIFGSM"),
    "tifgsm": _steps("TIFGSM"),
    "admix": _steps(
        "Admix",
        "autograd.grad",
        "fifteen copies of each image, a step",
        arguments={**BALL, "num_classes": CLASSES},
    ),
    "bsr": _steps("BSR", extra="twenty copies of each image, a step"),
    "decowa": _steps("DeCoWA", extra="forty forward and backward passes a step"),
    "gra": _steps("GRA", "autograd.grad", "21 forward passes and gradients a step"),
    "mig": _steps("MIG", extra="25 copies of each image, a step"),
    "mumodig": _steps(
        "MuMoDIG",
        "autograd.grad",
        "seven forward passes and gradients a step",
        needs={"kornia": "kornia"},
    ),
    "ssa": _steps(
        "SSA", extra="twenty forward and backward passes a step; images of 224x224 alone"
    ),
    "dr": _steps("DR", default=100, exempt=MIDDLE),
    "fda": _steps(
        "FDA", extra="two copies of each image, a step", arguments=STARTED_BALL, exempt=POOLS
    ),
    "fia": _steps("FIA", extra=THIRTY),
    "naa": _steps("NAA", extra=THIRTY),
    "danaa": _steps(
        "DANAA",
        "autograd.grad + backward",
        "thirty forward passes and gradients before the steps",
        exempt=MIDDLE,
    ),
    "bfa": _steps(
        "BFA",
        "autograd.grad + backward",
        "sixty forward passes and gradients before the steps",
        arguments={**BALL, "num_classes": CLASSES},
        exempt=MIDDLE,
    ),
    "ilpd": _steps("ILPD", extra="a forward pass more, a step"),
    "bpa": _steps("BPA", extra="on ResNets alone"),
    "sgm": _steps("SGM", extra="on ResNets and DenseNets alone"),
    "att": _steps("ATT", arguments=VIT, extra=f"one forward and backward pass more; {ON_VIT}"),
    "pna-patchout": _steps("PNAPatchOut", arguments=VIT, extra=ON_VIT),
    "tgr": _steps("TGR", arguments=VIT, extra=ON_VIT),
    "vdc": _steps("VDC", arguments=VIT, extra=f"two forward and backward passes a step; {ON_VIT}"),
    "deepfool": AttackInfo(
        "Linf",
        "white-box",
        100,
        "torchattack.DeepFool",
        "backward",
        "a forward and a backward pass for each of nine classes, a step",
        {"steps": STEPS},
    ),
    "geoda": AttackInfo(
        "L2",
        "black-box",
        4000,
        "torchattack.GeoDA",
        "none",
        "4000 queries and more for the first image, whose perturbation all get",
        {"input_shape": Derived("input_shape", lambda settings: settings.input_shape)},
    ),
}

GENERATIVE = "a trained generator, whose weights it downloads; never asks the model"

LEFT_OUT: Mapping[str, str] = {
    "Attack": "abstract base class",
    "BIA": GENERATIVE,
    "CDA": GENERATIVE,
    "GAMA": GENERATIVE,
    "LTP": GENERATIVE,
    "SSP": "attacks a VGG16, whose weights it downloads; never asks the model",
    "L2T": "transforms images in ways drawn at random, some for CUDA and 224x224 alone",
}
