"""adv-lib without visdom, to which it can plot: its attacks import that, and none of ours plots.

visdom is no part of what we lock: it can't be built with a current setuptools.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

NAME = "visdom"


class Visdom:
    """Stands for visdom's client; it draws nothing and says so."""

    def __init__(self, *_: object, **__: object) -> None:
        raise ImportError(f"{NAME} is not installed, to which adv-lib plots: give it no callback")


def stand_in() -> None:
    """Let `import visdom` succeed where it is not installed.

    To be called before adv-lib is imported, as often as one likes.
    """
    if NAME in sys.modules or importlib.util.find_spec(NAME) is not None:
        return
    module = ModuleType(NAME)
    module.__spec__ = ModuleSpec(NAME, None)  # without one, nobody can ask whether it is there
    module.Visdom = Visdom  # type: ignore[attr-defined]
    sys.modules[NAME] = module
