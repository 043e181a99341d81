"""The library `beyond`: shipped workloads that pass through networks nobody trains. Imports no
torch."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

from adapters.base import Adapter, AdapterError, AttackInfo, UnsupportedSettings
from adapters.workloads import custom
from adapters.workloads.shipped import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from adapters.base import AttackFunction, Settings
    from adapters.workloads.base import Program


class Beyond(Adapter):
    """Workloads of other libraries, as their users run them."""

    name = "beyond"
    distribution = "torch"
    subject = "functions"

    def attacks(self) -> Mapping[str, AttackInfo]:
        return {name: found.info for name, found in WORKLOADS.items()}

    def import_library(self) -> None:
        importlib.import_module("torch")

    def build_attack(self, attack: str, model: nn.Module, settings: Settings) -> AttackFunction:
        raise UnsupportedSettings(f"{self.name} has workloads with networks of their own")

    def setup_of(self, workload: str) -> Callable[..., Any]:
        """The function that makes a workload.

        Raises:
            AdapterError: it needs more than is installed.
            KeyError: there is none of that name.
        """
        found = WORKLOADS[workload]
        lacking = found.info.lacks
        if not lacking and version(found.distribution) is None:
            lacking = [found.distribution]
        if lacking:
            raise UnsupportedSettings(
                f"{self.name} {workload} needs more: python -m pip install {' '.join(lacking)}"
            )
        module, _, name = found.setup.partition(":")
        try:
            setup: Callable[..., Any] = getattr(importlib.import_module(module), name)
        except ImportError as error:
            raise AdapterError(
                f"{self.name} {workload} can't be imported: {type(error).__name__}: {error}"
            ) from error
        return setup

    def make(self, workload: str, given: Mapping[str, Any]) -> Program:
        """A workload, built.

        Args:
            workload: its name.
            given: what a `setup` may take, by name.

        Raises:
            AdapterError: it can't be built.
            KeyError: there is none of that name.
        """
        program = custom.made(self.setup_of(workload), f"{self.name} {workload}", given)
        return replace(program, version=version(WORKLOADS[workload].distribution))


def version(distribution: str) -> str | None:
    """Of a distribution; None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
