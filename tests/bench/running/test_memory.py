"""What workers do with memory that is given back: told to them, and looked at."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from typing import Any

import pytest

from bench.records.memory import MemoryUse
from bench.running import memory
from bench.worker import allocator
from semibackward_bench import home
from tests.places import ROOT

GLIBC = allocator.describe()["c_library"].startswith("glibc")


def looked(**variables: str) -> dict[str, Any]:
    done = subprocess.run(
        home.command("bench.worker.allocator"),
        env={**os.environ, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(not GLIBC, reason="glibc's variables")
@pytest.mark.parametrize(
    ("variables", "keeps"),
    [
        ({"MALLOC_MMAP_THRESHOLD_": "1000000"}, False),
        ({"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**62)}, True),
    ],
)
def test_whether_memory_is_kept_is_seen(variables: dict[str, str], keeps: bool) -> None:
    found = looked(**variables)
    assert found["keeps"] is keeps
    assert found["c_library"].startswith("glibc ")
    assert found["allocator"] == found["c_library"]


@pytest.mark.skipif(not GLIBC, reason="glibc's variables")
def test_glibc_is_told_to_keep_it_or_left_alone() -> None:
    kept, variables = memory.use("keep")
    assert (kept.policy, kept.kept) == ("keep", True)
    assert set(variables) == {"MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_"}
    given, none = memory.use("system")
    assert (given.policy, given.kept, none) == ("system", False, {})


@pytest.mark.skipif(not GLIBC, reason="glibc's variables")
def test_what_the_user_has_set_goes_before_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "65536")
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "1000000")
    found, variables = memory.use("keep")
    assert set(variables) == {"MALLOC_TRIM_THRESHOLD_"}
    assert found.kept is False, "and that it does not keep it is seen"


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ({"c_library": "glibc 2.36", "allocator": "jemalloc"}, {"MALLOC_CONF"}),
        ({"c_library": "glibc 2.36", "allocator": "tcmalloc"}, {"TCMALLOC_RELEASE_RATE"}),
        ({"c_library": "musl", "allocator": "musl"}, set()),
        ({"c_library": "Darwin 24.1.0", "allocator": None}, set()),
    ],
)
def test_each_allocator_is_told_in_its_own_words_and_looked_at_again(
    monkeypatch: pytest.MonkeyPatch, there: dict[str, Any], told: set[str]
) -> None:
    looks: list[dict[str, str]] = []

    def look(variables: dict[str, str]) -> dict[str, Any]:
        looks.append(variables)
        return {**there, "keeps": bool(variables)}

    monkeypatch.setattr(memory, "_look", look)
    found, variables = memory.use("keep")
    assert set(variables) == told
    assert found.kept is bool(told)
    assert len(looks) == (2 if told else 1)
    assert (found.c_library, found.allocator) == (there["c_library"], there["allocator"])


@pytest.mark.parametrize(
    ("variables", "allocator", "kept", "said"),
    [
        (
            {"MALLOC_TRIM_THRESHOLD_": "0"},
            "glibc 2.36",
            False,
            "with MALLOC_TRIM_THRESHOLD_ set",
        ),
        ({"GLIBC_TUNABLES": "glibc.malloc.perturb=1"}, "glibc 2.36", False, "GLIBC_TUNABLES set"),
        ({}, "mimalloc", False, "mimalloc does not keep what is given back, though told to by MI"),
        ({"MALLOC_TRIM_THRESHOLD_": "0"}, "mimalloc", None, "mimalloc may or may not keep"),
        ({}, "musl", False, "this program knows no way to tell musl to keep what is given back"),
        (
            {},
            None,
            None,
            "no way to tell Darwin 24's allocator to keep what is given back, and it may",
        ),
    ],
)
def test_why_it_is_not_kept_is_what_was_seen(
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    allocator: str | None,
    kept: bool | None,
    said: str,
) -> None:
    for name in ("MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    told = memory.not_kept(MemoryUse("keep", "Darwin 24", allocator, kept))
    assert said in told
    assert told.count("keep what is given back") == 1


def test_what_keeps_memory_by_itself_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"c_library": "glibc 2.36", "allocator": "glibc 2.36", "keeps": True}
    monkeypatch.setattr(memory, "_look", lambda _: there)
    assert memory.use("keep")[1] == {}


@pytest.mark.parametrize(
    ("maps", "system", "c_library", "name"),
    [
        ("/usr/lib/libc.so.6", "glibc 2.36", "glibc 2.36", "glibc 2.36"),
        ("/usr/lib/libjemalloc.so.2", "glibc 2.36", "glibc 2.36", "jemalloc"),
        ("/lib/ld-musl-x86_64.so.1", None, "musl", "musl"),
        ("", None, "Plan9 4", None),
    ],
)
def test_the_allocator_is_named_by_what_is_mapped(
    monkeypatch: pytest.MonkeyPatch, maps: str, system: str | None, c_library: str, name: str | None
) -> None:
    monkeypatch.setattr(allocator, "_maps", lambda: maps)
    monkeypatch.setattr(os, "confstr", lambda _: system)
    monkeypatch.setattr(platform, "system", lambda: "Plan9")
    monkeypatch.setattr(platform, "release", lambda: "4")
    found = allocator.describe()
    assert (found["c_library"], found["allocator"]) == (c_library, name)
