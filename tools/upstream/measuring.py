"""A change, measured: what the released version does, and its duel against the changed one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters import caching, versions
from bench import files
from tools.upstream import commands, diffs, records, wheels
from tools.upstream.declared import Change, Project

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "upstream"
_WHERE = ("PYTHONPATH", "VIRTUAL_ENV")


class MeasuringError(Exception):
    """A command of a report ended otherwise than it should; one line."""


@dataclass(frozen=True)
class Place:
    """The folders of a project, under the cache of this program.

    Attributes:
        work: where the commands run, with our functions in it.
        wheel: the released one.
        released: what is in it; in `work`, so that paths in records are relative.
        needs: what our lock lacks; there too.
    """

    work: Path
    wheel: Path
    released: Path
    needs: Path


def prepare(project: Project, found_in: Path | None) -> Place:
    """Get the released version and what else its measurement needs.

    Args:
        found_in: a folder of wheels to take them from; None for the package index.

    Raises:
        AdapterError: there is no home directory to keep them in.
        UsageError: uv is missing.
        WheelError: one can't be had.
    """
    above = caching.folder(FOLDER, "released versions").resolve()
    above /= f"{project.name}-{project.version}"
    wheel = wheels.released(project.released, above / "wheel", found_in)
    work = above / "work"
    place = Place(work, wheel, work / "released", work / "needs")
    shutil.rmtree(work, ignore_errors=True)
    wheels.unpack(wheel, place.released)
    if project.needs:
        wheels.install(project.needs, place.needs, found_in)
    for path in project.folder.glob("*.py"):
        shutil.copy(path, place.work)
    return place


def patch(project: Project, change: Change, place: Place) -> str:
    """A wheel of the released version with a change in it.

    Returns:
        its path, as the commands name it from the folder that they run in.

    Raises:
        DiffError: the diff does not apply.
    """
    made = records.patched(change, place.wheel.name)
    with tempfile.TemporaryDirectory() as folder:
        wheels.unpack(place.wheel, Path(folder))
        diffs.apply(project.diff(change), Path(folder))
        wheels.pack(Path(folder), place.work / made)
    return made


def measure(
    project: Project, change: Change, place: Place, results: Path, more: Sequence[str] = ()
) -> None:
    """Explain the released version, hold it against the changed one, leave the records.

    Args:
        place: made ready.
        results: where the records go.
        more: further words of both commands.

    Raises:
        DiffError: the diff does not apply.
        MeasuringError: a command failed, or its records name a folder of this machine.
    """
    patched = patch(project, change, place)
    # Side a is the file that b was made of, and not what an index has under its name by now.
    of_file = ["--find-wheels", os.path.relpath(place.wheel.parent, place.work)]
    asked = {
        "explain": (commands.explain(project, change), (place.released,)),
        "duel": ([*commands.duel(project, change, patched), *of_file], ()),
    }
    for kind, (words, first) in asked.items():
        out = place.work / f"{change.name}.{kind}.jsonl"
        out.unlink(missing_ok=True)
        _run([*words, *more, "--out", out.name], place, first)
        text = neutral(out.read_text(encoding="utf-8"), place.work, Path(sys.prefix))
        _check_names_no_folder(text, out.name, place)
        target = records.path(results, project, change, kind)
        target.parent.mkdir(parents=True, exist_ok=True)
        files.write(target, text)
    digests = (wheels.digest(place.wheel), wheels.digest(project.diff(change)))
    source = records.Source(place.wheel.name, *digests)
    records.write(results, project, change, source)


def _run(words: Sequence[str], place: Place, first: Sequence[Path]) -> None:
    """Run a command of this program's in the work folder.

    Args:
        first: folders of modules that come before all others.
    """
    folders = [*first, place.needs, ROOT]
    environment = {name: value for name, value in os.environ.items() if name not in _WHERE}
    environment["PYTHONPATH"] = os.pathsep.join(str(folder) for folder in folders)
    command = [sys.executable, "-m", "bench", *words]
    done = subprocess.run(command, cwd=place.work, env=environment)
    if done.returncode:
        raise MeasuringError(f"{words[0]} ended with exit code {done.returncode}")


def neutral(text: str, work: Path, environment: Path) -> str:
    """Records in which paths are told from the folder that the commands ran in. Pure.

    Args:
        work: that folder.
        environment: that the program ran in, which is called .venv.
    """
    for folder, name in ((work, ""), (environment, ".venv/")):
        for told in dict.fromkeys([str(folder), versions.shown(folder)]):
            for before in ('"', "(from "):
                text = text.replace(f"{before}{told}/", f"{before}{name}")
    return text


def _check_names_no_folder(text: str, name: str, place: Place) -> None:
    """Records are committed, and where they were made is nobody's business.

    Raises:
        MeasuringError: they name a folder of this machine.
    """
    for folder in (place.work.parent, ROOT, Path(sys.prefix), Path.home()):
        if f"{folder}{os.sep}" in text:
            raise MeasuringError(f"{name} names {folder}, a folder of this machine")
