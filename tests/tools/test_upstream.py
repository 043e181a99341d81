"""Reports for other libraries: declared well, with diffs that apply to what was released."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from adapters import caching
from bench.duel import sides
from tests.tools.upstreams import CHANGES, DECLARED, DIFF, PROJECTS, SOURCE, made_up, name, unpacked
from tools.upstream import __main__ as upstream
from tools.upstream import commands, declared, diffs, measuring, wheels
from tools.upstream.declared import Change, Project, ProjectError
from tools.upstream.diffs import DiffError

LOCKED = ("torchattacks", "eagerpy", "adversarial-robustness-toolbox")
"""Distributions that the lock has, at the versions that the diffs are against."""


@pytest.mark.parametrize("found", CHANGES, ids=name)
def test_every_diff_applies_to_what_was_released(
    found: tuple[Project, Change], tmp_path: Path
) -> None:
    project, change = found
    if project.distribution not in LOCKED:
        # Not installed here: `make upstream` applies it, and the records name what to.
        assert diffs.parse(project.diff(change).read_text("utf-8")).keys() == set(change.files)
        return
    assert importlib.metadata.version(project.distribution) == project.version
    distribution = importlib.metadata.distribution(project.distribution)
    for file in change.files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(str(distribution.locate_file(file))), tmp_path / file)
    before = {file: (tmp_path / file).read_text("utf-8") for file in change.files}
    diffs.apply(project.diff(change), tmp_path)
    for file, text in before.items():
        changed = (tmp_path / file).read_text("utf-8")
        assert changed != text
        compile(changed, file, "exec")
    with pytest.raises(DiffError, match=re.escape(change.diff)):
        diffs.apply(project.diff(change), tmp_path)  # it is there already


def test_most_diffs_are_applied_here() -> None:
    assert sum(project.distribution in LOCKED for project, _ in CHANGES) >= 9


def test_a_diff_is_applied_to_a_wheel_which_has_no_src(tmp_path: Path) -> None:
    folder = made_up(tmp_path)
    released = unpacked(tmp_path / "released")
    diffs.apply(folder / "one.diff", released)
    assert "inputs=[]" in (released / "made_up" / "attack.py").read_text()


def test_a_diff_that_does_not_apply_is_refused_by_its_name(tmp_path: Path) -> None:
    folder = made_up(tmp_path)
    released = unpacked(tmp_path / "released")
    (released / "made_up" / "attack.py").write_text("x = 1\n")
    with pytest.raises(DiffError, match=r"one\.diff does not apply to what was released: .+"):
        diffs.apply(folder / "one.diff", released)
    assert (released / "made_up" / "attack.py").read_text() == "x = 1\n"
    shutil.rmtree(released / "made_up")
    with pytest.raises(DiffError, match=r"one\.diff: there is no src/made_up/attack\.py"):
        diffs.apply(folder / "one.diff", released)


@pytest.mark.parametrize(
    ("diff", "told"),
    [
        ("", "it changes no file"),
        (DIFF.partition("@@")[0], "it changes no file"),
        (DIFF.replace("-1,3", "-1,4"), "line 3: the hunk has not as many lines"),
        (DIFF.replace("-1,3 +1,3", "-1,2 +1,2"), "line 3: the hunk has more lines"),
        (DIFF.replace("@@ -1,3 +1,3 @@", "@@ here @@"), "line 3: this is no head of a hunk"),
        (DIFF.replace("+++ b/src/made_up/attack.py", "+++ b/other.py"), "line 2: below --- a/src"),
        (DIFF.replace("src/", "../"), "is no path inside of the project"),
    ],
)
def test_what_is_no_diff_is_refused(tmp_path: Path, diff: str, told: str) -> None:
    with pytest.raises(ProjectError, match=r"made-up/one\.diff: ") as caught:
        declared.read(made_up(tmp_path, diff=diff))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('library = "torchattacks"', 'libary = "torchattacks"', "libary: Extra inputs"),
        ('library = "torchattacks"\n', "", 'give the project library = "art"'),
        ('attacks = ["cw"]\n', "", 'attack = "attack.py:run"'),
        ('attacks = ["cw"]\n', 'attack = "none.py:run"\n', "there is no file made-up/none.py"),
        ('"one.diff"', '"none.diff"', "there is no file made-up/none.diff"),
        ("batch = [4]", "batch = [0]", "changes.0.batch.0: Input should be greater than 0"),
        ("batch = [4]", "", "changes.0.batch: Field required"),
        ('name = "one"', 'name = "../one"', "changes.0.name: small letters"),
        ('version = "1.0"', 'version = "newest"', "version: Invalid version"),
        ("src/made_up/attack.py", "other.py", "the diff changes src/made_up/attack.py, and files"),
        ('version = "1.0"', "version = ", "this is no TOML"),
        ("library =", 'needs = ["a b"]\nlibrary =', "needs: a b: "),
    ],
)
def test_a_project_that_is_not_well_declared_is_refused_in_one_line(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert old in DECLARED
    with pytest.raises(ProjectError, match=r"^made-up/project\.toml: ") as caught:
        declared.read(made_up(tmp_path, DECLARED.replace(old, new)))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_changes_of_one_name_are_refused(tmp_path: Path) -> None:
    twice = DECLARED + DECLARED[DECLARED.index("[[changes]]") :]
    with pytest.raises(ProjectError, match="two changes are called one"):
        declared.read(made_up(tmp_path, twice))


def test_what_is_packed_again_is_a_wheel_whose_record_is_true(tmp_path: Path) -> None:
    released = unpacked(tmp_path / "released")
    wheel = tmp_path / "packed" / "made_up-1.0-py3-none-any.whl"
    wheels.pack(released, wheel)
    again = tmp_path / "again"
    wheels.unpack(wheel, again)
    assert (again / "made_up" / "attack.py").read_text() == SOURCE
    record = (again / "made_up-1.0.dist-info" / "RECORD").read_text()
    assert re.search(
        rf"^made_up/attack\.py,sha256=[\w-]{{43}},{len(SOURCE)}$", record, re.MULTILINE
    )
    assert "wrong" not in record
    first = wheel.read_bytes()
    wheels.pack(again, wheel)
    assert wheel.read_bytes() == first
    assert zipfile.ZipFile(wheel).testzip() is None


def test_the_released_wheel_is_patched_and_can_be_a_side(tmp_path: Path) -> None:
    project = declared.read(made_up(tmp_path))
    released = unpacked(tmp_path / "released")
    wheel = tmp_path / "made_up-1.0-py3-none-any.whl"
    wheels.pack(released, wheel)
    place = measuring.Place(tmp_path / "work", wheel, released, tmp_path / "needs")
    made = measuring.patch(project, project.changes[0], place)
    assert made == f"./patched/one/{wheel.name}"
    asked = sides.parse(str(place.work / made), "b")
    assert asked.local
    with zipfile.ZipFile(place.work / made) as packed:
        assert b"inputs=[]" in packed.read("made_up/attack.py")
    assert (released / "made_up" / "attack.py").read_text() == SOURCE


def test_functions_of_ours_are_the_duels_and_attacks_are_explained(tmp_path: Path) -> None:
    project = declared.read(made_up(tmp_path))
    (plain,) = project.changes
    assert commands.duel(project, plain, "./b")[5:7] == ["--attacks", "cw"]
    both = plain.model_copy(update={"attack": ["a.py:one", "a.py:two"], "steps": 3})
    assert commands.duel(project, both, "./b")[5:9] == [
        "--attack",
        "a.py:one",
        "--attack",
        "a.py:two",
    ]
    assert commands.explain(project, both)[3:7] == ["--libs", "torchattacks", "--attacks", "cw"]
    own = both.model_copy(update={"attacks": []})
    assert commands.explain(project, own)[3:5] == ["--attack", "a.py:one"]
    assert commands.explain(project, own)[-2:] == ["--steps", "3"]


def test_names_choose_projects_and_changes() -> None:
    of_torchattacks = next(one for one in PROJECTS if one.name == "torchattacks")
    every = upstream.chosen([], PROJECTS)
    assert every.keys() == {project.name for project in PROJECTS}
    assert upstream.chosen(["torchattacks"], PROJECTS) == {"torchattacks": of_torchattacks.changes}
    found = upstream.chosen(["torchattacks/fab", "torchattacks/cw"], PROJECTS)
    assert [change.name for change in found["torchattacks"]] == ["fab", "cw"]
    with pytest.raises(ProjectError, match=r"there is no torchattacks/none; there are torchatt"):
        upstream.chosen(["torchattacks/none"], PROJECTS)
    with pytest.raises(ProjectError, match=r"there is no none; there are art, "):
        upstream.chosen(["none"], PROJECTS)


def test_diffs_are_checked_against_a_folder_of_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(caching.VARIABLE, str(tmp_path / "cache"))
    project = made_up(tmp_path)
    wheel = tmp_path / "wheels" / "made_up-1.0-py3-none-any.whl"
    wheels.pack(unpacked(tmp_path / "released"), wheel)
    words = ["made-up", "--check", "--find-wheels", str(wheel.parent)]
    assert upstream.main(words, tmp_path) == 0
    assert "made-up/one: It computes what nobody reads" in capsys.readouterr().out
    (project / "one.diff").write_text(DIFF.replace("return loss", "return None"))
    assert upstream.main(words, tmp_path) == 1
    told = capsys.readouterr().err
    assert told.startswith("upstream: made-up/one: one.diff does not apply to what was released")
    assert told.count("\n") == 1
    (project / "project.toml").write_text(DECLARED.replace("library", "libary", 1))
    assert upstream.main(words, tmp_path) == 2
    assert capsys.readouterr().err.startswith("upstream: made-up/project.toml: libary: ")


def test_a_release_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(caching.VARIABLE, str(tmp_path / "cache"))
    made_up(tmp_path)
    (tmp_path / "wheels").mkdir()
    words = ["--check", "--find-wheels", str(tmp_path / "wheels")]
    assert upstream.main(words, tmp_path) == 1
    assert capsys.readouterr().err.startswith("upstream: made-up: made-up==1.0 can't be had: ")
