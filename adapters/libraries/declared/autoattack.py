"""pyautoattack 0.2.0: the parts of AutoAttack, each alone, and its three versions, in three norms.

Each part is that of a version, run by `attacks_to_run`: those of the standard version, APGD on the
DLR loss and untargeted FAB of the version "plus", which alone have them.

`steps` is the number of steps of APGD and FAB, and of queries of Square. With `steps=default_steps`
a part's run is the authors' default run; not so a version's, where 100 steps of the others come
with 5000 queries of Square. Classes that are aimed at are as many as the model has, at most the
authors' number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from adapters.base import EPS, STEPS, AttackInfo, GradientCall
from adapters.declared import CLASSES, ONLY_IF_FOOLED

NORMS: Mapping[str, object] = {"Linf": EPS, "L2": 0.5, "L1": 12.0}
"""Each norm with its radius: in L2 and L1 what RobustBench uses for CIFAR-10, L1 by Croce and Hein
2021."""

CHECKED = "eight forward passes before it, one with a graph nobody reads; two for each part"
AT_RANDOM = "three forward passes before it; two for each part"
NINE_TARGETS = "nine targets, in L1 APGD five, each on the images that withstood those before"
RESTARTED = "five starts, each on the images that withstood those before"
FAB_STEP = "a second forward pass a step"
PER_CLASS = "a backward pass for each class, a step"
IN_TURN = "each on the images that withstood those before"

# By its name among `attacks_to_run`: class, how it asks, work, and the version that has it.
PARTS: Mapping[str, tuple[str, GradientCall, str, str]] = {
    "apgd-ce": (
        "autopgd_base.APGDAttack",
        "autograd.grad",
        "a gradient more than steps; in L1 five starts",
        "standard",
    ),
    "apgd-t": ("autopgd_base.APGDAttack_targeted", "autograd.grad", NINE_TARGETS, "standard"),
    "fab-t": ("fab_pt.FABAttack_PT", "backward", f"{NINE_TARGETS}; {FAB_STEP}", "standard"),
    "square": ("square.SquareAttack", "none", "", "standard"),
    "apgd-dlr": (
        "autopgd_base.APGDAttack",
        "autograd.grad",
        f"a gradient more than steps; {RESTARTED}",
        "plus",
    ),
    "fab": ("fab_pt.FABAttack_PT", "backward", f"{PER_CLASS}; {RESTARTED}; {FAB_STEP}", "plus"),
}
VERSIONS: Mapping[str, tuple[str, GradientCall, str]] = {
    "standard": (
        "autoattack",
        "autograd.grad + backward",
        f"APGD-CE, APGD-T, FAB-T and Square in turn, {IN_TURN}; {CHECKED}",
    ),
    "plus": (
        "autoattack-plus",
        "autograd.grad + backward",
        f"APGD-CE, APGD-DLR, FAB, Square, APGD-T and FAB-T in turn, {IN_TURN}; {CHECKED}",
    ),
    "rand": (
        "autoattack-rand",
        "autograd.grad",
        f"APGD-CE and APGD-DLR in turn, {IN_TURN}; 20 gradients a step; {AT_RANDOM}",
    ),
}


def _info(
    norm: str,
    access: Literal["white-box", "black-box"],
    steps: int,
    source: str,
    call: GradientCall,
    work: str,
    **arguments: object,
) -> AttackInfo:
    return AttackInfo(
        norm,
        access,
        steps,
        f"pyautoattack.{source}",
        call,
        work,
        {"norm": norm, "eps": NORMS[norm], "steps": STEPS, "classes": CLASSES, **arguments},
        ONLY_IF_FOOLED,
    )


def _named(name: str, norm: str) -> str:
    return name if norm == "Linf" else f"{name}-{norm.lower()}"


ATTACKS: Mapping[str, AttackInfo] = {
    **{
        _named(part, norm): _info(
            norm,
            "black-box" if call == "none" else "white-box",
            5000 if call == "none" else 100,
            source,
            call,
            "; ".join(filter(None, (work, CHECKED))),
            version=version,
            part=part,
        )
        for part, (source, call, work, version) in PARTS.items()
        for norm in NORMS
    },
    **{
        _named(name, norm): _info(norm, "white-box", 100, "AutoAttack", call, work, version=version)
        for version, (name, call, work) in VERSIONS.items()
        for norm in NORMS
    },
}

LEFT_OUT: Mapping[str, str] = {
    "FABAttack": "what FAB of each framework inherits from",
    "FABAttack_TF": "FAB for TensorFlow",
}
