"""`python -m bench doctor`: what works on this machine, what is missing, what to run."""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from adapters import registry
from adapters.base import AdapterError
from adapters.models import catalogue
from bench import console, layout, program, telling
from bench.kinds import registry as kinds
from bench.running.pool import WorkerPool
from bench.running.process import START_TIMEOUT, WorkerDied
from bench.running.starting import Starting
from semibackward_bench.grammar import counted, form

GOOD, BAD = "ok", "--"
NEEDED = {
    "images": 4,
    "text": 2,
    "dynamic networks": 4,
    "defended networks": 4,
    "pruned networks": 4,
    "functions": 2,
    "token sequences": 2,
}
"""How many of the first lines must be good, by what is attacked: of Python, torch, timm, and
photographs."""


def examine() -> tuple[str, bool]:
    """Try everything that a run needs.

    Returns:
        the text for the user, and whether at least one library can be measured.
    """
    lines = [_line(sys.version_info >= (3, 10), "Python", platform.python_version())]
    pool, starting = WorkerPool(), Starting(lambda note: None)
    try:
        lines += _machine(pool)
        if pool.get().facts["ok"]:
            pool.use(starting.on_cpu("system"))  # torch is imported once for all libraries
        libraries = [_library(pool, name) for name in registry.names()]
    except WorkerDied as died:
        return "\n".join([*lines, _line(False, "worker", str(died))]), False
    finally:
        pool.replace()
        starting.close()
    lines += [line for _, line in libraries]
    usable = [name for (works, _), name in zip(libraries, registry.names(), strict=True) if works]
    subjects = [name for name, first in NEEDED.items() if _good(lines[:first])]
    commands = recommended(usable, subjects) if _good(lines[:2]) else []
    advice = [f"To measure {what}:\n{_set_in(program.command(*words))}" for what, words in commands]
    if not advice:
        everything = _set_in(program.everything())
        advice = [f"Install what is missing, or set everything up with:\n{everything}"]
    return "\n".join([*lines, "", *advice]), bool(commands)


def _set_in(command: str) -> str:
    return layout.command(command, console.width())


def recommended(
    usable: Iterable[str], subjects: Sequence[str] = tuple(NEEDED)
) -> list[tuple[str, list[str]]]:
    """What can be measured: what is attacked, and the words that ask for it.

    Args:
        usable: libraries that can be loaded; what attacks something else needs a run of its own.
        subjects: attacks on these find everything else that they need.
    """
    by_subject: dict[str, list[str]] = {}
    for name in usable:
        by_subject.setdefault(registry.subject(name), []).append(name)
    measured = {kind.subject for kind in kinds.every()}
    return [
        (f"attacks on {subject}", ["--libs", *names])
        for subject, names in by_subject.items()
        if subject in subjects and subject in measured
    ]


def _good(lines: Iterable[str]) -> bool:
    return all(line.startswith(GOOD) for line in lines)


def _machine(pool: WorkerPool) -> list[str]:
    facts = pool.get().facts
    if not facts["ok"]:
        return [
            _line(False, "torch", f"{facts['reason']}; python -m pip install torch torchvision")
        ]
    found = facts["environment"]
    build = f"CUDA {found['torch']['cuda']}" if found["torch"]["cuda"] else "no CUDA"
    models = catalogue.timm_names()
    images = _has(found, "scikit-learn") and _has(found, "pillow")
    gpu = next((name for name in facts["devices"] if name != "cpu"), None)
    return [
        _line(True, "torch", f"{found['torch']['version']} ({build} build)"),
        _line(bool(models), "timm", counted(len(models), "model") if models else _install("timm")),
        _line(
            images, "photographs", "scikit-learn's" if images else _install("scikit-learn pillow")
        ),
        _line(True, "processor", f"{found['processor']}, {counted(found['cores'], 'core')}"),
        _line(
            True,
            "devices",
            ", ".join(facts["devices"])
            + ("" if gpu else "; no GPU: times are wall times, and only ratios count"),
        ),
        *_watching(gpu),
        *_users(pool, [name for name in facts["devices"] if name.startswith("cuda")]),
    ]


def _watching(gpu: str | None) -> list[str]:
    """Whether a CUDA GPU's clocks and throttling can be watched."""
    if gpu is None or not gpu.startswith("cuda"):
        return []
    there = importlib.util.find_spec("pynvml") is not None
    said = "clocks, temperature, throttling" if there else _install("nvidia-ml-py")
    return [_line(there, "NVML", said)]


def _users(pool: WorkerPool, gpus: Iterable[str]) -> Iterable[str]:
    """Who uses each CUDA GPU now; without NVML nobody knows."""
    for gpu in gpus if importlib.util.find_spec("pynvml") else ():
        answer = pool.get().ask({"do": "strangers", "device": gpu}, timeout=START_TIMEOUT)
        if not answer["ok"]:
            yield _line(False, gpu, answer["reason"])
            continue
        found = answer["strangers"]
        if found is None:
            yield _line(False, gpu, "; ".join(answer["unseen"]) or "who uses it is not told")
        elif found["count"]:
            names = f" ({', '.join(found['names'])})" if found["names"] else ""
            used = counted(found["count"], "other process uses", "other processes use")
            it = form(found["count"], "it", "them")
            said = f"{used} it{names}; stop {it}, or take another GPU (--device)"
            yield _line(False, gpu, said)
        else:
            yield _line(True, gpu, "; ".join(["nobody else uses it", *answer["unseen"]]))


def _library(pool: WorkerPool, name: str) -> tuple[bool, str]:
    try:
        registry.get(name)
        answer = pool.get(name).ask({"do": "load", "library": name}, timeout=START_TIMEOUT)
    except (AdapterError, WorkerDied) as error:
        pool.replace()
        return False, _line(False, name, str(error))
    if not answer["ok"]:
        return False, _line(False, name, answer["reason"])
    return True, _line(True, name, answer["version"] or "version unknown")


def _has(environment: dict[str, Any], distribution: str) -> bool:
    return distribution in environment["libraries"]


def _install(distributions: str) -> str:
    return f"missing: python -m pip install {distributions}"


def _line(good: bool, what: str, said: str) -> str:
    return f"{GOOD if good else BAD}  {what:<13} {telling.line(said)}"
