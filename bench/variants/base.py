"""What a part of a variant declares: what it does to a model, where, and what it promises."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from torch import Tensor, nn

CUDA = "cuda"
ANY = ("cpu", CUDA, "mps")


@dataclass
class Way:
    """A model on its way to a variant's state: each part adds to it.

    Attributes:
        model: which; shared by all variants, so that nothing of it may stay changed.
        example: a batch as the attack passes it to the model; None where no part needs one.
        device: torch's name of the device.
        forward: what a call of the model does; a part may put something around it.
        blocks: entered around each run, in this order, each of them again and again.
        compilations: how many graphs have been compiled or captured for it so far.
        compiles: whether `torch.compile` is part of it; what that compiles runs for this way alone.
    """

    model: nn.Module
    example: Tensor | None
    device: str
    forward: Callable[..., Any]
    blocks: list[Callable[[], AbstractContextManager[Any]]] = field(default_factory=list)
    compilations: int = 0
    compiles: bool = False
    _entered: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def inside(self, block: Callable[[], AbstractContextManager[Any]]) -> None:
        """Have the model in this block from now on, and in each run."""
        self.blocks.append(block)
        self._entered.enter_context(block())

    def leave(self) -> None:
        """Put the model back as it was, once all parts have had their turn."""
        self._entered.close()


class Part(ABC):
    """One thing that a variant does.

    Attributes:
        name: as in a variant's name.
        told: what it does, for `list variants`.
        devices: the types of device that it works on.
        turn: parts that come earlier shape the model before those that come later.
        promises: whether it makes the same examples, by construction: where outputs differ all the
            same no speedup is told. Without, they are measured at whatever level they reach.
        ready_at_once: whether it needs no first run to be made ready, as compiled code does.
        excludes: parts that it does not go with.
        why_not: what follows "NAME and OTHER: " where one of those is asked for too.
    """

    name: ClassVar[str]
    told: ClassVar[str]
    devices: ClassVar[tuple[str, ...]] = ANY
    turn: ClassVar[int]
    promises: ClassVar[bool] = False
    ready_at_once: ClassVar[bool] = True
    excludes: ClassVar[tuple[str, ...]] = ()
    why_not: ClassVar[str] = ""

    def lacks(self, device: str) -> str | None:
        """What it needs and this machine does not have, in words; None where all is there."""
        kind = device.partition(":")[0]
        if kind in self.devices:
            return None
        return f"it is for {' and '.join(self.devices)}, and this is {kind}"

    @abstractmethod
    def shape(self, way: Way) -> None:
        """Add it to a model that earlier parts have shaped.

        Raises:
            UnsupportedSettings: it can't be done with this model, with the reason.
        """

    @abstractmethod
    def lines(self, device: str) -> Sequence[str]:
        """Lines of Python that do the same to a user's `model`, for good.

        Args:
            device: torch's name of the device that the model is on; `images` is a batch there.
        """
