"""A network is trained by its recipe, an epoch a request; see `bench.kinds.trained`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.models.trained.training import Trainee


class Server:
    """Keeps the training under way between requests to the worker."""

    def __init__(self) -> None:
        self._of: tuple[object, ...] | None = None
        self._trainee: Trainee | None = None

    def answer(
        self,
        network: str,
        data: str,
        seed: int,
        file: str,
        device: str,
        method: str | None = None,
    ) -> dict[str, Any]:
        """Train for one more epoch, from the checkpoint if there is one.

        Args:
            network: its name in the catalogue.
            data: what to train on.
            seed: of weights and data order.
            file: where the weights go.
            device: where to train.
            method: as `adapters.models.trained.cache.recipe` has it.

        Raises:
            AdapterError: the data or the checkpoint can't be used, or the method not with this
                network.
            ArithmeticError: the training diverged.
        """
        asked = (network, data, seed, file, device, method)
        if self._trainee is None or self._of != asked:
            self._of = asked
            self._trainee = Trainee(network, data, seed, Path(file), device=device, method=method)
        trainee = self._trainee
        if not trainee.done:
            trainee.epoch()
        return {
            "done": trainee.done,
            "epoch": trainee.epochs_done,
            "epochs": trainee.epochs,
            "stage": trainee.stage,
            "loss": trainee.loss,
        }
