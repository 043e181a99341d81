"""How two files' environments differ, and what that keeps from being compared. Pure."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from adapters.origins import Origin
from bench.compare.reading import File
from bench.records.memory import MemoryUse
from bench.records.types import Environment

_TIMES = (
    *("device", "accelerator", "processor", "cores", "threads"),
    *("platform", "python", "torch", "math", "variables", "memory"),
)
"""What absolute seconds depend on."""
_MEMORY = ("device", "accelerator", "torch", "math")
"""What peaks of memory depend on."""
_RATIOS = ("memory",)
"""What keeps even ratios of times from being compared: where the kernel clears the memory of the
gradients, the original is slower."""
MOST_FILES = 3
"""Files of a user's that a sentence names."""
_DEPENDS_ON = {"seconds": _TIMES, "memory": _MEMORY, "speedup": _RATIOS}


def differences(base: File, new: File, metric: str) -> list[str]:
    """What keeps a metric's values from being compared, each as "torch: 1 then, 2 now"."""
    if base.kind == "pytest-benchmark":
        then, now = base.benchmarks.environment, new.benchmarks.environment
        pairs = [(name, then.get(name), now.get(name)) for name in sorted({*then, *now})]
    elif base.kind == "counts":
        pairs = _counts(base.run.environment, new.run.environment)
    else:
        first, second = base.run.environment, new.run.environment
        names = _DEPENDS_ON[metric]
        pairs = [(name, getattr(first, name), getattr(second, name)) for name in names]
    return [f"{name}: {_told(a)} then, {_told(b)} now" for name, a, b in pairs if a != b]


def versions(base: File, new: File) -> list[str]:
    """Libraries whose version changed."""
    if base.kind == "pytest-benchmark":
        return []
    then, now = base.run.environment.libraries, new.run.environment.libraries
    return [
        f"{name} {then[name]} then, {now[name]} now"
        for name in sorted(then.keys() & now.keys())
        if then[name] != now[name]
    ]


def code(base: File, new: File) -> list[str]:
    """Of what both files measured the same code, as they do where a path is mistyped; and of what
    they did not. What a user's file imports is not looked at here, so that its own text is all that
    is said to be the same."""
    if base.kind == "pytest-benchmark":
        return []
    then, now = base.run.environment, new.run.environment
    both = [(name, then.origins[name], now.origins.get(name)) for name in then.origins]
    pairs = [(name, a, b) for name, a, b in both if b is not None]
    same = [f"{name} {_where(a, b)}" for name, a, b in pairs if a.digest == b.digest]
    found = [f"both files measured the same code of {'; '.join(same)}"] if same else []
    theirs, ours = _python(then.files), _python(now.files)
    if own := [name for name in theirs if theirs[name] == ours.get(name)]:
        more = f" and {len(own) - MOST_FILES} more" if len(own) > MOST_FILES else ""
        named = ", ".join(own[:MOST_FILES])
        found.append(f"then and now {named}{more} held the same text, whatever it imports")
    return found + [
        f"the code of {name} differs: {a.told} then, {b.told} now"
        for name, a, b in pairs
        if a.digest != b.digest
    ]


def _where(then: Origin, now: Origin) -> str:
    """Which version, and from where, if it is not where pip puts it."""
    places = dict.fromkeys(one.place for one in (then, now) if not one.installed)
    version = "" if now.version.startswith("unknown") else f"{now.version} "
    return f"{version}(from {' and '.join(places)})" if places else version.strip()


def _python(files: dict[str, str]) -> dict[str, str]:
    """The digests of a user's files of code, by their names alone, since the folder differs; what
    several are called is none's."""
    named = [(Path(name).name, digest) for name, digest in files.items() if name.endswith(".py")]
    called = Counter(name for name, _ in named)
    return {name: digest for name, digest in named if called[name] == 1}


def release(torch: dict[str, str | None]) -> str:
    """torch's version without what it was built for, as 2.13.0."""
    return str(torch["version"]).partition("+")[0]


def _counts(then: Environment, now: Environment) -> list[tuple[str, object, object]]:
    """What counts depend on: not the machine, nor, without a GPU, what torch was built for."""
    on_cpu = then.device == now.device == "cpu"
    first, second = ((release(found.torch) if on_cpu else found.torch) for found in (then, now))
    return [
        ("device", then.device, now.device),
        ("torch", first, second),
        ("seed", then.seed, now.seed),
    ]


def _told(value: object) -> object:
    if value is None:
        return "not recorded"
    if isinstance(value, MemoryUse):
        return value.told
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items()) or "none"
    return value
