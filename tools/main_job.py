"""What the main job measures, without measuring it."""

from __future__ import annotations

from collections.abc import Sequence

from bench.cases import Comparison
from bench.choosing import selection
from bench.commands import arguments, options


def comparisons(words: Sequence[str], device: str) -> list[Comparison]:
    """The comparisons that the main job makes on a device when it is told these words.

    Raises:
        UsageError: it does not know them.
    """
    request = options.request_of(arguments.parse(["run", *words]))
    suite = selection.choose_suite(request, device)
    return selection.comparisons(request, suite, device, lambda note: None)
