"""`install`: libraries that can't be installed beside the others, each into a layer of its own."""

from __future__ import annotations

import argparse
from pathlib import Path

from adapters import layers, registry
from adapters.base import Adapter, AdapterError
from bench import console, layering, program, telling
from bench.commands import codes
from bench.errors import UsageError
from bench.words import columns, unknown
from semibackward_bench.grammar import counted


def add(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of `install`."""
    parser.description = (
        "Install libraries that conflict with what the others need: each goes into a layer, a"
        " folder in the program's cache that comes first on the path of that library's workers,"
        " with what it needs in other versions than this environment has. torch stays this"
        " environment's. Without names: which libraries these are, and which of them are installed."
    )
    parser.add_argument("libraries", nargs="*", metavar="NAME", help="as --libs takes them")
    parser.add_argument(
        "--find-wheels",
        type=Path,
        metavar="DIR",
        help="install from the wheels in this folder alone, offline",
    )
    parser.add_argument("--verbose", action="store_true", help="show all that uv says of a failure")


def run(parsed: argparse.Namespace, words: list[str], started: float) -> int:
    """Do it; the exit code."""
    apart = {adapter.name: adapter for adapter in libraries()}
    if not parsed.libraries:
        console.out(columns([(name, *told(adapter)) for name, adapter in apart.items()]))
        return codes.DONE
    unknown("library", parsed.libraries, registry.names())
    for name in parsed.libraries:
        if name not in apart:
            raise UsageError(f"{name} needs no layer: {_installing(name)}")
    if parsed.find_wheels is not None and not parsed.find_wheels.is_dir():
        raise UsageError(f"--find-wheels {parsed.find_wheels}: there is no such folder")
    for name in dict.fromkeys(parsed.libraries):
        try:
            layer = layering.make(apart[name], parsed.find_wheels)
        except AdapterError as error:
            raise UsageError(str(error)) from error
        packages = counted(len(layer.packages), "package")
        console.out(telling.line(f"{name} {layers.version(name)}: {packages} in {layer.folder}"))
    return codes.DONE


def _installing(name: str) -> str:
    """How to install a library that has no layer, or why nobody knows."""
    try:
        return registry.get(name).installing
    except AdapterError as error:
        return str(error)


def libraries() -> list[Adapter]:
    """Those that have a layer, or need one."""
    found = []
    for name in registry.names():
        try:
            adapter = registry.get(name)
        except AdapterError:
            continue  # `list libs` tells why
        if adapter.apart:
            found.append(adapter)
    return found


def told(adapter: Adapter) -> tuple[str, str]:
    """The version of such a library that can be used, and where it is, or what to do."""
    if layers.here(adapter):
        return str(registry.version(adapter)), "in this environment, not in a layer of its own"
    layer = layers.found(adapter)
    make = program.command("install", adapter.name)
    if layer is None:
        return "not installed", f"{make}  (into a layer of its own)"
    if layer.moved:
        return "not installed", f"{make}  (again: its layer is for {'; '.join(layer.moved)})"
    return str(layers.version(adapter.name)), "in a layer of its own"
