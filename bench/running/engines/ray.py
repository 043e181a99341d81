"""A Ray cluster: each slot is one actor, with a GPU of its own where there are any.

The actor has a keeper in it, and files that requests name are brought along in the actor's runtime
environment. Imports no torch, and Ray only where it is asked for.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import telling
from bench.errors import UsageError
from bench.running.engines.base import Place
from bench.running.far import Agreed, Far, LineLost
from semibackward_bench.grammar import counted

INSTALL = "python -m pip install 'semibackward-bench[ray]'"
SECONDS_TO_ANSWER = 10.0
"""That whoever is at an address has to take a connection."""
SECONDS_FOR_A_PLACE = 60.0
"""That a slot which was lost waits for the cluster to have a place for it again."""


class Ray:
    """Workers are brought by Ray's actors.

    Args:
        slots: how many; None for one a GPU of the cluster, or one a node where it has none.
        address: of the cluster; None for the one that RAY_ADDRESS names, or a new one here.
        agreed: what has to be the same there.
        note: told what the user should know.

    Raises:
        UsageError: Ray is not installed, no cluster answers, or it has too few GPUs.
    """

    name = "ray"
    divides = False

    def __init__(
        self,
        slots: int | None,
        address: str | None,
        agreed: Agreed,
        note: Callable[[str], None],
    ) -> None:
        try:
            import ray
        except ImportError:
            raise UsageError(f"--engine ray needs Ray: {INSTALL}") from None
        self._ray = ray
        self._note = note
        self._brought = tempfile.TemporaryDirectory(prefix="semibackward-bench-")
        try:
            self._agreed = replace(agreed, brought=_copied(agreed.files, Path(self._brought.name)))
            self._join(address)
            there = ray.cluster_resources()
            gpus = int(there.get("GPU", 0))
            nodes = sum(bool(node["Alive"] and _cores(node)) for node in ray.nodes())
            self._slots = slots or gpus or max(1, nodes)
            if gpus and self._slots > gpus:
                raise UsageError(
                    f"--slots {self._slots}: the cluster has {counted(gpus, 'GPU')}, and each slot"
                    " gets one of its own; ask for fewer"
                )
            self._needs: dict[str, Any] = {"num_gpus": 1} if gpus else {}
            self._needs["num_cpus"] = self._share(int(there.get("CPU", 0)))
        except BaseException:
            self.close()
            raise

    def places(self) -> Sequence[Place]:
        """One an actor."""
        return [self._place(number) for number in range(1, self._slots + 1)]

    def close(self) -> None:
        """Leave the cluster."""
        self._ray.shutdown()
        self._brought.cleanup()

    def _join(self, address: str | None) -> None:
        """Be part of a cluster, and say nothing about it."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        where = address or os.environ.get("RAY_ADDRESS", "")
        _check_reached(where)
        given: dict[str, Any] = {} if address is None else {"address": address}
        if self._agreed.brought:
            given["runtime_env"] = {"working_dir": self._brought.name}
        ending = signal.getsignal(signal.SIGTERM)
        try:
            self._ray.init(log_to_driver=False, logging_level="ERROR", **given)
        except (OSError, RuntimeError, ValueError) as error:
            raise UsageError(_nobody(where, str(error))) from error
        finally:
            signal.signal(signal.SIGTERM, ending)  # Ray has put its own there

    def _share(self, cores: int) -> int:
        """Cores of a slot, so that all slots fit: what a node has is split among its slots."""
        if cores < self._slots:
            raise UsageError(
                f"--slots {self._slots}: the cluster has {counted(cores, 'core')}, and each slot"
                " needs one of its own; ask for fewer"
            )
        share = cores // self._slots
        while share > 1 and self._fitting(share) < self._slots:
            share -= 1
        return share

    def _fitting(self, share: int) -> int:
        """How many slots of so many cores the nodes have room for."""
        alive = [node for node in self._ray.nodes() if node["Alive"]]
        return sum(_cores(node) // share for node in alive)

    def _place(self, number: int) -> Place:
        name = f"actor {number}"
        return Place(
            name,
            lambda: Far(name, self._line, self._agreed, self._note),
        )

    def _line(self) -> ActorLine:
        return ActorLine(self._ray, self._actor())

    def _actor(self) -> Any:
        """An actor, once the cluster has a place for it.

        Raises:
            LineLost: it has none.
        """
        actor = self._ray.remote(Kept).options(max_restarts=0, **self._needs).remote()
        try:
            self._ray.get(actor.here.remote(), timeout=SECONDS_FOR_A_PLACE)
        except self._ray.exceptions.GetTimeoutError:
            self._ray.kill(actor)
            raise LineLost(
                f"the cluster had no place for it within {SECONDS_FOR_A_PLACE:.0f} s"
            ) from None
        except self._ray.exceptions.RayError as error:
            raise LineLost(_first_line(error)) from None
        return actor


class Kept:
    """What an actor is: a keeper, asked from elsewhere."""

    def __init__(self) -> None:
        from bench.running.keeping import Keeper

        self._keeper = Keeper(Path.cwd())

    def here(self) -> str:
        """Whether it is there."""
        return "here"

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """See `bench.running.keeping.Keeper.answer`."""
        return self._keeper.answer(request)


class ActorLine:
    """A line to the keeper in an actor.

    Args:
        ray: the module.
        actor: the handle of it.
    """

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray = ray
        self._actor = actor

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """The keeper's answer.

        Raises:
            LineLost: the actor, or its node, is gone.
        """
        if self._actor is None:
            raise LineLost("its actor was ended")
        try:
            answer = self._ray.get(self._actor.answer.remote(request), timeout=timeout)
        except self._ray.exceptions.GetTimeoutError:
            raise LineLost(f"nothing came back within {timeout:.0f} s") from None
        except self._ray.exceptions.RayError as error:
            raise LineLost(_first_line(error)) from None
        found: dict[str, Any] = answer
        return found

    def close(self) -> None:
        """End the actor; its workers end when its process does."""
        actor, self._actor = self._actor, None
        if actor is not None:
            with contextlib.suppress(Exception):  # whatever Ray says of one that is gone
                self._ray.kill(actor)


def _check_reached(where: str) -> None:
    """Whether anybody listens at an address, as HOST:PORT: Ray itself tries for minutes.

    Raises:
        UsageError: nobody does.
    """
    host, colon, port = where.rpartition("://")[2].rpartition(":")
    if not colon or not port.isdigit():
        return  # "auto", or no address
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError) as error:
        raise UsageError(_nobody(where, str(error))) from error


def _nobody(where: str, why: str) -> str:
    """What to know where no cluster answers."""
    at = f" at {telling.line(where)}" if where else ""
    first = telling.line(why.strip().partition("\n")[0])
    return (
        f"no Ray cluster answers{at} ({first}); start one by `ray start --head`, or mend --address"
    )


def _cores(node: Mapping[str, Any]) -> int:
    """Of a node, as `ray.nodes` tells of it."""
    return int(node["Resources"].get("CPU", 0))


def _copied(files: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Where copies of files lie in a folder, by their names, and by those of their own folders;
    Python files bring their neighbours, which they may import."""
    places: dict[str, str] = {}
    for name in files:
        path = Path(name)
        theirs = places.setdefault(str(path.parent), f"files-{len(places)}")
        (folder / theirs).mkdir(exist_ok=True)
        beside = sorted(path.parent.glob("*.py")) if path.suffix == ".py" else []
        for each in (path, *beside):
            shutil.copy(each, folder / theirs / each.name)
        places[name] = str(Path(theirs, path.name))
    places.pop(".", None)  # what names no folder names none of these
    return places


def _first_line(error: BaseException) -> str:
    """What Ray says, in one line: it says much."""
    text = telling.line(str(error).strip().partition("\n")[0])
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
