"""Whose code is running: the line of the attack behind what torch is asked to do."""

from __future__ import annotations

import dis
import functools
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from types import CodeType, FrameType
from typing import Literal

import torch

import adapters
import bench
import semibackward
from adapters import sources

LONGEST = 100
"""Characters of a line of code that a sentence repeats."""

Use = Literal["reads", "clears", "looks"]
"""What becomes of a `.grad`: its value is used; it is set to zero; it is only held against None."""


def _folder(module: object) -> str:
    return f"{PurePath(str(getattr(module, '__file__', ''))).parent}/"


_TORCH = _folder(torch)
_TRICK = _folder(semibackward)
_MEASURING = (_folder(bench), f"{_folder(adapters)}papers/")
"""This program's own folders whose code is no attack's."""
_IN_FRONT = tuple(
    f"{_folder(bench)}worker/{name}.py" for name in ("calls", "networks", "gradients", "passes")
)
"""Instruments that an attack's own calls go through."""
_OPTIMIZERS = f"{_TORCH}optim/"
_TIDYING = {"zero_grad", "clip_grad_norm", "clip_grad_norm_", "clip_grad_value_"}


@dataclass(frozen=True)
class Place:
    """A line of somebody's code.

    Attributes:
        file: its name, without folders.
        line: from 1.
        code: the line itself; "" where it can't be read.
        function: it is in.
    """

    file: str
    line: int
    code: str
    function: str

    @property
    def where(self) -> str:
        return f"{self.file}, line {self.line}"


def attack_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """The attack's frames, innermost first, up to where this program called it."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_MEASURING) and file not in _IN_FRONT:
            return
        if not file.startswith((_TORCH, _TRICK, *_IN_FRONT)) and not _is_glue(file):
            yield frame
        frame = frame.f_back


def _is_glue(file: str) -> bool:
    """What stands between torch's calls and nobody's code, as a decorator of `contextlib`."""
    return file.startswith("<frozen") or PurePath(file).name in ("contextlib.py", "functools.py")


def place(frame: FrameType | None) -> Place | None:
    """The attack's line behind what happens in a frame; None where it is this program's doing.

    The innermost line of a file of the user's, or else of the library's.
    """
    found = list(attack_frames(frame))
    theirs = [each for each in found if sources.is_users(each.f_code.co_filename)]
    told = next(iter(theirs or found), None)
    if told is None:
        return None
    code = told.f_code
    text = linecache.getline(code.co_filename, told.f_lineno).strip()
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
    return Place(PurePath(code.co_filename).name, told.f_lineno, short, code.co_name)


def by_the_trick(frame: FrameType | None) -> bool:
    """Whether `semibackward` itself asks."""
    return frame is not None and frame.f_code.co_filename.startswith(_TRICK)


def use_of_grad(frame: FrameType) -> Use:
    """What the code that gets a `.grad` in this frame does with it.

    Of torch's own code only the optimizers' `step` is a reader: `zero_grad`, clipping, copying and
    moving a module get it too, and change no result.
    """
    if not frame.f_code.co_filename.startswith(_TORCH):
        return _next_use(frame.f_code, frame.f_lasti)
    inside: FrameType | None = frame
    stepping = False
    while inside is not None and inside.f_code.co_filename.startswith(_TORCH):
        if inside.f_code.co_name in _TIDYING:
            return "looks"
        stepping = stepping or inside.f_code.co_filename.startswith(_OPTIMIZERS)
        inside = inside.f_back
    return "reads" if stepping else "looks"


@functools.lru_cache(maxsize=1024)
def _next_use(code: CodeType, offset: int) -> Use:
    """By the instructions that follow the one at an offset."""
    after = [
        each
        for each in dis.get_instructions(code)
        if each.offset > offset and each.opname not in ("CACHE", "EXTENDED_ARG", "NOP", "PUSH_NULL")
    ]
    names = ("LOAD_ATTR", "LOAD_METHOD")
    while after and after[0].opname == "LOAD_ATTR" and after[0].argval == "data":
        after = after[1:]
    if after and after[0].opname in names and after[0].argval in ("zero_", "detach_"):
        return "clears"
    if after and after[0].opname.startswith("POP_JUMP") and "NONE" in after[0].opname:
        return "looks"
    if len(after) > 1 and after[0].opname == "LOAD_CONST" and after[0].argval is None:
        return (
            "looks"
            if after[1].opname in ("IS_OP", "COMPARE_OP") or "NONE" in after[1].opname
            else "reads"
        )
    return "reads"
