"""Whose a file of code is: a user's, or Python's, an installed package's, or this program's."""

from __future__ import annotations

import functools
import hashlib
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path, PurePath

from semibackward_bench import home

_ROOT = Path(__file__).resolve().parents[1]
_OTHERS = tuple(
    Path(place).resolve()
    for place in (
        *map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")),
        *(str(_ROOT / package) for package in home.PACKAGES),
    )
)


@functools.lru_cache(maxsize=4096)
def is_users(file: str) -> bool:
    """Whether a file of code is a user's.

    Args:
        file: as a code object or a frame names it; "<string>" and the like are nobody's.
    """
    place = Path(file)
    if not place.is_file():
        return False
    place = place.resolve()
    return not any(place.is_relative_to(other) for other in _OTHERS)


def line_of(
    error: BaseException, whose: Callable[[str], bool] = is_users
) -> traceback.FrameSummary | None:
    """The innermost line of a user's that an error passed; None where it passed none.

    Args:
        error: with its traceback.
        whose: tells which files count.
    """
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame for frame in reversed(frames) if whose(frame.filename)), None)


def spelt(line: traceback.FrameSummary) -> str:
    """It in words: "FILE, line N"."""
    return f"{PurePath(line.filename).name}, line {line.lineno}"


def package_of(place: Path) -> tuple[Path | None, str]:
    """The folder that a package lies in, and its dotted name; for one that is none, None, and a
    name that nobody else has."""
    parts: list[str] = []
    root = place
    while (root / "__init__.py").is_file() and root != root.parent:
        parts.insert(0, root.name)
        root = root.parent
    if parts:
        return root, ".".join(parts)
    digest = hashlib.sha256(str(place).encode()).hexdigest()[:8]
    return None, f"{place.name.replace('.', '_')}_{digest}"
