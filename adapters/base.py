"""The small interface behind which every attack library stands.

Importing this module, or any adapter, imports neither torch nor the library.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import io
import textwrap
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from torch import Tensor, nn

    AttackFunction = Callable[[Tensor, Tensor], Tensor]

GradientCall = Literal[
    "backward",
    "backward(inputs)",
    "autograd.grad",
    "autograd.grad + backward",
    "none",
]

Promise = Literal[
    "keeps shape and dtype",
    "stays in the ball",
    "stays among images",
    "changes something",
    "repeats itself",
    "variants agree",
    "leaves the model",
    "leaves the images",
    "reaches every layer",
]
"""What the conformance table holds every attack to; an attack may be exempt, with the reason."""

INSTALL_IT = "; install it with:"
"""What follows is no mend for a library that has just been installed from somewhere else."""


class AdapterError(Exception):
    """An adapter can't do what it was asked; the message is for the user."""


class LibraryUnavailable(AdapterError):
    """The library is missing, or breaks on import."""

    def __init__(
        self, library: str, error: Exception, distribution: str, command: str | None = None
    ) -> None:
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 300, placeholder=" ...")
        install = command or f"python -m pip install {distribution}"
        super().__init__(f"{library} can't be used: {reason}{INSTALL_IT} {install}")


class UnsupportedSettings(AdapterError):
    """The library can't run this attack with these settings."""


@dataclass(frozen=True)
class Given:
    """Stands among an attack's arguments for one of the settings.

    Where the setting is None the argument is left out, and the library's default holds.

    Attributes:
        setting: a field of `Settings`.
        spelt: from the setting's value to the library's argument; by default the value itself.
    """

    setting: Literal["eps", "step_size", "steps", "random_start", "batch", "input_shape", "classes"]
    spelt: Callable[[Any], object] | None = None

    def argument(self, settings: Settings) -> object:
        """The library's argument, where the setting is not None."""
        value = getattr(settings, self.setting)
        return value if self.spelt is None else self.spelt(value)


EPS = Given("eps")
STEP_SIZE = Given("step_size")
STEPS = Given("steps")
RANDOM_START = Given("random_start")


@dataclass(frozen=True)
class AttackInfo:
    """What an adapter declares of one attack, without importing its library.

    Attributes:
        norm: the norm that bounds or is minimised, as "Linf"; "spatial" and the like for others.
        access: whether the attack reads gradients.
        default_steps: the library's own number of steps; 1 for attacks in one step.
        source: where the attack comes from, as "torchattacks.PGD".
        gradient_call: how the attack asks for its gradient.
        extra_work: what it does beyond one forward and one backward pass a step, if anything.
        arguments: keyword arguments of the attack, each a value or `Given`.
        exempt: promises it can't be held to, each with the reason.
        broken: how it fails upstream, as "TypeError: what it says"; None if it works.
        broken_with: beside what it does, as "numpy>=2"; empty where that does not matter.
        needs: packages that only this attack needs, by import name and by what pip installs.
    """

    norm: str
    access: Literal["white-box", "black-box"]
    default_steps: int
    source: str
    gradient_call: GradientCall
    extra_work: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)
    exempt: Mapping[Promise, str] = field(default_factory=dict)
    broken: str | None = None
    broken_with: str = ""
    needs: Mapping[str, str] = field(default_factory=dict)

    @property
    def fault(self) -> str | None:
        """How it fails here; None where nothing keeps it from working."""
        if self.broken is None or not self.broken_with:
            return self.broken
        from packaging.requirements import Requirement

        beside = Requirement(self.broken_with)
        try:
            there = importlib.metadata.version(beside.name)
        except importlib.metadata.PackageNotFoundError:
            return None
        return self.broken if beside.specifier.contains(there, prereleases=True) else None

    @property
    def leaves_box(self) -> bool:
        """Whether what it returns may lie outside [0, 1], as its library ships it."""
        return "stays among images" in self.exempt

    @property
    def lacks(self) -> list[str]:
        """What pip would have to install for it."""
        return [pip for name, pip in self.needs.items() if importlib.util.find_spec(name) is None]

    @property
    def member(self) -> str:
        """The library's name of the class or function, without its module, as "PGD"."""
        return self.source.rpartition(".")[2]

    def imported(self) -> Any:
        """What `source` names, a class or a function; its module is imported."""
        return getattr(importlib.import_module(self.source.rpartition(".")[0]), self.member)

    def takes(self, setting: str) -> bool:
        """Whether the attack obeys a setting."""
        return any(
            isinstance(value, Given) and value.setting == setting
            for value in self.arguments.values()
        )

    def keywords(self, settings: Settings) -> dict[str, Any]:
        """The attack's keyword arguments, with the settings put in their places."""
        found: dict[str, Any] = {}
        for name, value in self.arguments.items():
            if not isinstance(value, Given):
                found[name] = value
            elif getattr(settings, value.setting) is not None:
                found[name] = value.argument(settings)
        return found


@dataclass(frozen=True)
class Settings:
    """The settings every library gets alike, so that all do the same work.

    Attributes:
        eps: radius of the ball, on images in [0, 1]; None for the library's default.
        step_size: length of a step, on the same scale; None for the library's default.
        steps: number of gradient steps; None for the library's default.
        random_start: start from a uniformly drawn point of the ball; None for the library's
            default.
        batch: number of images.
        input_shape: (channels, height, width) of an image.
        classes: number of classes of the model.
        dtype: name of the images' dtype, as "float32".
        device: torch's name of the device, as "cpu" or "cuda:0".
    """

    eps: float | None
    step_size: float | None
    steps: int | None
    random_start: bool | None
    batch: int
    input_shape: tuple[int, int, int]
    classes: int
    dtype: str
    device: str


class Adapter(ABC):
    """One attack library.

    A subclass declares what it is and builds attacks. Everything slow happens in `load` and
    `build`; the callable that `build` returns is what the library's user calls and pays for.
    """

    name: ClassVar[str]
    """What --libs takes."""
    distribution: ClassVar[str]
    """What pip installs; the version is read from it."""
    install: ClassVar[str] = ""
    """What stands after `pip install` to have it, where that is more than its distribution."""
    subject: ClassVar[
        Literal[
            "images",
            "text",
            "dynamic networks",
            "defended networks",
            "pruned networks",
            "functions",
            "token sequences",
        ]
    ] = "images"
    """What its attacks change."""
    apart: ClassVar[tuple[str, ...]] = ()
    """What is installed for it, as pip takes it, into a layer of its own (`adapters.layers`), since
    it conflicts with what other libraries need; empty for one that does not."""
    dtypes: ClassVar[frozenset[str]] = frozenset({"float16", "bfloat16", "float32", "float64"})
    """The dtypes of images the library can work in."""
    devices: ClassVar[frozenset[str]] = frozenset({"cpu", "cuda", "mps"})
    """The kinds of device the library can work on."""

    left_out: ClassVar[Mapping[str, str]] = {}
    """The library's attacks that are not offered, as they are no evasion attack on classifiers in
    PyTorch or can't be run, by class or function name, each with what it is instead."""

    @abstractmethod
    def attacks(self) -> Mapping[str, AttackInfo]:
        """Every attack the adapter offers, by lower-case name; imports nothing."""

    @abstractmethod
    def import_library(self) -> None:
        """Import the library, and mend it before that where it needs a mend."""

    @abstractmethod
    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        """Wrap the model and build the attack, as the library's documentation shows."""

    def load(self) -> None:
        """Import the library with its chatter and warnings held back.

        Raises:
            LibraryUnavailable: it is missing or breaks on import.
        """
        try:
            with quiet():
                self.import_library()
        except Exception as error:
            command = self.installing
            raise LibraryUnavailable(self.name, error, self.distribution, command) from error

    @property
    def installing(self) -> str:
        """The command that installs it."""
        if self.apart:
            return f"python -m bench install {self.name}"
        return f"python -m pip install {self.install or self.distribution}"

    def check(self, dtype: str, device: str) -> None:
        """Whether the library can work in a dtype and on a device.

        Raises:
            UnsupportedSettings: it can't.
        """
        if dtype not in self.dtypes:
            raise UnsupportedSettings(
                f"{self.name} works in {', '.join(sorted(self.dtypes))} only, not {dtype}"
            )
        if device.partition(":")[0] not in self.devices:
            raise UnsupportedSettings(
                f"{self.name} works on {', '.join(sorted(self.devices))} only, not {device}"
            )

    def build(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        """Build one attack on one model.

        Args:
            attack: a name from `attacks()`.
            model: images in [0, 1] of shape (N, C, H, W) to logits of shape (N, classes).
            settings: what every library gets alike.

        Returns:
            images (N, C, H, W) and labels (N,) to adversarial images of the same shape and dtype.

        Raises:
            UnsupportedSettings: the library can't do this, or the attack is broken upstream.
            KeyError: the adapter offers no attack of that name.
        """
        if attack not in self.attacks():
            raise KeyError(attack)
        self.check(settings.dtype, settings.device)
        info = self.attacks()[attack]
        if info.fault is not None:
            raise UnsupportedSettings(f"{self.name} {attack} is broken upstream: {info.fault}")
        if info.lacks:
            raise UnsupportedSettings(
                f"{self.name} {attack} needs more: python -m pip install {' '.join(info.lacks)}"
            )
        with quiet():
            return self.build_attack(attack, model, settings)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back what foreign code prints to stdout and warns of."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
