"""Warnings that name the line of who has to do something, past torch's frames and ours."""

from __future__ import annotations

import warnings
from types import FrameType

_PASSED = ("torch", "semibackward", "contextlib")


def is_passed(frame: FrameType) -> bool:
    """Whether its code is torch's, or stands between a user and us."""
    return str(frame.f_globals.get("__name__")).partition(".")[0] in _PASSED


def outside(frame: FrameType | None) -> FrameType | None:
    """The first frame that is not passed, from this one outwards."""
    while frame is not None and is_passed(frame):
        frame = frame.f_back
    return frame


def warn(message: str, frame: FrameType) -> None:
    """Warn as if that frame had; Python's filters show it once a line, unless told otherwise."""
    warnings.warn_explicit(
        message,
        UserWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=frame.f_globals.get("__name__"),
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )
