"""The defences of Dhillon et al. 2018, by name, and the attacks on them. Pure.

A defence is asked for as NAME-VALUE: "sap-100", "dropout-0.1", "rnw-0.01"; "dense" has no value. Of
pruning by draws, "-fast" behind it takes independent decisions with the same marginals.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Literal

from adapters.base import AttackInfo, UnsupportedSettings
from adapters.papers.sap.settings import SamplingSettings

Place = Literal["activations", "weights", "nothing"]
FAST = "fast"
DENSE = "dense"
_SPEC = re.compile(r"(?P<name>[a-z]+)(?:-(?P<value>[^-]*(?:e-\d+)?))?(?P<fast>-fast)?")


@dataclass(frozen=True)
class Method:
    """What is done to a network in every forward pass.

    Attributes:
        title: as reports have it.
        source: section of the paper.
        place: what it changes.
        value: what its number is, in words; empty without one.
        usual: the number that stands for it.
        most: the largest number that makes sense.
        drawn: whether two passes differ.
        has_fast: whether it can be approximated by independent decisions.
    """

    title: str
    source: str
    place: Place
    value: str = ""
    usual: float = 0.0
    most: float = math.inf
    drawn: bool = True
    has_fast: bool = False


_PERCENT = "draws in percent of the entries"
_MANY = 1e5
"""Percent; with so many draws next to nothing is pruned."""
METHODS: Mapping[str, Method] = {
    DENSE: Method("dense", "section 4.1", "nothing", drawn=False),
    "sap": Method("SAP", "section 3", "activations", _PERCENT, 100, most=_MANY, has_fast=True),
    "dropout": Method("dropout", "section 4.1.2", "activations", "rate", 0.1, most=1),
    "rnw": Method("RNW", "appendix B.1", "weights", "standard deviation", 0.01),
    "rsw": Method("RSW", "appendix B.2", "weights", "standard deviation", 0.1),
    "dwp": Method("DWP", "appendix B.3", "weights", "percent kept", 75, most=100, drawn=False),
    "swp": Method("SWP", "appendix B.4", "weights", _PERCENT, 100, most=_MANY, has_fast=True),
    "rna": Method("RNA", "appendix B.5", "activations", "standard deviation", 0.1),
    "rsa": Method("RSA", "appendix B.6", "activations", "standard deviation", 0.1),
}


@dataclass(frozen=True)
class Defence:
    """A method with its number.

    Attributes:
        name: of the method.
        value: its number; 0 where it has none.
        fast: whether draws are approximated by independent decisions.
    """

    name: str
    value: float = 0.0
    fast: bool = False

    @property
    def method(self) -> Method:
        return METHODS[self.name]

    @property
    def spec(self) -> str:
        """As it is asked for."""
        number = f"-{self.value:g}" if self.method.value else ""
        return f"{self.name}{number}{f'-{FAST}' if self.fast else ''}"

    @property
    def title(self) -> str:
        """As reports have it: "SAP-100", "SAP-100 (independent decisions)"."""
        number = f"-{self.value:g}" if self.method.value else ""
        return f"{self.method.title}{number}{' (independent decisions)' if self.fast else ''}"


def parse(spec: str) -> Defence:
    """The defence that a text asks for.

    Raises:
        UnsupportedSettings: there is none such, or its number makes no sense; in one line.
    """
    found = _SPEC.fullmatch(spec)
    if found is None or found["name"] not in METHODS:
        name = spec.partition("-")[0]
        near = difflib.get_close_matches(name, METHODS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near and near[0] != name else ""
        raise UnsupportedSettings(
            f"unknown defence {spec!r}{hint}; there are {', '.join(examples())}"
        )
    name, method = found["name"], METHODS[found["name"]]
    if found["fast"] and not method.has_fast:
        raise UnsupportedSettings(f"defence {spec!r}: {name} takes no draws, so none are fast")
    if not method.value:
        if found["value"] is not None:
            raise UnsupportedSettings(f"defence {spec!r}: {name} takes no number")
        return Defence(name)
    return Defence(name, _number(spec, method, found["value"]), bool(found["fast"]))


def _number(spec: str, method: Method, text: str | None) -> float:
    if not text:
        raise UnsupportedSettings(
            f"defence {spec!r}: say the {method.value}, as {spec.rstrip('-')}-{method.usual:g}"
        )
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if wrong := _fault(method, value):
        raise UnsupportedSettings(f"defence {spec!r}: {wrong}")
    return value


def _fault(method: Method, value: float) -> str:
    """What is wrong with a method's number, in words; empty if nothing is."""
    if 0 < value < math.inf and value <= method.most:
        return ""
    most = "" if method.most == math.inf else f" and at most {method.most:,g}"
    return f"the {method.value} must be a number above 0{most}"


def defence(name: str, value: object, *, fast: bool = False) -> Defence:
    """A method with a number that comes from Python, not from a text.

    Args:
        name: of the method.
        value: its number.
        fast: whether draws are approximated by independent decisions.

    Raises:
        UnsupportedSettings: the number makes no sense; in one line.
    """
    method = METHODS[name]
    strange = isinstance(value, bool)  # a number to Python
    number = float(value) if isinstance(value, Real) and not strange else math.nan
    if wrong := _fault(method, number):
        raise UnsupportedSettings(f"{name}: {wrong}, not {value!r}")
    return Defence(name, number, fast)


def examples() -> list[str]:
    """One spec of each method."""
    return [Defence(name, method.usual).spec for name, method in METHODS.items()]


_ATTACK = "adapters.papers.sap.attack"
ATTACKS: Mapping[str, AttackInfo] = {
    "fgsm": AttackInfo(
        norm="Linf",
        access="white-box",
        default_steps=1,
        source=f"{_ATTACK}.fgsm",
        gradient_call="backward",
    ),
    "iterative": AttackInfo(
        norm="Linf",
        access="white-box",
        default_steps=8,
        source=f"{_ATTACK}.iterative",
        gradient_call="backward",
    ),
    "noise": AttackInfo(
        norm="Linf",
        access="black-box",
        default_steps=1,
        source=f"{_ATTACK}.noise",
        gradient_call="none",
    ),
}
"""FGSM (section 2), the iterative attack (section 4.5, Kurakin et al. 2016), and random signs as a
control."""


def check(settings: SamplingSettings) -> None:
    """Look whether an attack can be told this.

    Raises:
        UnsupportedSettings: it can't; in one line.
    """
    for name, value, least in (
        ("samples", settings.samples, 1),
        ("chunk", settings.chunk, 1),
        ("strength", settings.strength, 0),
    ):
        if not least <= value < math.inf:
            raise UnsupportedSettings(f"{name} = {value:g} must be at least {least}")
    if not 0 < settings.step < math.inf:
        raise UnsupportedSettings(f"step = {settings.step:g} must be above 0")
