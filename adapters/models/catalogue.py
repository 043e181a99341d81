"""The names of the models: timm's, read from its source so that neither timm nor torch is imported,
ours for small images, and those that are trained by a recipe."""

from __future__ import annotations

import functools
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from adapters.models.trained import catalogue as trained

_REGISTERED = re.compile(r"^@register_model\s*\ndef\s+(\w+)", re.MULTILINE)
_WIDE = re.compile(r"wrn_(\d+)_(\d+)")
_SMALL_STEM = re.compile(r"cifar_(resnet(?:18|34|50|101|152))")
_LLAMA = "llama_small"

OWN = (
    *(f"cifar_resnet{depth}" for depth in (18, 34, 50, 101, 152)),
    *("wrn_10_1", "wrn_16_4", "wrn_28_10", "wrn_32_10", "wrn_34_10"),
    _LLAMA,
)
"""Our models' names; of the wide ones these are examples, see `own`."""


@dataclass(frozen=True)
class WideResNetSize:
    """A wide ResNet's number of units in each group, and how many times wider it is."""

    units: int
    width: int


@dataclass(frozen=True)
class SmallStem:
    """A ResNet of timm's whose stem is one 3×3 convolution, without pooling."""

    timm_name: str


@dataclass(frozen=True)
class Llama:
    """The small Llama that takes patches of images for tokens."""


def own(name: str) -> WideResNetSize | SmallStem | Llama | None:
    """What one of our names stands for, None where it is not ours.

    `wrn_D_W` is a wide ResNet W times as wide, with n units in each of three groups. Its depth is
    6n + 4 (Zagoruyko and Komodakis 2016 count the stem and three shortcuts), or 6n + 2 (Madry et
    al. 2018 and Shafahi et al. 2019 count the stem and the last layer): WRN-32-10 is WRN-34-10.
    """
    if wide := _WIDE.fullmatch(name):
        depth, width = map(int, wide.groups())
        units, rest = divmod(depth - 2, 6)
        return WideResNetSize(units, width) if units > 0 and width > 0 and rest in (0, 2) else None
    if small := _SMALL_STEM.fullmatch(name):
        return SmallStem(small.group(1))
    return Llama() if name == _LLAMA else None


@functools.cache
def timm_names() -> tuple[str, ...]:
    """The names of all models timm registers, sorted; empty where timm is not installed."""
    found = importlib.util.find_spec("timm")
    if found is None or found.origin is None:
        return ()
    names: set[str] = set()
    for path in Path(found.origin).parent.joinpath("models").rglob("*.py"):
        names.update(_REGISTERED.findall(path.read_text(encoding="utf-8")))
    return tuple(sorted(names))


def names() -> tuple[str, ...]:
    """Ours, those with a recipe, then timm's."""
    return (*OWN, *trained.networks(), *timm_names())


def is_known(name: str) -> bool:
    """Whether it is a model of ours, one with a recipe, or timm's; a pretrained tag may follow the
    names of timm's, as in resnet50.a1_in1k."""
    ours = own(name) is not None or trained.is_known(name)
    return ours or name.partition(".")[0] in timm_names()
