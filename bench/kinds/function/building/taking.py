"""In the worker: what the `setup` of a workload takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from adapters import custom, registry
from adapters.base import AdapterError
from adapters.workloads import custom as workloads
from adapters.workloads.adapter import Beyond


class Server:
    """Answers what the choosing side asks of workloads."""

    def answer(self, workloads: Sequence[Sequence[str]]) -> dict[str, Any]:
        """What each takes, by its name; nothing of one that can't be imported, whose case says why.

        Args:
            workloads: library and name of each.
        """
        found = {}
        for library, name in workloads:
            try:
                taken = _taken(setup_of(library, name), name)
            except AdapterError:
                continue
            found[name] = {"names": taken.names, "batch": taken.batch}
        return {"taken": found}


def _taken(setup: Callable[..., Any], name: str) -> workloads.Taken:
    return workloads.taken(setup, name)


def setup_of(library: str, name: str) -> Callable[..., Any]:
    """The function that makes a workload.

    Args:
        library: "user", or an adapter's name.
        name: of the workload, or what --workload was given.

    Raises:
        AdapterError: it can't be imported, or needs more than is installed.
    """
    if library == custom.LIBRARY:
        return workloads.setup_of(name)
    adapter = registry.get(library)
    assert isinstance(adapter, Beyond)  # no other has this subject
    return adapter.setup_of(name)
