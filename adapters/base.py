"""The small interface behind which every attack library stands.

Importing this module, or any adapter, imports neither torch nor the library.
"""

from __future__ import annotations

import contextlib
import io
import textwrap
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from torch import Tensor, nn

    AttackFunction = Callable[[Tensor, Tensor], Tensor]

GradientCall = Literal["backward", "backward(inputs)", "autograd.grad", "none"]


class AdapterError(Exception):
    """An adapter can't do what it was asked; the message is for the user."""


class LibraryUnavailable(AdapterError):
    """The library is missing, or breaks on import."""

    def __init__(self, library: str, error: Exception, distribution: str) -> None:
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 300, placeholder=" ...")
        super().__init__(
            f"{library} can't be used: {reason};"
            f" install it with: python -m pip install {distribution}"
        )


class UnsupportedSettings(AdapterError):
    """The library can't run this attack with these settings."""


@dataclass(frozen=True)
class AttackInfo:
    """What an adapter declares of one attack, without importing its library.

    Attributes:
        norm: the norm that bounds the perturbation, as "Linf".
        access: whether the attack reads gradients.
        default_steps: the library's own number of steps.
        source: where the attack comes from, as "torchattacks.PGD".
        gradient_call: how the attack asks for its gradient.
        extra_work: what it does beyond one forward and one backward pass a step, if anything.
    """

    norm: str
    access: Literal["white-box", "black-box"]
    default_steps: int
    source: str
    gradient_call: GradientCall
    extra_work: str = ""


@dataclass(frozen=True)
class Settings:
    """The settings every library gets alike, so that all do the same work.

    Attributes:
        eps: radius of the ball, on images in [0, 1].
        step_size: length of a step, on the same scale.
        steps: number of gradient steps.
        random_start: start from a uniformly drawn point of the ball.
        batch: number of images.
        input_shape: (channels, height, width) of an image.
        classes: number of classes of the model.
        dtype: name of the images' dtype, as "float32".
        device: torch's name of the device, as "cpu" or "cuda:0".
    """

    eps: float
    step_size: float
    steps: int
    random_start: bool
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
    dtypes: ClassVar[frozenset[str]] = frozenset({"float16", "bfloat16", "float32", "float64"})
    """The dtypes of images the library can work in."""
    devices: ClassVar[frozenset[str]] = frozenset({"cpu", "cuda", "mps"})
    """The kinds of device the library can work on."""

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
            raise LibraryUnavailable(self.name, error, self.distribution) from error

    def build(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        """Build one attack on one model.

        Args:
            attack: a name from `attacks()`.
            model: images in [0, 1] of shape (N, C, H, W) to logits of shape (N, classes).
            settings: what every library gets alike.

        Returns:
            images (N, C, H, W) and labels (N,) to adversarial images of the same shape and dtype.

        Raises:
            UnsupportedSettings: the library can't do this.
            KeyError: the adapter offers no attack of that name.
        """
        if attack not in self.attacks():
            raise KeyError(attack)
        if settings.dtype not in self.dtypes:
            raise UnsupportedSettings(
                f"{self.name} works in {', '.join(sorted(self.dtypes))} only, not {settings.dtype}"
            )
        if settings.device.partition(":")[0] not in self.devices:
            raise UnsupportedSettings(
                f"{self.name} works on {', '.join(sorted(self.devices))} only,"
                f" not {settings.device}"
            )
        with quiet():
            return self.build_attack(attack, model, settings)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back what foreign code prints to stdout and warns of."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
