"""What is told to whom: projects/NAME/project.toml, read and checked. Imports no torch.

A project is a released distribution, and each of its changes a unified diff of ours against it,
with the case that shows what the change gains.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator

from bench import files
from tools.upstream import diffs
from tools.upstream.diffs import DiffError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECTS = Path(__file__).resolve().parent / "projects"
FILE = "project.toml"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")

Text = Annotated[str, Field(min_length=1)]
Positive = Annotated[int, Field(gt=0)]


class ProjectError(Exception):
    """A project's file, or what it names, is not as it must be; one line that names the file."""


class Change(BaseModel):
    """One report: a diff, and the case that shows what it gains.

    Attributes:
        name: of its records and of its diff.
        diff: the file that holds it, beside the project's.
        title, why: of the report; the latter in a sentence or two, as Markdown.
        files: that the diff changes, from the root of the project's source.
        attacks: of the library's adapter, by name.
        attack: functions of ours that call the library, as `attack.py:run`, where no adapter does;
            with attacks too, these are explained, and the functions are the duel's.
        models, batch, image_size, steps: of the case.
        options: further words of both commands.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Text
    diff: Text
    title: Text
    why: Text
    files: list[Text] = Field(min_length=1)
    attacks: list[Text] = []
    attack: Text | list[Text] = []
    models: list[Text] = Field(min_length=1)
    batch: list[Positive] = Field(min_length=1)
    image_size: Positive | None = None
    steps: Positive | None = None
    options: list[Text] = []

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("small letters, digits and hyphens make a name of records")
        return name

    @property
    def functions(self) -> list[str]:
        """The functions of ours that call the library."""
        return [self.attack] if isinstance(self.attack, str) else self.attack


class Project(BaseModel):
    """A released distribution, and what is to be told of it.

    Attributes:
        distribution, version: as a registry has them.
        home: the address of the project.
        library: the adapter that has `attacks`.
        needs: further distributions, installed without what they depend on, where our lock lacks
            them.
        changes: the reports.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    distribution: Text
    version: Text
    home: Annotated[str, Field(pattern=r"^https://\S+$")]
    library: Text | None = None
    needs: list[Text] = []
    changes: list[Change] = Field(min_length=1)
    _folder: Path = PrivateAttr()

    @field_validator("version")
    @classmethod
    def _is_version(cls, version: str) -> str:
        try:
            Version(version)
        except InvalidVersion as error:
            raise ValueError(str(error)) from error
        return version

    @field_validator("needs")
    @classmethod
    def _are_requirements(cls, needs: list[str]) -> list[str]:
        for need in needs:
            try:
                Requirement(need)
            except InvalidRequirement as error:
                raise ValueError(f"{need}: {str(error).partition(chr(10))[0]}") from error
        return needs

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self._folder

    @property
    def name(self) -> str:
        """Of the project: its folder's."""
        return self._folder.name

    @property
    def released(self) -> str:
        """What the diffs are against, as a requirement."""
        return f"{self.distribution}=={self.version}"

    def diff(self, change: Change) -> Path:
        """The file that holds a change's diff."""
        return self.folder / change.diff


def names(projects: Path = PROJECTS) -> list[str]:
    """Of all projects, sorted."""
    return sorted(path.parent.name for path in projects.glob(f"*/{FILE}"))


def every(projects: Path = PROJECTS) -> list[Project]:
    """All projects, by name.

    Raises:
        ProjectError: one is not as it must be.
    """
    return [read(projects / name) for name in names(projects)]


def read(folder: Path) -> Project:
    """A project, with all that its file names looked at.

    Raises:
        ProjectError: its file can't be read, has a key that nobody knows or lacks one, or names
            something that is not there or is not as it must be.
    """
    where = f"{folder.name}/{FILE}"
    try:
        table = tomllib.loads(files.text(folder / FILE))
    except files.Unreadable as error:
        raise ProjectError(f"{where}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{where}: this is no TOML: {error}") from error
    try:
        project = Project.model_validate(table)
    except ValidationError as error:
        raise ProjectError(f"{where}: {_first(error)}") from error
    project._folder = folder
    _check(project, where)
    return project


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {found['msg'].removeprefix('Value error, ')}"


def _check(project: Project, where: str) -> None:
    met = [change.name for change in project.changes]
    if again := {name for name in met if met.count(name) > 1}:
        raise ProjectError(f"{where}: two changes are called {', '.join(sorted(again))}")
    for change in project.changes:
        told = f"{where}: changes.{change.name}"
        if not (change.attacks or change.functions):
            raise ProjectError(f'{told}: give attacks = ["cw"], or attack = "attack.py:run"')
        if change.attacks and project.library is None:
            raise ProjectError(
                f'{told}: attacks are of an adapter: give the project library = "art"'
            )
        ours = [change.diff, *(spec for spec in change.functions + change.models if ".py:" in spec)]
        for name in (spec.partition(":")[0] for spec in ours):
            if not (project.folder / name).is_file():
                raise ProjectError(f"{told}: there is no file {project.folder.name}/{name}")
        try:
            changed = diffs.parse(files.text(project.diff(change)))
        except (DiffError, files.Unreadable) as error:
            raise ProjectError(f"{project.name}/{change.diff}: {error}") from error
        if list(changed) != change.files:
            raise ProjectError(
                f"{told}: the diff changes {', '.join(changed)}, and files names"
                f" {', '.join(change.files)}"
            )
