"""`make wheelhouse`: the wheels a GPU machine without network lacks beside its own torch stack.

What the lock names for the machine's Python is downloaded, except torch, torchvision, all they
need, and all that the machine has already (`--have`, its `pip list --format=freeze`). What ships
no wheel is built here. The machine then installs the folder without an index.

With `--minimal` it is what is imported that counts, not what is declared: see `tools.importing`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from semibackward_bench.grammar import counted
from tools.importing import minimal

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
FOLDER = ROOT / "wheelhouse"
TORCH_STACK = ("torch", "torchvision")
# What a run needs; the lock also holds what only development needs.
WANTED = "semibackward-bench[libraries,gpu]"
WITH_TEXT = "semibackward-bench[text]"
FOR_TESTS = ("pytest", "pytest-timeout")


@dataclass(frozen=True)
class Target:
    """The machine the wheels are for."""

    python: str
    machine: str

    @property
    def markers(self) -> dict[str, str]:
        """The marker environment of that machine, for CPython on Linux."""
        return {
            "python_version": self.python,
            "python_full_version": f"{self.python}.0",
            "platform_machine": self.machine,
            "sys_platform": "linux",
            "platform_system": "Linux",
            "os_name": "posix",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }

    @property
    def pip_options(self) -> list[str]:
        """What makes pip choose wheels for that machine."""
        # pip takes each glibc version by its name only, so all up to a recent one are named.
        platforms = [f"manylinux_2_{minor}_{self.machine}" for minor in range(39, 4, -1)]
        platforms += [f"manylinux2014_{self.machine}", f"manylinux2010_{self.machine}"]
        platforms += [f"manylinux1_{self.machine}", f"linux_{self.machine}"]
        return [
            "--python-version",
            self.python,
            "--implementation",
            "cp",
            *(word for platform in platforms for word in ("--platform", platform)),
        ]


def main() -> int:
    """Fill the folder and print the line that installs it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--python-version", default="3.12")
    arguments.add_argument("--platform", default="x86_64")
    arguments.add_argument(
        "--have", type=Path, help="what the machine has: pip list --format=freeze"
    )
    arguments.add_argument("--text", action="store_true", help="also what attacks on text need")
    arguments.add_argument(
        "--minimal",
        action="store_true",
        help="only what is imported, not what is declared; each library is tried with it",
    )
    asked = arguments.parse_args()
    if not re.fullmatch(r"3\.1[0-3]", asked.python_version):
        print(f"wheelhouse: Python 3.10 to 3.13, not {asked.python_version}", file=sys.stderr)
        return 2
    target = Target(asked.python_version, asked.platform)
    try:
        have = set() if asked.have is None else names_in(asked.have.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        print(f"wheelhouse: can't read {asked.have}: {error}", file=sys.stderr)
        return 2
    have |= torch_stack(target)
    FOLDER.mkdir(exist_ok=True)
    if not asked.minimal:
        gather(wanted(target, text=asked.text) - have, target)
    elif code := minimal_wheels(target, have, text=asked.text):
        return code
    wheels = sorted(FOLDER.glob("*.whl"))
    if not wheels:
        print("That machine lacks nothing that a run needs.")
        return 0
    size = sum(wheel.stat().st_size for wheel in wheels) / 2**20
    there = counted(len(wheels), "wheel")
    print(f"{there}, {size:.0f} MiB, for Python {target.python} on {target.machine}.")
    print("Copy the repository with its folder wheelhouse/ to the machine, and install there with:")
    print("  python3 -m pip install --no-index --no-deps wheelhouse/*.whl")
    return 0


def gather(lacking: Iterable[str], target: Target) -> None:
    """Have exactly these wheels in the folder, as far as the lock pins them for the target."""
    names = set(lacking)
    pinned = [pin for pin in locked(target) if canonicalize_name(pin.name) in names]
    remove_others(FOLDER, pinned)
    for pin in pinned:
        collect(pin, target)


def minimal_wheels(target: Target, have: set[str], *, text: bool) -> int:
    """Only what is imported, found by trying, each use proved with the wheels themselves.

    Returns:
        0, or 1 where a use does not work with them: it is named.
    """
    uses = minimal.every(text=text)
    print("What each needs, behind a wall that hides what that machine lacks:", flush=True)
    try:
        found = minimal.needed(uses, have, say)
    except minimal.Unusable as error:
        print(f"wheelhouse: {error}", file=sys.stderr)
        return 1
    lacking = {name for needs in found.needs.values() for name in needs}
    have = have | found.theirs
    while True:
        gather(lacking, target)
        print("Each tried in a fresh environment without an index:", flush=True)
        proof = minimal.prove(uses, sorted(FOLDER.glob("*.whl")), have, say)
        # What a wall can't hide is missed here: a distribution whose metadata is asked for.
        if set(proof.missing) <= lacking | have:
            break
        lacking |= set(proof.missing)
    if proof.stood_in:
        named = ", ".join(proof.stood_in)
        print(f"For another Python, so that what is installed here stood in: {named}.")
    for name, why in proof.failed.items():
        print(f"wheelhouse: {name} does not work with these wheels: {why}", file=sys.stderr)
    return 1 if proof.failed else 0


def say(text: str) -> None:
    """Print a line of a list, at once."""
    print(f"  {text}", flush=True)


def names_in(freeze: str) -> set[str]:
    """The distributions named in the output of `pip list` or `pip freeze`."""
    found = re.findall(r"^([A-Za-z0-9][\w.-]*?)(?:\s*(?:[=@;<>~! ].*)?)$", freeze, re.MULTILINE)
    return {canonicalize_name(name) for name in found}


def locked(target: Target) -> list[Requirement]:
    """The lock's pins that hold on the target."""
    text = LOCK.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (line.partition(" --hash")[0].strip() for line in text.splitlines())
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return [pin for pin in pins if pin.marker is None or pin.marker.evaluate(target.markers)]


def wanted(target: Target, *, text: bool = False) -> set[str]:
    """Everything a run and the GPU tests need, this project itself left out."""
    roots = [WANTED, *([WITH_TEXT] if text else []), *FOR_TESTS]
    return closure(roots, target) - {"semibackward-bench"}


def torch_stack(target: Target) -> set[str]:
    """torch, torchvision and everything they need."""
    return closure(TORCH_STACK, target)


def closure(roots: Iterable[str], target: Target) -> set[str]:
    """The distributions that these need, directly or not, by what is installed here."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting.extend(needs(name, extra, target))
        found.add(name)
    return found


def needs(name: str, extra: str, target: Target) -> Iterator[Requirement]:
    """What one distribution needs on the target, for one extra or, without, for none."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return  # needed by the target alone; the lock decides its version
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker is None:
            if not extra:
                yield requirement
        elif requirement.marker.evaluate({**target.markers, "extra": extra}):
            yield requirement


def remove_others(folder: Path, pins: list[Requirement]) -> None:
    """Take out wheels of an earlier call; two versions of one distribution stop an install."""
    keep = {(canonicalize_name(pin.name), str(pin.specifier).lstrip("=")) for pin in pins}
    for wheel in folder.glob("*.whl"):
        name, version, _, _ = parse_wheel_filename(wheel.name)
        if (name, str(version)) not in keep:
            wheel.unlink()


def collect(pin: Requirement, target: Target) -> None:
    """Download a pin's wheel for the target; where it ships none, build one that fits anywhere."""
    asked = f"{pin.name}{pin.specifier}"
    quiet = ["--quiet", "--no-deps", "--disable-pip-version-check"]
    download = [
        *(sys.executable, "-m", "pip", "download", *quiet, "--only-binary=:all:"),
        *(*target.pip_options, "--dest", str(FOLDER), asked),
    ]
    downloaded = subprocess.run(download, capture_output=True, text=True, check=False)
    if downloaded.returncode == 0:
        return
    with tempfile.TemporaryDirectory() as scratch:
        build = [sys.executable, "-m", "pip", "wheel", *quiet, "--wheel-dir", scratch, asked]
        built = subprocess.run(build, capture_output=True, text=True, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if built.returncode or not wheels[0].name.endswith("-py3-none-any.whl"):
            said = (built.stderr or downloaded.stderr).strip()
            sys.exit(
                f"wheelhouse: {asked} has no wheel for the target, and none can be built: {said}"
            )
        wheels[0].replace(FOLDER / wheels[0].name)


if __name__ == "__main__":
    sys.exit(main())
