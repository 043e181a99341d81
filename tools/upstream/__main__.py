"""`python -m tools.upstream [NAME ...]`: measure what our changes to other libraries gain.

NAME is a project, as torchattacks, or one of its changes, as torchattacks/cw. For each change the
released wheel is downloaded, the diff applied, `explain` run on what was released and `duel` on
both. What has been measured already, with the same diff, is left out unless --again is given. Then
`make results` writes docs/upstream/.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from adapters.base import AdapterError
from bench.errors import UsageError
from tools.upstream import declared, measuring, records
from tools.upstream.declared import Change, Project, ProjectError
from tools.upstream.diffs import DiffError
from tools.upstream.measuring import MeasuringError
from tools.upstream.wheels import WheelError

_FAULTS = (AdapterError, DiffError, MeasuringError, UsageError, WheelError)


def chosen(names: Sequence[str], projects: Sequence[Project]) -> dict[str, list[Change]]:
    """Of each project the changes that names ask for; all without names. Pure.

    Raises:
        ProjectError: there is no such project or change.
    """
    every = {project.name: list(project.changes) for project in projects}
    if not names:
        return every
    found: dict[str, list[Change]] = {}
    for name in names:
        project, _, change = name.partition("/")
        of_project = every.get(project, [])
        mine = [one for one in of_project if change in ("", one.name)]
        if not mine:
            known = [f"{project}/{one.name}" for one in of_project] or list(every)
            raise ProjectError(f"there is no {name}; there are {', '.join(known)}")
        kept = found.setdefault(project, [])
        kept += [one for one in mine if one not in kept]
    return found


def main(words: list[str] | None = None, folder: Path = declared.PROJECTS) -> int:
    """Measure what was asked for.

    Args:
        words: of the command line.
        folder: of projects.

    Returns:
        the exit code: 1 where a change could not be measured, 2 where one is not well declared.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.upstream", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="project or project/change")
    parser.add_argument("--out", type=Path, default=records.RESULTS, metavar="DIR")
    parser.add_argument("--again", action="store_true", help="also what has been measured")
    parser.add_argument("--check", action="store_true", help="apply the diffs, and measure nothing")
    parser.add_argument(
        "--find-wheels", type=Path, metavar="DIR", help="take wheels from this folder, offline"
    )
    parser.add_argument("--max-seconds", metavar="S", help="of measuring, for each of the commands")
    parser.add_argument("--processes", metavar="N", help="of each of the commands")
    asked = parser.parse_args(words)
    try:
        projects = declared.every(folder)
        wanted = chosen(asked.names, projects)
    except ProjectError as error:
        print(f"upstream: {error}", file=sys.stderr)
        return 2
    failed = [_project(one, wanted[one.name], asked) for one in projects if one.name in wanted]
    return int(any(failed))


def _project(project: Project, changes: Sequence[Change], asked: argparse.Namespace) -> bool:
    """Measure some changes of a project; whether one failed."""
    left = [
        change
        for change in changes
        if asked.again or asked.check or not records.is_there(asked.out, project, change)
    ]
    for change in changes:
        if change not in left:
            print(f"{project.name}/{change.name}: measured already (--again)")
    if not left:
        return False
    try:
        place = measuring.prepare(project, asked.find_wheels)
    except _FAULTS as error:
        print(f"upstream: {project.name}: {error}", file=sys.stderr)
        return True
    more = [
        word
        for option in ("max_seconds", "processes")
        if (value := getattr(asked, option)) is not None
        for word in (f"--{option.replace('_', '-')}", value)
    ]
    failed = False
    for change in left:
        print(f"{project.name}/{change.name}: {change.title}", flush=True)
        try:
            if asked.check:
                measuring.patch(project, change, place)
            else:
                measuring.measure(project, change, place, asked.out, more)
        except _FAULTS as error:
            print(f"upstream: {project.name}/{change.name}: {error}", file=sys.stderr)
            failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
