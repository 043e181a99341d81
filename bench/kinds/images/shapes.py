"""In the worker: which shape of images users' models declare."""

from __future__ import annotations

from typing import Any

from adapters.base import AdapterError
from adapters.models import custom
from adapters.models.custom import NoShape


class Server:
    """Answers what the choosing side asks of users' models."""

    def answer(self, models: list[str], seed: int) -> dict[str, Any]:
        """The shapes, (channels, height, width), of those that declare one.

        Of one that can't be built nothing is told: its cases will say why.

        Args:
            models: as --models takes them.
            seed: of their random weights.

        Raises:
            NoShape: what one declares is no shape.
        """
        found = {}
        for name in models:
            try:
                shape = custom.declared_shape(name, seed)
            except NoShape:
                raise
            except AdapterError:
                continue
            if shape is not None:
                found[name] = shape
        return {"shapes": found}
