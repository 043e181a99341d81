"""Environments by name, each with observations of four grey pictures of 84×84. Imports no torch.

There is "catch", ours, and whatever gymnasium knows by its id that shows pictures and takes one of
some actions; Atari's games, as "ALE/Pong-v5", by ale-py. gymnasium is imported where one is made.
"""

from __future__ import annotations

import difflib
import importlib
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.base import AdapterError, LibraryUnavailable, quiet

if TYPE_CHECKING:
    import gymnasium

CATCH = "catch"
ATARI = "ALE/"
"""What the ids of Atari's games begin with."""
FRAMES, SIDE = 4, 84
"""Appendix A of Dhillon et al. 2018: the last four pictures, and how high and wide each is."""
FRAME_SKIP = 4
"""Of Atari's games: how often an action is repeated (Mnih et al. 2015)."""
LEVELS = 255
"""The highest grey level."""


@dataclass(frozen=True)
class Facts:
    """What is known of an environment before an agent acts in it.

    Attributes:
        name: as it is asked for.
        actions: how many there are.
        input_shape: of an observation.
    """

    name: str
    actions: int
    input_shape: tuple[int, int, int] = (FRAMES, SIDE, SIDE)


def facts(name: str) -> Facts:
    """What is known of an environment.

    Raises:
        AdapterError: there is none of that name, or none an agent can act in; in one line.
        LibraryUnavailable: what it needs is not installed; of `CATCH` only `make` says so.
    """
    if name == CATCH:
        return Facts(name, actions=3)
    made = make(name)
    made.close()
    return Facts(name, actions=int(made.action_space.n))  # type: ignore[attr-defined]


def make(name: str) -> gymnasium.Env[Any, Any]:
    """A new one, with observations of shape (4, 84, 84), uint8; before the first step of an episode
    all four are the same.

    Raises:
        AdapterError: there is none of that name, or none an agent can act in; in one line.
        LibraryUnavailable: what it needs is not installed.
    """
    _imported("gymnasium", "gymnasium")
    from gymnasium.wrappers import FrameStackObservation

    with quiet():
        if name == CATCH:
            from adapters.agents.catch import Catch

            return FrameStackObservation(Catch(), FRAMES)
        return FrameStackObservation(_atari(name) if name.startswith(ATARI) else _any(name), FRAMES)


def _atari(name: str) -> gymnasium.Env[Any, Any]:
    """A game as Mnih et al. 2015 have it: an action is repeated on four frames, an observation is
    the brighter of the last two, and an episode begins with up to 30 steps of nothing. As Machado
    et al. 2018 advise, losing a life ends no episode."""
    ale, _ = (_imported(module, "ale-py opencv-python-headless") for module in ("ale_py", "cv2"))
    ale.ALEInterface.setLoggerMode(ale.LoggerMode.Error)  # or it greets on stderr
    import gymnasium
    from gymnasium.wrappers import AtariPreprocessing

    gymnasium.register_envs(ale)
    game = _made(name, frameskip=1, repeat_action_probability=0.0)
    return AtariPreprocessing(game, frame_skip=FRAME_SKIP, screen_size=SIDE)


def _any(name: str) -> gymnasium.Env[Any, Any]:
    """Of gymnasium, in grey and 84×84."""
    import gymnasium
    import numpy
    from gymnasium.spaces import Box, Discrete

    env = _made(name)
    if not isinstance(env.action_space, Discrete):
        raise AdapterError(
            f"environment {name!r} takes {_spelt(env.action_space)} as actions, where the agents"
            " here choose one of some: take one with Discrete actions"
        )
    pixels = env.observation_space
    shape = pixels.shape or ()
    if not (
        isinstance(pixels, Box)
        and pixels.dtype == numpy.uint8
        and (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3)))
    ):
        raise AdapterError(
            f"environment {name!r} shows {_spelt(pixels)}, no pictures: take one with pixels"
            " (uint8, height × width, grey or RGB)"
        )
    return gymnasium.wrappers.TransformObservation(
        env, _grey, Box(0, LEVELS, (SIDE, SIDE), numpy.uint8)
    )


def _grey(picture: Any) -> Any:
    """A picture (height, width), (height, width, 1) or (height, width, 3) in grey and 84×84."""
    import numpy

    if picture.shape == (SIDE, SIDE):
        return picture
    from PIL import Image

    flat = picture[..., 0] if picture.shape[2:] == (1,) else picture
    image = Image.fromarray(flat).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    return numpy.asarray(image, numpy.uint8)


def _made(name: str, **arguments: Any) -> gymnasium.Env[Any, Any]:
    import gymnasium

    try:
        return gymnasium.make(name, **arguments)
    except gymnasium.error.UnregisteredEnv as error:
        known = [CATCH, *gymnasium.registry]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near and near[0] != name else ""
        raise AdapterError(
            f"unknown environment {name!r}{hint}; there are {CATCH}, Atari's games as"
            f" {ATARI}Pong-v5, and what else gymnasium has, by its id"
        ) from error
    except Exception as error:  # whatever someone else's environment says
        said = textwrap.shorten(str(error), 300, placeholder=" ...")
        raise AdapterError(
            f"environment {name!r} can't be made: {type(error).__name__}: {said}"
        ) from error


def _imported(module: str, distribution: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise LibraryUnavailable(module, error, distribution) from error


def _spelt(space: object) -> str:
    return textwrap.shorten(str(space), 80, placeholder=" ...")
