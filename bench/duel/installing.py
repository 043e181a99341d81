"""Install a side of a duel into a folder of its own, with uv. Imports no torch."""

from __future__ import annotations

import sys
from pathlib import Path

from bench import uv
from bench.duel import sides
from bench.duel.sides import Asked, Side
from bench.errors import UsageError


def install(asked: Asked, folder: Path, wheels: Path | None) -> Side:
    """Install what a side asks for, without what it depends on.

    Args:
        asked: what to install.
        folder: where; it must not exist.
        wheels: install from this folder alone, without a network; None for the package index.

    Raises:
        UsageError: uv is missing, or can't install it.
    """
    # Two folders may have one name and version; what uv built of the other must not be taken.
    again = ["--refresh"] if asked.local else []
    words = ["pip", "install", "--no-deps", *again, "--python", sys.executable]
    words += ["--target", str(folder.resolve()), asked.source]
    try:
        uv.call(words, folder.parent, wheels, {"UV_LINK_MODE": "copy"})
    except uv.Failed as failed:
        raise UsageError(f"{asked} can't be installed: {failed}") from uv.Said(failed.whole)
    return sides.found(asked, folder)
