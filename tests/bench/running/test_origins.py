"""--expect-from: a library that is imported from elsewhere ends the run before it begins."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from adapters import versions
from adapters.origins import Origin
from bench import cli
from bench.cases import Comparison
from bench.errors import EnvironmentMismatch, UsageError
from bench.kinds.request import Request
from bench.records import reading
from bench.records.journal import Journal
from bench.running import origins
from bench.worker.serve import Worker
from reports.formats import markdown
from reports.reading import places
from tests.bench.running.checkouts import ATTACK, NAME, checkout
from tests.cases import image_case
from tests.commands import SMALL, bench
from tests.records import ENVIRONMENT, counts, run, write

FOUND = {
    name: Origin(module, f"there/{module}", "1", "1.0", installed=False)
    for name, module in {
        "torchattacks": "torchattacks",
        "art": "art",
        "openattack": "OpenAttack",
    }.items()
}
HERE = {**FOUND, "art": Origin("art", "site/art", "2", "1.0", installed=True)}


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders that are named, to be seen from where the test runs."""
    for name in ("there/OpenAttack", "site", "a", "b", "the"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize(
    ("found", "measured", "texts"),
    [
        (FOUND, ["torchattacks", "art", "reference"], ["there"]),
        (HERE, ["torchattacks", "art"], ["there", "site"]),
        (HERE, ["torchattacks", "art"], ["art=site", "there"]),
        (HERE, ["torchattacks", "art"], ["torchattacks=there"]),
        (FOUND, ["openattack"], ["OpenAttack=there/OpenAttack"]),
        (FOUND, ["torchattacks"], ["a/../there"]),
        (FOUND, ["torchattacks"], []),
    ],
)
def test_what_comes_from_under_its_folder_passes(
    found: Mapping[str, Origin], measured: Sequence[str], texts: Sequence[str]
) -> None:
    origins.check(found, measured, origins.parse(texts))


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize(
    ("measured", "texts", "said"),
    [
        (
            ["torchattacks", "art"],
            ["there"],
            r"art is imported from site/art, not from under there",
        ),
        (["torchattacks"], ["the"], "torchattacks is imported from there/torchattacks"),
        (["torchattacks"], ["torchattacks=site", "there"], "not from under site"),
        (["torchattacks"], ["a", "b"], "not from under a or b"),
        (["torchattacks"], ["foolbox=there"], "no module of foolbox is found anywhere"),
        (["foolbox"], ["there"], "no module of foolbox is found anywhere"),
        (["reference"], ["there"], "no library is measured that could come from there"),
        ([], ["there"], "--expect-from NAME=there"),
    ],
)
def test_what_does_not_is_told_in_one_line(
    measured: Sequence[str], texts: Sequence[str], said: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as raised:
        origins.check(HERE, measured, origins.parse(texts))
    assert "\n" not in str(raised.value)


def test_the_mend_is_the_path_that_would_have_been_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = checkout(tmp_path / "new" / "src", {"art/__init__.py": ""})
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{tmp_path}/nwe")
    with pytest.raises(UsageError) as raised:
        origins.check(HERE, ["art"], origins.parse([str(tmp_path / "new")]))
    assert f"PYTHONPATH probably is mistyped: there is no folder {tmp_path}/nwe" in str(
        raised.value
    )
    assert str(raised.value).endswith(f"the package lies in {place}: set PYTHONPATH={place}")


def test_a_folder_that_is_not_there_is_told_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.running.session.WorkerPool", None)
    for command in ("run", "counts", "explain", "advise", "train"):
        assert cli.main([command, "--libs", "torchattacks", "--expect-from", "no/such"]) == 2
        assert "--expect-from no/such: there is no folder no/such" in capsys.readouterr().err


def test_the_recipe_counts_a_checkout_and_a_mistyped_path_ends_it(tmp_path: Path) -> None:
    code = {f"{NAME}/__init__.py": '__version__ = "1.1"', f"{NAME}/attacks.py": ATTACK}
    place = checkout(tmp_path / "new", code)
    mine = tmp_path / "mine.py"
    mine.write_text(
        "def pgd(model, images, labels):\n"
        f"    from {NAME} import attacks\n"
        "    return attacks.pgd(model, images, labels)\n"
    )
    out = tmp_path / "new.jsonl"
    words = ("counts", "--attack", f"{mine}:pgd", *SMALL, "--out", out)
    expected = ("--expect-from", f"{NAME}={place}")
    typed = bench(*words, *expected, PYTHONPATH="nwe")
    assert typed.returncode == 2
    assert "PYTHONPATH probably is mistyped: there is no folder nwe" in typed.stderr
    assert not out.exists()
    done = bench(*words, *expected, PYTHONPATH=str(place))
    assert done.returncode == 0, done.stderr
    origin = reading.read(out).environment.origins[NAME]
    assert (origin.place, origin.version) == (versions.shown(place / NAME), "1.1")
    said = markdown.report([reading.read(out)])
    assert f"{NAME} 1.1 from {origin.place}, code {origin.digest}" in said


def test_two_checkouts_are_looked_for_where_a_worker_imports_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, elsewhere = {}, tmp_path / "elsewhere"
    elsewhere.mkdir()
    for side in ("base", "new"):
        place = checkout(tmp_path / side, {f"{NAME}/attacks.py": f"side = {side!r}"})
        case = replace(image_case("user"), attack=f"{NAME}.attacks:pgd")
        with monkeypatch.context() as patched:
            patched.syspath_prepend(place)
            asked = [Comparison(case, "semi-backward")]
            look = partial(origins.look, Worker().answer, Request(), asked)
            found[side] = look(origins.parse([str(place)]))[NAME]
            with pytest.raises(UsageError, match=f"{NAME} is imported from"):
                look(origins.parse([str(elsewhere)]))
    assert found["base"].digest != found["new"].digest
    assert [one.module for one in found.values()] == [NAME, NAME]


def test_both_sides_of_one_code_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = replace(ENVIRONMENT, origins=HERE)
    other = {"art": replace(HERE["art"], digest="9"), "torchattacks": FOUND["torchattacks"]}
    base = write(tmp_path / "base", [same, counts()])
    new = write(tmp_path / "new", [replace(same, origins=other), counts()])
    assert cli.main(["compare", str(base), str(new)]) == 0
    said = capsys.readouterr().out
    assert "same code of torchattacks 1.0 (from there/torchattacks)." in said
    assert "the code of art differs: 1.0, code 2 then, 1.0, code 9 now" in said


def test_another_code_of_a_library_is_not_gone_on_with(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", [replace(ENVIRONMENT, origins=FOUND), counts()])
    moved = {name: replace(one, place="elsewhere") for name, one in FOUND.items()}
    for origins_ in (moved, {**FOUND, "more": FOUND["art"]}, {}):
        with Journal(path, resume=True) as journal:
            journal.begin(replace(ENVIRONMENT, origins=origins_))
    changed = {**FOUND, "art": replace(FOUND["art"], digest="9")}
    with (
        Journal(path, resume=True) as journal,
        pytest.raises(EnvironmentMismatch, match=r"code of art: 1\.0 from there/art, code 1 then"),
    ):
        journal.begin(replace(ENVIRONMENT, origins=changed))


def test_reports_tell_what_was_imported_from_elsewhere() -> None:
    told = markdown.where(replace(ENVIRONMENT, origins=HERE))
    assert "torchattacks 1.0 from there/torchattacks, code 1;" in told
    assert "art 1.0" not in told, "where pip puts it"
    both = [
        run(origins={"art": origin}, path=name)
        for name, origin in (("a", FOUND["art"]), ("b", replace(FOUND["art"], digest="9")))
    ]
    assert [place.label for place in places.of(both)] == [
        "art 1.0 from there/art, code 1",
        "art 1.0 from there/art, code 9",
    ]
