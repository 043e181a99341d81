"""What one command line asks for, read once near the door into typed values."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.kinds.sharding import Shard


@dataclass(frozen=True)
class Request:
    """What was asked; None, or empty, where nothing was said.

    Attributes:
        command: the subcommand.
        libs, attacks, models, batch, dtype, variants, baseline: in place of the suite's.
        suite: a suite's name, or the path of a file.
        own: of functions of the user's, as FILE.py:FUNCTION.
        weights: a file of the user's.
        pretrained: take a model's published weights.
        a_a: also hold the original against itself.
        device: as --device has it.
        precision, max_seconds, processes, timeout, memory: in place of the suite's limits.
        workers: "forked" or "afresh", how they are started.
        engine: what brings workers to places.
        devices: those to measure on at once, each in a slot of its own.
        slots: how many there are.
        worker_command: commands that lead to places.
        worker_python: the interpreter there, where it is not at the same path as here.
        address: of a cluster.
        retries: how often a comparison is begun again whose worker was killed or lost.
        allow_other_versions: measure where versions are not this side's, too.
        max_batch_search, memory_limit: look for the largest batch, within so many gigabytes.
        expect_from: where libraries must be imported from, each FOLDER or NAME=FOLDER.
        shard: which part of it, of how many.
        seed: of everything random.
        out: where the records go.
        resume: go on with them.
        verbose: tell more.
        given: the kinds' own options that were given, by name as in suites.
        more: what only one command takes.
    """

    command: str = "run"
    libs: tuple[str, ...] | None = None
    attacks: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    batch: tuple[int, ...] | None = None
    dtype: str | None = None
    variants: tuple[str, ...] | None = None
    baseline: str | None = None
    suite: str | None = None
    own: tuple[str, ...] = ()
    weights: Path | None = None
    pretrained: bool = False
    a_a: bool = False
    device: str = "auto"
    precision: float | None = None
    max_seconds: float | None = None
    processes: int | None = None
    timeout: float | None = None
    memory: str | None = None
    workers: str | None = None
    engine: str | None = None
    devices: tuple[str, ...] | None = None
    slots: int | None = None
    worker_command: tuple[str, ...] = ()
    worker_python: str | None = None
    address: str | None = None
    retries: int | None = None
    allow_other_versions: bool = False
    max_batch_search: bool = False
    memory_limit: float | None = None
    expect_from: tuple[str, ...] = ()
    shard: Shard | None = None
    seed: int = 0
    out: Path | None = None
    resume: bool = False
    verbose: bool = False
    given: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, parsed: argparse.Namespace, own: Iterable[str]) -> Request:
        """From the parsed command line.

        Args:
            parsed: what argparse made of it.
            own: the names of the kinds' own options.
        """
        there = {name: _value(value) for name, value in vars(parsed).items()}
        there["own"] = there.pop("attack", None) or ()
        there["worker_command"] = there.get("worker_command") or ()
        there["command"] = there.get("command") or "run"
        given = {name: there.pop(name) for name in own if name in there}
        known = {name: there.pop(name) for name in cls.__dataclass_fields__ if name in there}
        # An option that is a switch is False where it was not given; a number may be 0.
        said = {n: v for n, v in given.items() if v is not None and v is not False}
        return cls(**known, given=said, more=there)

    def option(self, name: str) -> Any:
        """An option of a kind's own; None where it was not given."""
        return self.given.get(name)


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def flag(name: str) -> str:
    """An option as it is spelt on the command line."""
    return f"--{name.replace('_', '-')}"
