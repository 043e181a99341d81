"""Reports for other libraries: records of what is declared, and pages that say how duels ended."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bench.records.reading import RecordError
from tests.places import ROOT
from tests.tools.upstreams import CHANGES, made_up, name
from tools.upstream import declared, measuring, page, records
from tools.upstream.declared import Change, Project


@pytest.mark.parametrize("found", CHANGES, ids=name)
def test_records_are_of_the_diff_and_the_release_that_are_declared(
    found: tuple[Project, Change],
) -> None:
    project, change = found
    measured = records.read(records.RESULTS, project, change)
    assert measured is not None, f"make upstream measures {name(found)}"
    assert re.fullmatch(r"[0-9a-f]{64}", measured.source.sha256)
    for duel in measured.duel.duels:
        assert {side.version for side in duel.sides.values()} == {project.version}
        assert duel.sides["a"].digest != duel.sides["b"].digest
    for kind in records.KINDS:
        text = records.path(records.RESULTS, project, change, kind).read_text("utf-8")
        assert not re.search(r'"(?:/|~/)[^"]*/', text), "a folder of the machine that measured"


@pytest.mark.parametrize("found", CHANGES, ids=name)
def test_a_change_spares_parameter_gradients_and_its_page_says_how_its_duel_ended(
    found: tuple[Project, Change],
) -> None:
    project, change = found
    measured = records.read(records.RESULTS, project, change)
    assert measured is not None
    text = (ROOT / "docs" / "upstream" / f"{project.name}.md").read_text("utf-8")
    for duel in measured.duel.duels:
        assert duel.gradients is not None
        assert int(duel.gradients["a"]) > int(duel.gradients["b"])
        told = page._verdict(duel)
        assert told in text
        faster = duel.verdict == "faster" and page._equal(duel)
        assert ("does not show it faster" in told or "not equal" in told) != faster


def test_a_verdict_is_told_as_it_is() -> None:
    measured = next(found for one in CHANGES if (found := records.read(records.RESULTS, *one)))
    duel = measured.duel.duels[0]
    assert duel.equality is not None
    open_ = replace(duel, verdict="inconclusive")
    assert "the duel does not show it faster (inconclusive)" in page._verdict(open_)
    differing = replace(duel, verdict="faster", equality=replace(duel.equality, equal=False))
    assert "faster, and the outputs are not equal" in page._verdict(differing)
    same = replace(duel.equality, equal=True, bitwise=True)
    assert "equal outputs, bit for bit" in page._verdict(
        replace(duel, verdict="faster", equality=same)
    )


def copied(found: tuple[Project, Change], folder: Path) -> Path:
    """A project's folder with all that is in it."""
    project, _ = found
    place = folder / project.name
    shutil.copytree(project.folder, place)
    return place


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("cw.diff", "images", "images ", "cw.diff has changed"),
        ("project.toml", 'version = "3.5.1"', 'version = "3.5.2"', "the release has changed"),
        ("project.toml", "steps = 10", "steps = 9", "what is asked of explain has changed"),
        ("project.toml", "why = ", "why = ", None),
    ],
)
def test_a_record_of_something_else_is_refused_with_the_mend(
    tmp_path: Path, file: str, old: str, new: str, told: str | None
) -> None:
    cw = next(one for one in CHANGES if name(one) == "torchattacks/cw")
    folder = copied(cw, tmp_path)
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), "utf-8")
    project = declared.read(folder)
    change = project.changes[0]
    assert records.is_there(records.RESULTS, project, change) == (told is None)
    if told is not None:
        with pytest.raises(
            RecordError, match=r"python -m tools\.upstream torchattacks/cw"
        ) as caught:
            records.read(records.RESULTS, project, change)
        assert told in str(caught.value)
    assert records.read(tmp_path / "nothing", project, change) is None


def test_records_name_no_folder_of_the_machine(tmp_path: Path) -> None:
    at, environment = tmp_path / "at", tmp_path / "venv"
    text = f'{{"place": "{at}/released/a", "other": "{environment}/lib/b"}}'
    told = measuring.neutral(text, at, environment)
    assert told == '{"place": "released/a", "other": ".venv/lib/b"}'


def test_what_has_not_been_measured_is_told_as_such(tmp_path: Path) -> None:
    folder = made_up(tmp_path).parent
    docs = tmp_path / "docs"
    made = page.files(docs, folder, tmp_path / "results")
    assert made.keys() == {docs / "README.md", docs / "made-up.md"}
    assert "| not measured |" in made[docs / "README.md"]
    assert "Not measured yet: `python -m tools.upstream made-up/one`" in made[docs / "made-up.md"]
